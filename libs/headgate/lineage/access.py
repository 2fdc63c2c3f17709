"""Tokens: who may post events, who may ask, and who may hand out tokens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from headgate.core import tokens
from headgate.lineage.store.tables import token as _token

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store

FRESH_SECONDS = tokens.FRESH_SECONDS
#: What every token begins with, so that one that leaked is known for what it is.
PREFIX = "hgl_"


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
class Token(tokens.Token):
    """A token of the lineage store's."""

    role: Role

    @property
    def rights(self) -> frozenset[Right]:
        """What its holder may do."""
        return RIGHTS[Role(self.role)] if self.counts else frozenset()


_TOKENS = tokens.Tokens(
    _token, Token, prefix=PREFIX, roles=list(Role), listed_by="headgate lineage token list"
)


def create(store: Store, name: str, role: Role | str) -> str:
    """Make a token and give its text; see :meth:`headgate.core.tokens.Tokens.create`."""
    return _TOKENS.create(store, name, role)


def every(store: Store) -> tuple[Token, ...]:
    """All tokens, those that were revoked too, by name."""
    return _TOKENS.every(store)


def revoke(store: Store, name: str) -> Token:
    """End a token; see :meth:`headgate.core.tokens.Tokens.revoke`."""
    return _TOKENS.revoke(store, name)


def is_guarded(store: Store) -> bool:
    """Whether anybody holds a token that counts."""
    return _TOKENS.is_guarded(store)


class Keys(tokens.Keys[Token]):
    """The tokens as the lineage server asks for them."""

    def __init__(self, store: Store) -> None:
        super().__init__(_TOKENS, store)
