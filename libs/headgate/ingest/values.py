"""One JSON value to one typed value: what each column type takes, and what it must refuse."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation
from typing import Any

from headgate.contracts import types

#: Types whose values are taken as they are once their Python type is this one.
AS_IS: dict[str, type] = {"string": str, "boolean": bool}
#: Integer types, and the bound that their values stay below.
INTEGERS = {"integer": 1 << 31, "long": 1 << 63}
_EXACT_IN_DOUBLE = 1 << 53
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}"
    r"(?::[0-9]{2}(?:\.([0-9]{1,6})([0-9]*))?)?([Zz]|[+-][0-9]{2}(?::?[0-5][0-9])?)?"
)

Converter = Callable[[Any], Any]


class Unfit(Exception):
    """A value that the type refuses: a reason's code and its detail."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def converter(kind: str) -> Converter:
    """What turns a JSON value other than null into a value of the column type ``kind``.

    JSON values are those of ``core.json.loads_strict``. The converter raises :class:`Unfit` where
    the value is of another kind or would be changed; it never rounds, cuts or guesses. Columns of
    type ``json`` have none: they keep the text as written.
    """
    inner, decimal = types.element(kind), types.decimal_of(kind)
    if inner:
        return _array(kind, converter(inner))
    if decimal:
        return _decimal(kind, *decimal)
    if kind in INTEGERS:
        return _integer(kind, INTEGERS[kind])
    return {
        "string": _plain("string", str),
        "boolean": _plain("boolean", bool),
        "double": double,
        "date": date,
        "timestamp": timestamp,
    }[kind]


def shown(value: object) -> str:
    """A JSON value as an error tells it: its kind, and its beginning."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"text {value[:40]!r}" + ("…" if len(value) > 40 else "")
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if not isinstance(value, int | float | Decimal):
        return f"{type(value).__name__} {str(value)[:40]}"
    text = _number(value)
    return f"number {text[:40]}" + ("…" if len(text) > 40 else "")


def _number(value: object) -> str:
    # str(int) stops at some thousand digits, so a long one is told in brief.
    if isinstance(value, int) and abs(value) >= 10**60:
        return f"{Decimal(value):.6E}"
    return str(value)


def _other_kind(kind: str, value: object) -> Unfit:
    return Unfit("type_mismatch", f"expected {kind}, got {shown(value)}")


def _plain(kind: str, python: type) -> Converter:
    def convert(value: Any) -> Any:
        if type(value) is python:
            return value
        raise _other_kind(kind, value)

    return convert


def _integer(kind: str, bound: int) -> Converter:
    def convert(value: Any) -> int:
        if type(value) is int:
            if -bound <= value < bound:
                return value
            raise Unfit("lossy_number", f"{shown(value)} is beyond {kind}")
        if isinstance(value, Decimal):
            if not value:
                return 0
            if value.adjusted() < 20 and value == value.to_integral_value():
                return convert(int(value))
            raise Unfit("lossy_number", f"expected {kind}, got {shown(value)}")
        if isinstance(value, bool):
            raise Unfit("lossy_number", f"expected {kind}, got {shown(value)}")
        raise _other_kind(kind, value)

    return convert


def double(value: Any) -> float:
    """The double that a number names.

    It is taken if the double, rounded to the digits that were written, is what was written; so a
    double that any language wrote comes back, and 9007199254740993 is refused.
    """
    if type(value) is int:
        if -_EXACT_IN_DOUBLE <= value <= _EXACT_IN_DOUBLE:
            return float(value)
        if abs(value) >= 10**400:
            raise Unfit("lossy_number", f"{shown(value)} is beyond double")
        value = Decimal(value)
    if not isinstance(value, Decimal):
        raise _other_kind("double", value)
    text = str(value)
    found = float(text)
    if len(text) <= 15 and "E" not in text and "N" not in text:
        return found  # a double keeps 15 digits, whichever they are
    if repr(found) == text:
        return found
    digits = len(value.as_tuple().digits)
    if math.isfinite(found) and (found != 0 or not value):
        rounded = Context(prec=max(digits, 1)).create_decimal_from_float(found)
        if rounded == value:
            return found
    raise Unfit("lossy_number", f"a double cannot hold {shown(value)}")


def _decimal(kind: str, precision: int, scale: int) -> Converter:
    unit = Decimal(1).scaleb(-scale)
    context = Context(prec=precision, traps=[Inexact, InvalidOperation])

    def convert(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise _other_kind(kind, value)
        if isinstance(value, int) and abs(value) >= 10**precision:
            raise Unfit("lossy_number", f"{shown(value)} does not fit {kind}")
        try:
            found = Decimal(value).quantize(unit, context=context)
        except DecimalException:
            found = Decimal("NaN")
        if not found.is_finite():
            raise Unfit("lossy_number", f"{shown(value)} does not fit {kind}")
        return found if found else abs(found)

    return convert


def date(value: Any) -> dt.date:
    """The day that a text ``YYYY-MM-DD`` names."""
    if not isinstance(value, str):
        raise _other_kind("date", value)
    if _DATE.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    raise Unfit("invalid_date", f"expected a date YYYY-MM-DD, got {shown(value)}")


def timestamp(value: Any) -> dt.datetime:
    """The instant that an ISO 8601 text names, in UTC; without an offset it is UTC already.

    Seconds and fraction may be missing; a fraction finer than a microsecond is refused, as are
    leap seconds, hour 24, and years outside 1 to 9999.
    """
    if not isinstance(value, str):
        raise _other_kind("timestamp", value)
    if len(value) == 24 and value[10::9] == "T." and value[23] == "Z" and value[5] != "W":
        # The commonest form; of this length the standard library reads no other one.
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError:
            pass
    match = _TIMESTAMP.fullmatch(value)
    if match is None:
        raise Unfit("invalid_timestamp", f"expected an ISO 8601 instant, got {shown(value)}")
    _, finer, zone = match.groups()
    if finer and finer.strip("0"):
        raise Unfit("invalid_timestamp", f"{shown(value)} is finer than a microsecond")
    try:
        found = dt.datetime.fromisoformat(value if zone != "z" else value[:-1] + "Z")
        if zone is None:
            return found.replace(tzinfo=dt.UTC)
        return found.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        detail = f"{shown(value)}: {error}"
        raise Unfit("invalid_timestamp", detail) from None


def _array(kind: str, convert: Converter) -> Converter:
    def each(value: Any) -> list[Any]:
        if type(value) is not list:
            raise _other_kind(kind, value)
        found = []
        for index, item in enumerate(value):
            try:
                found.append(None if item is None else convert(item))
            except Unfit as unfit:
                raise Unfit(unfit.code, f"element {index}: {unfit.detail}") from None
        return found

    return each
