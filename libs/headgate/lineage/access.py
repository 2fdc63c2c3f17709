"""Tokens: who may post events, who may ask, and who may hand out tokens."""

from __future__ import annotations

import hmac
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from headgate.core import clock, ids
from headgate.core.errors import ConflictError, NotFoundError, UsageError
from headgate.lineage.store.instants import micros, moment
from headgate.lineage.store.tables import token as _token

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store

#: What every token begins with, so that one that leaked is known for what it is.
PREFIX = "hgl_"
#: How long a process that checks tokens goes by what it read: a token that is revoked ends so soon.
FRESH_SECONDS = 2.0
#: How often at the most it is noted that a token was used.
NOTED_SECONDS = 60.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Role(StrEnum):
    """What the holder of a token is."""

    PRODUCER = "producer"
    READER = "reader"
    ADMIN = "admin"


class Right(StrEnum):
    """What somebody may be let do."""

    POST = "post events"
    ASK = "ask"
    MANAGE = "manage tokens"


#: A producer can neither read what others told nor see whether it is there.
RIGHTS = {
    Role.PRODUCER: frozenset({Right.POST}),
    Role.READER: frozenset({Right.ASK}),
    Role.ADMIN: frozenset(Right),
}


@dataclass(frozen=True)
class Token:
    """A token as it is kept: all but its text, of which there is a digest alone."""

    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None

    @property
    def rights(self) -> frozenset[Right]:
        """What its holder may do."""
        return RIGHTS[self.role] if self.revoked_at is None else frozenset()


def create(store: Store, name: str, role: Role | str) -> str:
    """Make a token and give its text, which is nowhere kept and cannot be had again.

    Raises:
        UsageError: the name or the role is none.
        ConflictError: the name is taken, if only by a token that was revoked.
    """
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} names no token.",
            remedy="A name is of letters, digits, dots, - and _, at most 100, and begins with one of the first two.",
        )
    if role not in set(Role):
        raise UsageError(f"{role!r} is no role.", remedy=f"Roles: {', '.join(Role)}.")
    text = PREFIX + secrets.token_urlsafe(32)
    with store.writing() as connection:
        if connection.scalar(select(_token.c.id).where(_token.c.name == name)) is not None:
            raise ConflictError(
                f"a token {name!r} is there already, or was.",
                remedy="Choose another name: what a name did in the past stays its own.",
            )
        connection.execute(
            insert(_token).values(
                name=name, role=str(role), digest=digest(text), created_at=micros(clock.now())
            )
        )
    return text


def every(store: Store) -> tuple[Token, ...]:
    """All tokens, those that were revoked too, by name."""
    return tuple(found for _, found in _read(store))


def revoke(store: Store, name: str) -> Token:
    """End a token; whoever holds it is refused within :data:`FRESH_SECONDS`.

    Raises:
        NotFoundError: there is none of that name.
    """
    with store.writing() as connection:
        connection.execute(
            update(_token)
            .where(_token.c.name == name, _token.c.revoked_at.is_(None))
            .values(revoked_at=micros(clock.now()))
        )
    for found in every(store):
        if found.name == name:
            return found
    raise NotFoundError(
        f"there is no token {name!r}.", remedy="headgate lineage token list has them."
    )


def is_guarded(store: Store) -> bool:
    """Whether anybody holds a token that counts."""
    with store.reading() as connection:
        found = connection.scalar(
            select(func.count()).select_from(_token).where(_token.c.revoked_at.is_(None))
        )
    return bool(found)


def digest(text: str) -> bytes:
    """What is kept of a token. It is random enough that no slow hash is needed."""
    return bytes.fromhex(ids.digest("token", text))


class Keys:
    """The tokens as a server asks for them: read anew every :data:`FRESH_SECONDS`, by any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: Sequence[tuple[bytes, Token]] = ()
        self._ever = False
        self._read_at: float | None = None
        self._used: dict[str, datetime] = {}
        self._noted_at = clock.monotonic()

    def find(self, text: str) -> Token | None:
        """The token of that text, unless it was revoked; every one that counts is compared."""
        wanted, found = digest(text), None
        for kept, token in self._fresh():
            if hmac.compare_digest(kept, wanted):
                found = token
        if found is not None:
            self._used[found.name] = clock.now()
        return found

    @property
    def any(self) -> bool:
        """Whether there is a token, or ever was: who revokes the last one does not open the door."""
        self._fresh()
        return self._ever

    @property
    def is_stale(self) -> bool:
        """Whether :meth:`find` would read the store, which may take a while."""
        at = self._read_at
        return at is None or clock.monotonic() - at > FRESH_SECONDS

    def forget(self) -> None:
        """Read the store anew when next asked."""
        self._read_at = None

    def note_use(self, *, now: bool = False) -> None:
        """Write down when tokens were used last, every :data:`NOTED_SECONDS` or ``now``."""
        due = clock.monotonic() - self._noted_at > NOTED_SECONDS
        if not self._used or not (due or now):
            return
        self._noted_at, used, self._used = clock.monotonic(), self._used, {}
        with self._store.writing() as connection:
            for name, at in used.items():
                connection.execute(
                    update(_token).where(_token.c.name == name).values(used_at=micros(at))
                )

    def _fresh(self) -> Sequence[tuple[bytes, Token]]:
        if self.is_stale:
            with self._lock:
                if self.is_stale:
                    every = _read(self._store)
                    self._ever = bool(every)
                    self._known = [(kept, t) for kept, t in every if t.revoked_at is None]
                    self._read_at = clock.monotonic()
        return self._known


def _read(store: Store) -> list[tuple[bytes, Token]]:
    with store.reading() as connection:
        rows = connection.execute(select(_token).order_by(_token.c.name)).all()
    return [
        (
            bytes(row.digest),
            Token(
                name=row.name,
                role=Role(row.role),
                created_at=moment(row.created_at),
                revoked_at=None if row.revoked_at is None else moment(row.revoked_at),
                used_at=None if row.used_at is None else moment(row.used_at),
            ),
        )
        for row in rows
    ]
