"""The releases that moved a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from headgate.lake import ledger
from headgate.lake.engines.duckdb import literal
from headgate.lake.snapshot import relation
from headgate.portal.told.asking import holding

if TYPE_CHECKING:
    from headgate.portal.told.asking import Asking


@dataclass(frozen=True)
class Moved:
    """A release in which the dataset has another version than in the one before it.

    ``kind`` is publish or rollback; ``before`` is None in the first release that has it.
    """

    release: int
    version: int
    before: int | None
    kind: str
    run_id: str
    at: datetime


def moved(asking: Asking, dataset: str, limit: int = 20) -> tuple[Moved, ...]:
    """The releases that moved a dataset, the newest first."""
    base = asking.snapshot(ledger.RELEASES)
    if base is None:
        return ()
    columns = ["dataset", "release_id", "version", "kind", "run_id", "published_at"]
    source = relation(
        holding(base.files, "dataset", dataset), {c: base.columns[c] for c in columns}
    )
    found = asking.rows(
        "SELECT release_id, version, before, kind, run_id, published_at FROM"
        " (SELECT *, lag(version) OVER (ORDER BY release_id) AS before"
        f" FROM {source} WHERE dataset = {literal(dataset)})"
        f" WHERE version IS DISTINCT FROM before ORDER BY release_id DESC LIMIT {int(limit)}"
    )
    return tuple(Moved(*row.values()) for row in found)
