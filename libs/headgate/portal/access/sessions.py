"""Sessions: who is signed in, by a random number in a cookie, of which only a digest is kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.records.opening import Records
from headgate.portal.records.tables import session as _session

#: How often at the most it is noted that somebody is still there.
_NOTED = timedelta(minutes=1)


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in; ``key`` is what their cookie holds."""

    key: str
    person: Person
    since: datetime
    seen_at: datetime


class Sessions:
    """The sessions in the records.

    ``idle`` is how long somebody may do nothing, ``whole`` how long a session lasts in any case.
    """

    def __init__(self, records: Records, *, idle: timedelta, whole: timedelta) -> None:
        self._records, self._idle, self._whole = records, idle, whole

    def begin(self, person: Person, *, ending: str | None = None) -> str:
        """A new session, and what the cookie is to hold; ``ending`` is the cookie that came."""
        key, now = secrets.token_urlsafe(32), clock.micros()
        until = clock.micros(clock.now() + self._whole)
        values = {
            "digest": digest(key), "who": person.name, "role": str(person.role),
            "teams": hjson.dumps(sorted(person.teams)), "created_at": now, "seen_at": now,
            "expires_at": until,
        }  # fmt: skip
        idle = clock.micros(clock.now() - self._idle)
        over = (_session.c.expires_at <= now) | (_session.c.seen_at <= idle)
        if ending:
            over |= _session.c.digest == digest(ending)
        with self._records.writing() as connection:
            connection.execute(sa.delete(_session).where(over))
            connection.execute(sa.insert(_session).values(values))
        return key

    def find(self, key: str) -> Session | None:
        """The session of a cookie, unless it is over."""
        with self._records.reading() as connection:
            asked = sa.select(_session).where(_session.c.digest == digest(key))
            row = connection.execute(asked).first()
        if row is None:
            return None
        seen, now = clock.moment(row.seen_at), clock.now()
        if clock.moment(row.expires_at) <= now or seen + self._idle <= now:
            return None
        if now - seen >= min(_NOTED, self._idle / 4):
            with self._records.writing() as connection:
                noted = sa.update(_session).where(_session.c.digest == digest(key))
                connection.execute(noted.values(seen_at=clock.micros(now)))
        teams = frozenset(hjson.loads(row.teams))
        return Session(
            key, Person(row.who, Role(row.role), teams), clock.moment(row.created_at), seen
        )

    def end(self, key: str) -> None:
        """Sign out who has that cookie."""
        with self._records.writing() as connection:
            connection.execute(sa.delete(_session).where(_session.c.digest == digest(key)))

    def end_all(self, who: str) -> int:
        """Sign somebody out wherever they are signed in; how many sessions that were."""
        with self._records.writing() as connection:
            return connection.execute(sa.delete(_session).where(_session.c.who == who)).rowcount

    def open(self) -> dict[str, int]:
        """How many sessions of each person are not over."""
        now, idle = clock.micros(), clock.micros(clock.now() - self._idle)
        asked = (
            sa.select(_session.c.who, sa.func.count())
            .where(_session.c.expires_at > now, _session.c.seen_at > idle)
            .group_by(_session.c.who)
        )
        with self._records.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(asked)}


def digest(key: str) -> bytes:
    """What is kept of what a cookie holds."""
    return bytes.fromhex(ids.digest("session", key))
