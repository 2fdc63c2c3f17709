"""Text to a typed value, as delimited files need it: the exact way, and SQL that takes no more.

A number is what JSON has, and beside it a leading plus, leading zeros, or a point without digits
on one side; it is then held to the same bounds as a number of JSON.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from headgate.contracts import types
from headgate.core import json as hjson
from headgate.ingest import casts, values
from headgate.ingest.casts import Cast
from headgate.ingest.delimited.dialect import Dialect
from headgate.lake.engines.duckdb import literal

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,4000}")
_INSTANT = (
    "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?)?"
    "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?"
)
#: A text of so many signs at most, one of which is the point, has 15 digits or fewer.
_SAFE_LENGTH = 16
#: Parts of a pattern that DuckDB writes and Python reads in one way.
_PLAIN_PATTERN = re.compile(r"(?=.*%Y)(?=.*%m)(?=.*%d)(?:%[YmdHMS]|[^%A-Za-z0-9])+")


def converter(kind: str, dialect: Dialect) -> values.Converter:
    """What turns the text of a field into a value of the column type ``kind``.

    Raises :class:`headgate.ingest.values.Unfit` where the text is of another kind or the value
    would be changed.
    """
    if kind == "string":
        return values.converter(kind)
    if kind == "boolean":
        return _boolean(dialect)
    if kind == "date" and dialect.date_format:
        return _date(dialect.date_format)
    if kind == "timestamp" and dialect.timestamp_format:
        return _timestamp(dialect.timestamp_format)
    if kind in ("date", "timestamp"):
        return values.converter(kind)
    if kind == "json" or types.element(kind):
        return _nested(kind)
    return _number(kind, values.converter(kind), dialect.decimal)


def _number(kind: str, convert: values.Converter, point: str) -> values.Converter:
    def typed(text: str) -> object:
        plain = text
        if point != ".":
            plain = text.replace(".", "!").replace(point, ".")
        if _WHOLE.fullmatch(plain):
            return convert(int(plain))
        if _NUMBER.fullmatch(plain) is None:
            raise values.Unfit("type_mismatch", f"expected {kind}, got {values.shown(text)}")
        try:
            return convert(Decimal(plain))
        except ArithmeticError:
            raise values.Unfit("lossy_number", f"{values.shown(text)} is beyond {kind}") from None

    return typed


def _boolean(dialect: Dialect) -> values.Converter:
    known = dict.fromkeys(dialect.true_values, True) | dict.fromkeys(dialect.false_values, False)

    def typed(text: str) -> object:
        if text not in known:
            told = ", ".join(map(repr, known))
            detail = f"expected boolean ({told}), got {values.shown(text)}"
            raise values.Unfit("type_mismatch", detail)
        return known[text]

    return typed


def _date(pattern: str) -> values.Converter:
    def typed(text: str) -> object:
        try:
            return dt.datetime.strptime(text, pattern).date()
        except ValueError:
            detail = f"expected a date {pattern}, got {values.shown(text)}"
            raise values.Unfit("invalid_date", detail) from None

    return typed


def _timestamp(pattern: str) -> values.Converter:
    def typed(text: str) -> object:
        try:
            found = dt.datetime.strptime(text, pattern)
            return found.astimezone(dt.UTC) if found.tzinfo else found.replace(tzinfo=dt.UTC)
        except (ValueError, OverflowError):
            detail = f"expected an instant {pattern}, got {values.shown(text)}"
            raise values.Unfit("invalid_timestamp", detail) from None

    return typed


def _nested(kind: str) -> values.Converter:
    convert = None if "json" in kind else values.converter(kind)

    def typed(text: str) -> object:
        if convert is None and kind != "json":
            # Elements of type json keep their text, which a field does not tell apart.
            raise values.Unfit("type_mismatch", f"a field of text cannot be {kind}")
        try:
            value: Any = hjson.loads_strict(text)
            if "\\u" in text:
                hjson.dumps(value).encode()  # half of a surrogate pair, which UTF-8 cannot carry
        except (ValueError, RecursionError) as error:
            detail = f"expected {kind} as JSON, got {values.shown(text)}: {error}"
            raise values.Unfit("type_mismatch", detail) from None
        return text if convert is None else convert(value)

    return typed


def lossless(kind: str, dialect: Dialect) -> Cast:
    """SQL for a text ``{x}`` as the column type ``kind``, and when it may be believed.

    It takes nothing that :func:`converter` would refuse, and the same values; some that it would
    take are left to it.
    """
    target = types.duckdb_type(kind)
    point = dialect.decimal != "."
    if kind == "string":
        return Cast("{x}")
    if kind == "boolean":
        true, false = (
            ", ".join(map(_braced, t)) or "NULL"
            for t in (dialect.true_values, dialect.false_values)
        )
        value = f"CASE WHEN {{x}} IN ({false}) THEN FALSE WHEN {{x}} IN ({true}) THEN TRUE END"
        return Cast(value, "{v} IS NOT NULL")
    if kind in values.INTEGERS and not point:
        text = "{v}::VARCHAR"
        return Cast(
            f"TRY_CAST({{x}} AS {target})", f"({text} = {{x}} OR concat({text}, '.0') = {{x}})"
        )
    if kind == "double" and not point:
        return Cast("TRY_CAST({x} AS DOUBLE)", _DOUBLE)
    if types.decimal_of(kind) and not point:
        # The value, written in full, begins with the text: no digit was rounded away, and no
        # sign is there that a number written plainly has not.
        return Cast(f"TRY_CAST({{x}} AS {target})", "starts_with({v}::VARCHAR, {x})")
    if kind == "date":
        return _sql_date(dialect.date_format)
    if kind == "timestamp":
        return _sql_instant(dialect.timestamp_format)
    if (kind in values.INTEGERS or kind == "double" or types.decimal_of(kind)) and point:
        inner = lossless(kind, Dialect())
        swapped = "replace({x}, ',', '.')"
        guard = inner.guard.replace("{x}", swapped)
        return Cast(inner.value.replace("{x}", swapped), f"NOT contains({{x}}, '.') AND ({guard})")
    return Cast(f"NULL::{target}", "FALSE")


#: A double is what its shortest text says; and any of 15 digits is held by one.
_DOUBLE = (
    "(({v}::VARCHAR = {x}) OR (abs({v}) < 9007199254740992 AND concat({x}, '.0') = {v}::VARCHAR"
    " AND {x} <> '-0')"  # as an integer of JSON it has no sign
    f" OR (strlen({{x}}) <= {_SAFE_LENGTH}"
    " AND regexp_full_match({x}, '-?[0-9]+\\.[0-9]+'))) AND isfinite({v})"
)


def _sql_date(pattern: str) -> Cast:
    if not pattern:
        return Cast(
            "TRY_CAST({x} AS DATE)", f"{{v}}::VARCHAR = {{x}} AND {{v}} BETWEEN {casts.DATES}"
        )
    if not _PLAIN_PATTERN.fullmatch(pattern):
        return Cast("NULL::DATE", "FALSE")
    form = _braced(pattern)
    return Cast(
        f"try_strptime({{x}}, {form})::DATE",
        f"strftime({{v}}, {form}) = {{x}} AND year({{v}}) BETWEEN 1000 AND 9999",
    )


def _sql_instant(pattern: str) -> Cast:
    within = f"{{v}} BETWEEN {casts.INSTANTS}"
    if pattern and not _PLAIN_PATTERN.fullmatch(pattern):
        return Cast("NULL::TIMESTAMPTZ", "FALSE")
    if pattern:
        form = _braced(pattern)
        return Cast(
            f"make_timestamptz(epoch_us(try_strptime({{x}}, {form})))",
            f"strftime({{v}}, {form}) = {{x}} AND year({{v}}) BETWEEN 1000 AND 9999",
        )
    # Of 19 signs a text has no zone, and a cast without one costs a tenth.
    naive = "make_timestamptz(epoch_us(TRY_CAST({x} AS TIMESTAMP)))"
    return Cast(
        f"CASE WHEN strlen({{x}}) = 19 THEN {naive} ELSE TRY_CAST({{x}} AS TIMESTAMPTZ) END",
        f"{within} AND regexp_full_match({{x}}, {_braced(_INSTANT)})",
    )


def _braced(text: str) -> str:
    return literal(text).replace("{", "{{").replace("}", "}}")
