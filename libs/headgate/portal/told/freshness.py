"""How fresh a dataset was kept: when each publication came, and how long readers had waited for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.lake import ledger
from headgate.portal.told.batches import Account


@dataclass(frozen=True)
class Publication:
    """A publication that brought news, and how many hours the one before it was old by then (None of
    the first)."""

    at: datetime
    hours: float | None


def publications(batches: Sequence[Account]) -> tuple[Publication, ...]:
    """Those among batches that are given the newest first; the oldest first. What only moved rows
    about is none."""
    news = (b for b in batches if b.outcome == "published" and b.kind not in ledger.NOT_NEWS)
    times = sorted({b.at for b in news})
    before: list[datetime | None] = [None, *times]
    return tuple(
        Publication(at, None if earlier is None else (at - earlier) / timedelta(hours=1))
        for earlier, at in zip(before, times, strict=False)
    )
