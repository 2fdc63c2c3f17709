"""What a commit changed in a table, a release in what readers see, and a waiver: told in facets of ours.

OpenLineage has no facet that says it; `docs/reference/lineage-events.md` describes these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Kinds of commits, as :class:`Change` has them: those of batches, and two that bring no new rows.
RESTORE, COMPACTION = "restore", "compaction"


@dataclass(frozen=True)
class Late:
    """New rows of days that the table held already: how many, by which column, from which day to
    which (ISO dates)."""

    rows: int
    column: str
    first: str
    last: str


@dataclass(frozen=True)
class Change:
    """What one commit did to a table.

    ``kind`` is ingest, model, replay, audit, rebuild, restore or compaction; ``mode`` merge or
    replace. ``after`` is the version whose rows it began from, None for the first. Of the rows that
    were ``read``, ``inserted`` had new keys and ``updated`` known ones; ``deleted`` are rows of the
    table that went. A batch that replaces counts all rows as inserted, all before as deleted.
    ``inputs`` are the versions that it was made from, or looked its keys up in. ``same_as`` is the
    version whose rows a restore brought back, or a compaction put together.
    """

    kind: str
    mode: str = ""
    batch_id: str = ""
    source: str = ""
    after: int | None = None
    read: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    quarantined: int = 0
    deduplicated: int = 0
    late: Late | None = None
    inputs: Mapping[str, int] = field(default_factory=dict)
    code_hash: str = ""
    contract_version: str = ""
    contract_hash: str = ""
    same_as: int | None = None


@dataclass(frozen=True)
class HeldGroup:
    """A release group that a release left as it was: its datasets, those of them that are committed
    at another version than it shows, and sentences why it was held."""

    group: str
    datasets: tuple[str, ...] = ()
    behind: Mapping[str, int] = field(default_factory=dict)
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """A release: its number and that before it, ``kind`` (publish or rollback), a note, and what it
    did not show."""

    number: int
    parent: int | None
    kind: str = "publish"
    note: str = ""
    held: tuple[HeldGroup, ...] = ()


@dataclass(frozen=True)
class Waiver:
    """Refused rows that somebody said may stay out: how many, who, and why."""

    rows: int
    by: str
    why: str
