"""Tokens: texts that let a machine in, of which only a digest is kept, in a table of a database."""

from __future__ import annotations

import hmac
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from headgate.core import clock, ids
from headgate.core.database import Database
from headgate.core.errors import ConflictError, NotFoundError, UsageError

#: How long a process that checks tokens goes by what it read: a token that is revoked ends so soon.
FRESH_SECONDS = 2.0
#: How often at the most it is noted that a token was used.
NOTED_SECONDS = 60.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Token:
    """A token as it is kept: all but its text, of which there is a digest alone."""

    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None

    @property
    def counts(self) -> bool:
        """Whether it lets anybody in now."""
        return self.revoked_at is None


T = TypeVar("T", bound=Token)


class Tokens(Generic[T]):
    """The tokens of one kind.

    Args:
        table: its columns are those of a :class:`Token` and ``digest``; it may have more, which
            ``made`` has too. Times (``…_at``) are in microseconds.
        made: what a row becomes.
        prefix: what every token begins with, so that one that leaked is known for what it is.
        roles: what a token may be.
        listed_by: the command that lists them.
    """

    def __init__(
        self, table: sa.Table, made: type[T], *, prefix: str, roles: Sequence[str], listed_by: str
    ) -> None:
        self.table, self.made, self.prefix = table, made, prefix
        self.roles, self.listed_by = tuple(map(str, roles)), listed_by

    def create(self, database: Database, name: str, role: str, **more: Any) -> str:
        """Make a token and give its text, which is nowhere kept and cannot be had again.

        ``more`` are values of the table's other columns.

        Raises:
            UsageError: the name or the role is none.
            ConflictError: the name is taken, if only by a token that was revoked.
        """
        if _NAME.fullmatch(name) is None:
            raise UsageError(
                f"{name!r} names no token.",
                remedy="A name is of letters, digits, dots, - and _, at most 100, and begins with"
                " one of the first two.",
            )
        if role not in self.roles:
            raise UsageError(f"{role!r} is no role.", remedy=f"Roles: {', '.join(self.roles)}.")
        text = self.prefix + secrets.token_urlsafe(32)
        values = {"name": name, "role": str(role), "created_at": clock.micros(), **more}
        with database.writing() as connection:
            taken = sa.select(self.table.c.id).where(self.table.c.name == name)
            if connection.scalar(taken) is not None:
                raise ConflictError(
                    f"a token {name!r} is there already, or was.",
                    remedy="Choose another name: what a name did in the past stays its own.",
                )
            connection.execute(sa.insert(self.table).values(**values, digest=digest(text)))
        return text

    def every(self, database: Database) -> tuple[T, ...]:
        """All tokens, those that were revoked too, by name."""
        return tuple(found for _, found in self.read(database))

    def revoke(self, database: Database, name: str) -> T:
        """End a token; whoever holds it is refused within :data:`FRESH_SECONDS`.

        Raises:
            NotFoundError: there is none of that name.
        """
        with database.writing() as connection:
            connection.execute(
                sa.update(self.table)
                .where(self.table.c.name == name, self.table.c.revoked_at.is_(None))
                .values(revoked_at=clock.micros())
            )
        for found in self.every(database):
            if found.name == name:
                return found
        raise NotFoundError(f"there is no token {name!r}.", remedy=f"{self.listed_by} has them.")

    def is_guarded(self, database: Database) -> bool:
        """Whether anybody holds a token that counts."""
        return any(found.counts for found in self.every(database))

    def read(self, database: Database) -> list[tuple[bytes, T]]:
        """All tokens with their digests, by name."""
        with database.reading() as connection:
            asked = sa.select(self.table).order_by(self.table.c.name)
            rows = connection.execute(asked).mappings().all()
        return [(bytes(row["digest"]), self.made(**self._values(row))) for row in rows]

    def _values(self, row: sa.RowMapping) -> dict[str, Any]:
        names = [f.name for f in fields(self.made) if f.name in row]
        return {
            name: clock.moment(row[name]) if name.endswith("_at") and row[name] else row[name]
            for name in names
        }


def digest(text: str) -> bytes:
    """What is kept of a token. It is random enough that no slow hash is needed."""
    return bytes.fromhex(ids.digest("token", text))


class Keys(Generic[T]):
    """The tokens as a server asks for them: read anew every :data:`FRESH_SECONDS`, by any thread."""

    def __init__(self, tokens: Tokens[T], database: Database) -> None:
        self._tokens, self._database = tokens, database
        self._lock = threading.Lock()
        self._known: Sequence[tuple[bytes, T]] = ()
        self._ever = False
        self._read_at: float | None = None
        self._used: dict[str, datetime] = {}
        self._noted_at = clock.monotonic()

    def find(self, text: str) -> T | None:
        """The token of that text, if it counts; every one is compared."""
        wanted, found = digest(text), None
        for kept, token in self._fresh():
            if hmac.compare_digest(kept, wanted):
                found = token
        if found is None or not found.counts:
            return None
        self._used[found.name] = clock.now()
        return found

    @property
    def any(self) -> bool:
        """Whether there is a token, or ever was: who revokes the last one does not open the door."""
        self._fresh()
        return self._ever

    @property
    def is_stale(self) -> bool:
        """Whether :meth:`find` would read the database, which may take a while."""
        at = self._read_at
        return at is None or clock.monotonic() - at > FRESH_SECONDS

    def forget(self) -> None:
        """Read the database anew when next asked."""
        self._read_at = None

    def note_use(self, *, now: bool = False) -> None:
        """Write down when tokens were used last, every :data:`NOTED_SECONDS` or ``now``."""
        due = clock.monotonic() - self._noted_at > NOTED_SECONDS
        if not self._used or not (due or now):
            return
        self._noted_at, used, self._used = clock.monotonic(), self._used, {}
        table = self._tokens.table
        with self._database.writing() as connection:
            for name, at in used.items():
                connection.execute(
                    sa.update(table).where(table.c.name == name).values(used_at=clock.micros(at))
                )

    def _fresh(self) -> Sequence[tuple[bytes, T]]:
        if self.is_stale:
            with self._lock:
                if self.is_stale:
                    every = self._tokens.read(self._database)
                    self._ever = bool(every)
                    self._known = [(kept, t) for kept, t in every if t.revoked_at is None]
                    self._read_at = clock.monotonic()
        return self._known
