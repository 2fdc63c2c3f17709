"""How fresh a dataset was kept: when each publication came, and how long readers had waited for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from headgate.lake import ledger
from headgate.lake.engines.duckdb import literal
from headgate.lake.snapshot import relation
from headgate.portal.told.asking import holding

if TYPE_CHECKING:
    from headgate.portal.told.asking import Asking


@dataclass(frozen=True)
class Publication:
    """A publication that brought news, and how many hours the one before it was old by then (None of
    the first)."""

    at: datetime
    hours: float | None


def publications(asking: Asking, dataset: str, limit: int = 60) -> tuple[Publication, ...]:
    """The last publications, the oldest first. What only moved rows about is none."""
    base = asking.snapshot(ledger.BATCHES)
    if base is None:
        return ()
    columns = {c: base.columns[c] for c in ("dataset", "kind", "outcome", "committed_at")}
    source = relation(holding(base.files, "dataset", dataset), columns)
    moved = ", ".join(map(literal, ledger.NOT_NEWS))
    found = asking.rows(
        f"SELECT DISTINCT committed_at FROM {source} WHERE dataset = {literal(dataset)}"
        f" AND outcome = 'published' AND kind NOT IN ({moved})"
        f" ORDER BY committed_at DESC LIMIT {int(limit) + 1}"
    )
    return _with_waits([row["committed_at"] for row in reversed(found)])[-limit:]


def _with_waits(times: Sequence[datetime]) -> tuple[Publication, ...]:
    before: list[datetime | None] = [None, *times]
    return tuple(
        Publication(at, None if earlier is None else (at - earlier) / timedelta(hours=1))
        for earlier, at in zip(before, times, strict=False)
    )
