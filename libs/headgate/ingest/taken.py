"""What a file came to before the gate, told without any row of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headgate.lake.stage import StagedFile


@dataclass(frozen=True)
class Taken:
    """What a file came to before the gate: everything that :class:`headgate.quality.gate.Intake`
    needs, as plain values and files that are staged.

    ``refused`` hold ``quarantined`` rows, set aside for the reasons that ``codes`` count;
    ``tombstones`` and ``present`` are rows and keys, see :mod:`headgate.ingest.deletions`.
    """

    content_hash: str
    read: int
    staged: tuple[StagedFile, ...] = ()
    refused: tuple[StagedFile, ...] = ()
    quarantined: int = 0
    codes: Mapping[str, int] = field(default_factory=dict)
    deduplicated: int = 0
    conflicts: int = 0
    breaches: Mapping[str, int] = field(default_factory=dict)
    reading: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    control_total: tuple[int | None, int] | None = None
    tombstones: tuple[StagedFile, ...] = ()
    present: tuple[StagedFile, ...] = ()
    notes: tuple[str, ...] = ()
