"""Which values somebody sees: a column's contract says from which role on, the others see their kind alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from headgate.contracts import protection
from headgate.contracts.model import Contract
from headgate.core import json as hjson
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role

#: How long a masked text is, in words: nobody is told apart by it.
_LENGTHS = ((0, "empty"), (20, "short"), (200, "medium"))


@dataclass(frozen=True)
class Shown:
    """A value as somebody sees it; where it is ``masked`` the text tells its kind alone."""

    text: str
    masked: bool


def may_see(contract: Contract, column: str | None, person: Person) -> bool:
    """Whether somebody sees values of a column; ``None``, and any name that the contract has no
    column of: whatever came as it was delivered, which is as strict as the strictest column."""
    needed = least(contract, column)
    if needed is Role.OWNER:
        return person.owns(contract.owner)
    return person.role.reaches(needed)


def least(contract: Contract, column: str | None) -> Role:
    """The least role that sees values of a column; an owner is one of that dataset alone."""
    known = {c.name: c for c in contract.columns}
    if column in known:
        return Role(protection.least_role(known[column]))
    if column in contract.table_columns and column != protection.RESCUED:
        return Role.VIEWER  # what ingest adds tells of the delivery
    return max((least(contract, c) for c in known), key=lambda r: r.rank, default=Role.VIEWER)


def text(contract: Contract, column: str | None, value: Any, person: Person) -> Shown:
    """A value as somebody sees it; of one that is masked its type and length class, never a part."""
    if value is None:
        return Shown("", False)
    if may_see(contract, column, person):
        return Shown(plain(value), False)
    return Shown(kind(value), True)


def plain(value: Any) -> str:
    """A value as text: a text as it is, all else as JSON or, of times, ISO 8601."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    try:
        return hjson.dumps(value)
    except (TypeError, ValueError):
        return str(value)


def kind(value: Any) -> str:
    """What is told of a masked value, such as ``text, short``."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float | Decimal):
        return "number"
    if isinstance(value, datetime | date | time):
        return "time"
    if isinstance(value, list | tuple | set | dict):
        return "list" if not isinstance(value, dict) else "record"
    length = len(value) if isinstance(value, str | bytes | bytearray) else len(str(value))
    how = next((word for most, word in _LENGTHS if length <= most), "long")
    return f"{'text' if isinstance(value, str) else 'bytes'}, {how}"
