"""Tokens of the portal: for machines, and for people where there is no provider to sign in at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.core import clock, tokens
from headgate.core import json as hjson
from headgate.core.errors import UsageError
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.records import chain
from headgate.portal.records.opening import Records
from headgate.portal.records.tables import token as _token

#: What every token begins with, so that one that leaked is known for what it is.
PREFIX = "hgp_"
#: How long a token lasts, in days, if nothing else is said, and at the most.
DAYS, MOST_DAYS = 90, 366


@dataclass(frozen=True)
class Token(tokens.Token):
    """A token of the portal's. ``teams`` is a JSON list of the owners that its holder is."""

    role: Role
    teams: str = "[]"
    expires_at: datetime | None = None

    @property
    def counts(self) -> bool:
        """Whether it lets anybody in now."""
        over = self.expires_at is not None and self.expires_at <= clock.now()
        return super().counts and not over

    @property
    def owners(self) -> frozenset[str]:
        """The owners that its holder is."""
        return frozenset(hjson.loads(self.teams))

    @property
    def person(self) -> Person:
        """Who comes with it."""
        return Person(name_of(self.name), Role(self.role), self.owners, is_machine=True)


TOKENS = tokens.Tokens(
    _token, Token, prefix=PREFIX, roles=list(Role), listed_by="headgate portal token list"
)


def name_of(token: str) -> str:
    """What the log calls the holder of a token."""
    return f"token:{token}"


def create(
    records: Records,
    name: str,
    role: Role | str,
    *,
    by: Person,
    teams: frozenset[str] = frozenset(),
    days: int = DAYS,
) -> str:
    """Make a token and give its text, which cannot be had again.

    Raises:
        UsageError: the name, the role or the number of days is none.
        ConflictError: the name is taken, if only by a token that was revoked.
    """
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"a token lasts 1 to {MOST_DAYS} days, and not {days}.")
    until = clock.now() + timedelta(days=days)
    owners = sorted(teams)
    text = TOKENS.create(
        records, name, role, expires_at=clock.micros(until), teams=hjson.dumps(owners)
    )
    chain.append(
        records, by=by, action="token_made", subject=name_of(name), role=str(role), teams=owners,
        expires_at=clock.iso(until),
    )  # fmt: skip
    return text


def revoke(records: Records, name: str, *, by: Person) -> Token:
    """End a token.

    Raises:
        NotFoundError: there is none of that name.
    """
    found = TOKENS.revoke(records, name)
    chain.append(records, by=by, action="token_revoked", subject=name_of(name))
    return found


class Keys(tokens.Keys[Token]):
    """The tokens as the portal asks for them."""

    def __init__(self, records: Records) -> None:
        super().__init__(TOKENS, records)

    def holder(self, who: str) -> Token | None:
        """The token that counts of somebody who is called so (``token:NAME``)."""
        for _, token in self._fresh():
            if name_of(token.name) == who and token.counts:
                return token
        return None
