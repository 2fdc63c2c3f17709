"""The events themselves, as they came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_

from headgate.core.errors import NotFoundError
from headgate.lineage.questions import jobs, paging
from headgate.lineage.store import tables as t
from headgate.lineage.store.instants import moment
from headgate.lineage.store.packing import unpacked

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store


@dataclass(frozen=True)
class Event:
    """An event as it came, and when that was."""

    received_at: datetime
    event: Any


@dataclass(frozen=True)
class EventPage:
    """Events, the newest first: of a job by the time that they tell, else by when they came."""

    events: tuple[Event, ...]
    next: str | None


def page(
    store: Store,
    *,
    run: str | None = None,
    job: str | None = None,
    namespace: str | None = None,
    limit: int = 100,
    after: str | None = None,
) -> EventPage:
    """All events, those of one run (a UUID), or those of one job.

    Raises:
        NotFoundError: there is no such run or job, or ``after`` is no ``next`` of a page.
    """
    e = t.event.c
    asked = select(e.id, e["at"], e.received_at, e.body)
    #: By columns that an index has, so that the last page costs what the first does.
    by_time = run is None and job is not None
    order = (e["at"], e.id) if by_time else (e.id,)
    if after is not None:
        begin = paging.values(after, *(int for _ in order))
        asked = asked.where(tuple_(*order) < tuple_(*begin))
    with store.reading() as connection:
        if run is not None:
            found = connection.scalar(select(t.run.c.id).where(t.run.c.uuid == run.lower()))
            if found is None:
                raise NotFoundError(f"no run {run} is known.")
            asked = asked.where(e.run_id == found)
        if job is not None:
            asked = asked.where(e.job_id == jobs.find(connection, job, namespace).id)
        asked = asked.order_by(*(column.desc() for column in order)).limit(limit + 1)
        rows = connection.execute(asked).all()
    last = rows[limit - 1] if len(rows) > limit else None
    key = ((last.at, last.id) if by_time else (last.id,)) if last else ()
    return EventPage(
        tuple(Event(moment(row.received_at), unpacked(row.body)) for row in rows[:limit]),
        paging.key(key) if last else None,
    )
