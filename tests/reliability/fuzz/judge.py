"""An independent account of one record: its typed values, or every reason why it is refused.

Written from the documentation, in plain Python; it shares no code with the readers or the gate.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from typing import Any

from tests.reliability.fuzz.promises import Column, Promise

Row = dict[str, Any]
Codes = frozenset[str]
WHOLE = {"integer": 31, "long": 63}
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.(\d+))?)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Unfit(Exception):
    """The value is not of the type; the message is the reason's code."""


class JsonText(str):
    """A value of type json, as the text that is kept."""


def typed(kind: str, value: Any) -> Any:
    """A value as JSON (or a text, or Parquet) has it, as the type has it; raises :class:`Unfit`."""
    if kind.startswith("array<"):
        if not isinstance(value, list):
            raise Unfit("type_mismatch")
        return [None if v is None else typed(kind[6:-1], v) for v in value]
    if kind.startswith("decimal("):
        return _decimal(*map(int, kind[8:-1].split(",")), value)
    if kind in WHOLE:
        return _whole(WHOLE[kind], value)
    if kind == "double":
        return _double(value)
    if kind == "date":
        return _day(value)
    if kind == "timestamp":
        return _instant(value)
    if type(value) is not {"string": str, "boolean": bool, "json": JsonText}[kind]:
        raise Unfit("type_mismatch")
    return value


def _whole(bits: int, value: Any) -> int:
    if not isinstance(value, int | Decimal):
        raise Unfit("type_mismatch")
    if isinstance(value, Decimal) and not value.is_finite():
        raise Unfit("lossy_number")
    small = not isinstance(value, Decimal) or value.adjusted() < 25
    if isinstance(value, bool) or not small or value != int(value):
        raise Unfit("lossy_number")
    if not -(2**bits) <= int(value) < 2**bits:
        raise Unfit("lossy_number")
    return int(value)


def _double(value: Any) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unfit("type_mismatch")
    exact = Decimal(value)
    if not exact.is_finite() or abs(exact.adjusted()) > 400:
        if exact.is_finite() and not exact:
            return float(str(exact))
        raise Unfit("lossy_number")
    found = float(str(exact))
    if math.isinf(found):
        raise Unfit("lossy_number")
    with localcontext() as context:
        context.prec = max(len(exact.as_tuple().digits), 1)
        again = +Decimal(found)
    if again != exact:
        raise Unfit("lossy_number")
    return found if isinstance(value, Decimal) else float(value)


def _decimal(precision: int, scale: int, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unfit("type_mismatch")
    exact = Decimal(value) if isinstance(value, Decimal) or abs(value) < 10**60 else Decimal("NaN")
    if not exact.is_finite() or (exact.adjusted() >= precision - scale and exact):
        raise Unfit("lossy_number")
    _, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int)
    spare = -exponent - scale  # digits behind the last one that is kept
    if spare > 0 and any(digits[-spare:] if spare < len(digits) else digits):
        raise Unfit("lossy_number")
    with localcontext() as context:
        context.prec = 10_000
        whole = int(exact.scaleb(scale)) if exact and -exponent < 10**4 else 0
        return Decimal(whole).scaleb(-scale)


def _day(value: Any) -> dt.date:
    if not isinstance(value, str):
        raise Unfit("type_mismatch")
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            return dt.date(int(value[:4]), int(value[5:7]), int(value[8:]))
    except ValueError:
        pass
    raise Unfit("invalid_date")


def _instant(value: Any) -> dt.datetime:
    if not isinstance(value, str):
        raise Unfit("type_mismatch")
    match = _INSTANT.fullmatch(value)
    try:
        if match is None or int((match[1] or "")[6:] or 0):
            raise ValueError(value)
        year, month, day = int(value[:4]), int(value[5:7]), int(value[8:10])
        rest = re.sub(r"[Zz]$|[+-][\d:]+$", "", value[11:])
        zone = value[11 + len(rest) :]
        clock = [*rest.partition(".")[0].split(":"), "0"]
        micros = int(((match[1] or "") + "000000")[:6])
        found = dt.datetime(
            year, month, day, int(clock[0]), int(clock[1]), int(clock[2]), micros, dt.UTC
        )
        if zone[:1] in ("+", "-"):
            digits = zone[1:].replace(":", "")
            hours, minutes = int(digits[:2]), int(digits[2:] or 0)
            if hours > 23 or minutes > 59:
                raise ValueError(value)
            ahead = dt.timedelta(hours=hours, minutes=minutes)
            found += -ahead if zone[0] == "+" else ahead
        return found
    except (ValueError, OverflowError):
        raise Unfit("invalid_timestamp") from None


# Rules. A value that is absent breaks nothing but `required`.


def broken(promise: Promise, row: Row) -> Codes:
    """The ids of all row rules that keep the row out."""
    found: set[str] = set()
    # A tombstone needs to hold only the rules of its key.
    gone = bool(promise.tombstone) and row["kind"] == "gone"
    columns = [c for c in promise.columns if not gone or c.name in promise.key]
    for column in columns:
        value = row[column.name]
        if value is None:
            found |= {f"{column.name}.required"} if column.required else set()
            continue
        found |= {f"{column.name}.{rule}" for rule in _limits(column, value)}
        for name, form, argument in column.rules:
            if not _quality(form, argument, value, row):
                found.add(name)
    if gone:
        return frozenset(found)
    found |= {name for name in promise.predicates if not PREDICATES[name](row)}
    return frozenset(found)


def _limits(column: Column, value: Any) -> list[str]:
    limits, found = column.limits, []
    for option, rule in (("minimum", "minimum"), ("maximum", "maximum"),
                         ("exclusiveMaximum", "exclusive_maximum")):  # fmt: skip
        if option in limits and not _within(option, _bound(column.kind, limits[option]), value):
            found.append(rule)
    if len(value) < limits.get("minLength", 0) if isinstance(value, str) else False:
        found.append("min_length")
    if isinstance(value, str) and len(value) > limits.get("maxLength", math.inf):
        found.append("max_length")
    if "pattern" in limits and not _matches(limits["pattern"], value):
        found.append("pattern")
    if limits.get("format") == "uuid" and not _UUID.fullmatch(value):
        found.append("format")
    if "maxItems" in limits and len(value) > limits["maxItems"]:
        found.append("max_items")
    if limits.get("uniqueItems") and len({repr(v) for v in value}) < len(value):
        found.append("unique_items")
    if "multipleOf" in limits and value % limits["multipleOf"]:
        found.append("multiple_of")
    return found


def _within(option: str, bound: Any, value: Any) -> bool:
    if isinstance(value, float) and math.isnan(value):
        return False
    if option == "minimum":
        return bool(value >= bound)
    return bool(value < bound) if option.startswith("exclusive") else bool(value <= bound)


def _bound(kind: str, given: Any) -> Any:
    if kind in ("date", "timestamp"):
        return typed(kind, str(given))
    return given


def _matches(pattern: str, value: str) -> bool:
    # In RE2 `$` is the end of the text; in Python also before its last line feed.
    return re.search(pattern.replace("$", r"\Z"), value, re.ASCII) is not None


def _quality(form: str, argument: Any, value: Any, row: Row) -> bool:
    if form == "values":
        return value in argument
    return _matches(argument, value) if form == "pattern" else PREDICATES[argument](row)


def _points_back(row: Row) -> bool:
    known = [v for v in row["reply_to"] if v is not None]
    return not known or (max(known) < row["line"] and min(known) >= 0) if row["line"] is not None else (
        not known or min(known) >= 0)  # fmt: skip


#: The contracts' predicates by their id or their text, as they are meant.
PREDICATES: Mapping[str, Callable[[Row], bool]] = {
    "no_flagged_thirteen": lambda r: not (r["flag"] is True and r["count"] == 13),
    "list_max(reply_to) < line AND list_min(reply_to) >= 0": _points_back,
    "chat_has_time_and_author": lambda r: (
        r["type"] not in ("message", "action")
        or (r["time"] is not None and r["author"] is not None)
    ),
    "is_public": lambda r: r["is_public"] is not False,
    "org_is_whole": lambda r: (r["org_id"] is None) == (r["org_login"] is None),
}


# JSON.


def parsed(text: str) -> Any:
    """The JSON value, numbers exact; ValueError where it is none, or names a field twice."""
    return _DECODER.decode(text)


class Twice(ValueError):
    """An object names a field twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Twice
    return found


#: A number beyond what Decimal holds: one object, so that it equals itself within lists and objects.
BEYOND = Decimal("NaN")


def number(text: str) -> Decimal:
    """The number that JSON text says."""
    try:
        return Decimal(text)
    except ArithmeticError:
        return BEYOND


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) < 4000 else Decimal(text)


def _constant(text: str) -> Any:
    raise ValueError(text)


_DECODER = json.JSONDecoder(
    parse_float=number, parse_int=_integer, parse_constant=_constant, object_pairs_hook=_once
)
