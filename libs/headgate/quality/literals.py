"""Values of a contract as SQL literals of a column's type, exactly or not at all."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

from headgate.contracts.model import Rule
from headgate.contracts.types import decimal_of
from headgate.core.errors import ContractError

#: The least and the greatest value of each whole-number type.
WHOLE = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}


def quoted(name: str) -> str:
    """A column's name as SQL names it."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"


def double(value: float) -> str:
    """A literal of type DOUBLE, exact."""
    return f"CAST('{value!r}' AS DOUBLE)"


def decimal(scaled: int, precision: int, scale: int) -> str:
    """A literal of type DECIMAL(precision, scale): ``scaled`` tenths to the power of the scale."""
    digits = str(abs(scaled)).rjust(scale + 1, "0")
    whole, fraction = (digits[:-scale], "." + digits[-scale:]) if scale else (digits, "")
    sign = "-" if scaled < 0 else ""
    return f"CAST('{sign}{whole}{fraction}' AS DECIMAL({precision},{scale}))"


def instant(value: dt.datetime) -> str:
    """A literal of type TIMESTAMPTZ."""
    return f"TIMESTAMPTZ '{value.isoformat(sep=' ')}'"


def number(value: Any, rule: Rule) -> Fraction:
    """A number of the contract as it is written there: 0.1 is a tenth.

    Raises:
        ContractError: it is no finite number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise wrong(rule, value, "a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise wrong(rule, value, "a finite number")
    return Fraction(Decimal(str(value)) if isinstance(value, float) else value)


def day(value: Any, rule: Rule) -> dt.date:
    """A date of the contract, ``YYYY-MM-DD``.

    Raises:
        ContractError: it is none.
    """
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise wrong(rule, value, "a date like '2004-01-31'") from None


def moment(value: Any, rule: Rule) -> dt.datetime:
    """An instant of the contract: ISO 8601, UTC unless it says otherwise.

    Raises:
        ContractError: it is none.
    """
    try:
        found = dt.datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        raise wrong(rule, value, "an instant like '2004-01-31T23:59:00Z'") from None


def of_type(value: Any, kind: str, rule: Rule) -> str:
    """``value`` as a literal of the column type ``kind``.

    Raises:
        ContractError: the type cannot hold that value, or has no literals.
    """
    places = decimal_of(kind)
    if kind in ("string", "json"):
        if not isinstance(value, str) or "\0" in value:
            raise wrong(rule, value, "a text (quote it)")
        return text(value)
    if kind == "boolean":
        if not isinstance(value, bool):
            raise wrong(rule, value, "true or false")
        return "TRUE" if value else "FALSE"
    if kind == "double":
        number(value, rule)
        return double(float(value))
    if kind == "date":
        return f"DATE '{day(value, rule).isoformat()}'"
    if kind == "timestamp":
        return instant(moment(value, rule))
    if kind in WHOLE or places:
        precision, scale = places or (0, 0)
        least, most = WHOLE.get(kind) or (1 - 10**precision, 10**precision - 1)
        scaled = number(value, rule) * 10**scale
        if scaled.denominator != 1 or not least <= scaled <= most:
            raise wrong(rule, value, f"a value of type {kind}")
        return decimal(int(scaled), precision, scale) if places else str(int(scaled))
    raise ContractError(
        f"rule {rule.id!r}: values of type {kind} cannot be listed.", place=rule.place
    )


def count(rule: Rule) -> int:
    """The rule's argument ``value``, a count.

    Raises:
        ContractError: it is no whole number, is negative, or is beyond what anything counts.
    """
    value = rule.arguments.get("value")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise wrong(rule, value, "a whole number from 0")
    return value


def wrong(rule: Rule, value: Any, expected: str) -> ContractError:
    """The error that a rule's argument is not what it must be."""
    return ContractError(
        f"rule {rule.id!r} of kind {rule.kind}: expected {expected}, got {value!r}.",
        place=rule.place,
    )
