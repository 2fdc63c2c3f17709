"""How a batch ended: its account, its verdict and where it now lies."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.quality.verdict import Verdict


@dataclass(frozen=True)
class BatchOutcome:
    """One batch's end. ``outcome`` is published, refused or unchanged.

    Counts are rows; ``read = published + quarantined + deduplicated + refused``. ``version`` is
    the table's version after it, None when nothing was committed. ``problems`` are sentences.
    """

    dataset: str
    batch_id: str
    source: str
    outcome: str
    read: int = 0
    published: int = 0
    quarantined: int = 0
    deduplicated: int = 0
    refused: int = 0
    version: int | None = None
    seconds: float = 0.0
    problems: tuple[str, ...] = ()
    verdict: Verdict | None = None
