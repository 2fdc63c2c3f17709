"""The log of who saw and did what: entries that follow one another, each with a hash over the last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headgate.core import clock, ids, secrets
from headgate.core import json as hjson
from headgate.portal.access.people import Person
from headgate.portal.records.opening import Records
from headgate.portal.records.tables import entry as _entry

#: What stands in the log, and what it means.
ACTIONS: Mapping[str, str] = {
    "signed_in": "signed in",
    "signed_out": "signed out",
    "sign_in_refused": "was refused at signing in",
    "sample_seen": "saw sample values",
    "examples_seen": "saw example rows",
    "quarantine_seen": "saw refused rows",
    "waived": "waived refused rows",
    "replayed": "replayed refused rows",
    "signed_off": "signed off",
    "sign_off_withdrawn": "withdrew a sign-off",
    "exception_granted": "granted an exception",
    "exception_ended": "ended an exception",
    "exported": "took away",
    "token_made": "made a token",
    "token_revoked": "revoked a token",
    "role_given": "has a role",
}
#: What the first entry follows.
BEGINNING = "0" * 64
_AT_ONCE = 2_000


@dataclass(frozen=True)
class Entry:
    """One entry. ``number`` counts from 1 without a gap; ``hash`` is of this entry and the hash
    before it (64 hex digits)."""

    number: int
    at: datetime
    who: str
    role: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    hash: str


@dataclass(frozen=True)
class Head:
    """The last entry's number (0: there is none) and hash: noted elsewhere, it proves later that
    nothing up to there was changed or cut off."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


@dataclass(frozen=True)
class Verified:
    """What came of reading the whole log. ``broken``: the first number that is not as it was
    written, or missing; None if all are."""

    entries: int
    broken: int | None
    head: Head


def append(records: Records, *, by: Person, action: str, subject: str, **detail: Any) -> Entry:
    """Put an entry behind the last one; it is durable when this returns.

    Raises:
        ValueError: the action is none of :data:`ACTIONS`, or the detail has no JSON form.
        LakeError: the records cannot be written; what was to be logged must not happen then.
    """
    if action not in ACTIONS:
        raise ValueError(f"{action!r} is no action of the log")
    told = writable(hjson.dumps(secrets.redacted(detail)))
    with records.writing() as connection:
        last = _head(connection)
        values = {
            "number": last.number + 1, "at": clock.micros(), "who": writable(by.name),
            "role": str(by.role), "action": action, "subject": writable(subject),
            "detail": told,
        }  # fmt: skip
        values["hash"] = link(last.hash, values)
        connection.execute(sa.insert(_entry).values(values))
    return _made(values)


def writable(text: str) -> str:
    """The text without secrets, and without what no database takes."""
    plain = secrets.redact(text).replace("\0", "\ufffd")
    return plain.encode("utf-8", "replace").decode()


def link(before: str, values: Mapping[Any, Any]) -> str:
    """The hash of an entry, as its row has it, that follows one with the hash ``before``."""
    own = {name: values[name] for name in _entry.c.keys() if name != "hash"}  # noqa: SIM118
    return ids.digest("portal entry", before, hjson.dumps(own))


def entries(
    records: Records,
    *,
    after: int | None = None,
    limit: int = 50,
    by: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[Entry, ...]:
    """The newest entries first, at most ``limit``; ``after`` is the number of the last one seen.

    ``since`` counts, ``until`` does not.
    """
    asked = sa.select(_entry).order_by(_entry.c.number.desc()).limit(limit)
    asked = _that_are(asked, by=by, action=action, subject=subject, since=since, until=until)
    if after is not None:
        asked = asked.where(_entry.c.number < after)
    with records.reading() as connection:
        return tuple(_made(row) for row in connection.execute(asked).mappings())


def every(records: Records, **filters: Any) -> Iterator[Entry]:
    """All entries, the oldest first, as :func:`entries` filters them; read a few at a time."""
    for row in _rows(records, **filters):
        yield _made(row)


def head(records: Records) -> Head:
    """The last entry's number and hash."""
    with records.reading() as connection:
        return _head(connection)


def verify(records: Records, *, noted: Head | None = None) -> Verified:
    """Read the whole log and compute each hash anew.

    ``noted`` is a head that was written down elsewhere: the log has to hold it still, so that
    entries that were cut off its end are missed too.
    """
    count, last = 0, Head(0, BEGINNING)
    for row in _rows(records):
        number = last.number + 1
        if row["number"] != number or link(last.hash, row) != row["hash"]:
            return Verified(count, number, last)
        last = Head(number, row["hash"])
        count += 1
        if noted is not None and number == noted.number and row["hash"] != noted.hash:
            return Verified(count, number, last)
    if noted is not None and noted.number > last.number:
        return Verified(count, last.number + 1, last)
    return Verified(count, None, last)


def _rows(records: Records, **filters: Any) -> Iterator[Mapping[Any, Any]]:
    last = 0
    while True:
        asked = sa.select(_entry).where(_entry.c.number > last).order_by(_entry.c.number)
        with records.reading() as connection:
            found = connection.execute(_that_are(asked.limit(_AT_ONCE), **filters)).mappings().all()
        if not found:
            return
        yield from found
        last = found[-1]["number"]


def _that_are(
    asked: sa.Select[Any],
    *,
    by: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> sa.Select[Any]:
    for column, value in (
        (_entry.c.who, by), (_entry.c.action, action), (_entry.c.subject, subject)
    ):  # fmt: skip
        if value is not None:
            asked = asked.where(column == writable(value))
    if since is not None:
        asked = asked.where(_entry.c.at >= clock.micros(since))
    if until is not None:
        asked = asked.where(_entry.c.at < clock.micros(until))
    return asked


def _head(connection: sa.Connection) -> Head:
    asked = sa.select(_entry.c.number, _entry.c.hash).order_by(_entry.c.number.desc()).limit(1)
    row = connection.execute(asked).first()
    return Head(0, BEGINNING) if row is None else Head(row.number, row.hash)


def _made(row: Mapping[Any, Any]) -> Entry:
    values = {name: row[name] for name in ("number", "who", "role", "action", "subject", "hash")}
    return Entry(**values, at=clock.moment(row["at"]), detail=hjson.loads(row["detail"]))
