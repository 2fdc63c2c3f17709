"""Who has which role, as the log says: the newest word on each, and when they were here last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from headgate.core import clock
from headgate.core import json as hjson
from headgate.portal.access.people import Person
from headgate.portal.records import chain
from headgate.portal.records.opening import Records
from headgate.portal.records.tables import entry as _entry


@dataclass(frozen=True)
class Given:
    """Somebody's role and teams since ``at``, by the entry ``number``; ``seen_at`` is when they
    signed in last."""

    who: str
    role: str
    teams: tuple[str, ...]
    at: datetime
    number: int
    seen_at: datetime | None


def note(records: Records, person: Person, **detail: object) -> None:
    """Put on record which role somebody has, if that is not what the log says already."""
    known = every(records, after="", limit=1, who=person.name)
    teams = tuple(sorted(person.teams))
    if not known or (known[0].role, known[0].teams) != (str(person.role), teams):
        chain.append(
            records, by=person, action="role_given", subject=person.name,
            role=str(person.role), teams=teams, **detail,
        )  # fmt: skip


def every(
    records: Records, *, after: str = "", limit: int = 50, who: str | None = None
) -> tuple[Given, ...]:
    """Everybody the log knows a role of, by name, from behind ``after`` on; or one alone."""
    given = _entry.c.action == "role_given"
    newest = sa.select(sa.func.max(_entry.c.number)).where(given).group_by(_entry.c.subject)
    asked = sa.select(_entry).where(_entry.c.number.in_(newest))
    if who is not None:
        newest = sa.select(sa.func.max(_entry.c.number)).where(given, _entry.c.subject == who)
        asked = sa.select(_entry).where(_entry.c.number.in_(newest))
    asked = (
        asked.where(_entry.c.subject > chain.writable(after))
        .order_by(_entry.c.subject)
        .limit(limit)
    )
    with records.reading() as connection:
        rows = connection.execute(asked).all()
        names = [row.subject for row in rows]
        seen = {
            row.who: clock.moment(row.at)
            for row in connection.execute(
                sa.select(_entry.c.who, sa.func.max(_entry.c.at).label("at"))
                .where(_entry.c.action == "signed_in", _entry.c.who.in_(names))
                .group_by(_entry.c.who)
            )
        }
    found = []
    for row in rows:
        told = hjson.loads(row.detail)
        found.append(
            Given(row.subject, told["role"], tuple(told["teams"]), clock.moment(row.at),
                  row.number, seen.get(row.subject))
        )  # fmt: skip
    return tuple(found)
