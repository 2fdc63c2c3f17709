"""Values of Parquet and Arrow in Python: none is lost on the way, and each typed by our own rules."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from headgate.contracts import types
from headgate.core import json as hjson
from headgate.ingest import values

if TYPE_CHECKING:
    import pyarrow as pa


def python_values(column: pa.Array) -> list[Any]:
    """The column's values in Python; instants that it cannot hold become text."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.unit == "ns":
            return [None if v is None else _instant(v, 10**9) for v in _ticks(column)]
        per_second = {"s": 1, "ms": 10**3, "us": 10**6}[kind.unit]
        return [None if v is None else _instant(v, per_second) for v in _ticks(column)]
    if pa.types.is_date(kind):
        days = 1 if pa.types.is_date32(kind) else 86_400_000
        raw = column.cast(pa.int32() if days == 1 else pa.int64()).to_pylist()
        return [None if v is None else _day(v // days) for v in raw]
    try:
        found: list[Any] = column.to_pylist()
    except (ValueError, OverflowError):
        found = [_value(scalar) for scalar in column]
    return found


class _Unreadable(str):
    """Why Python cannot hold a value."""


def _value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError) as error:
        return _Unreadable(f"{scalar.type}: {error}")


def _ticks(column: pa.Array) -> list[int | None]:
    import pyarrow as pa

    found: list[int | None] = column.cast(pa.int64()).to_pylist()
    return found


def _instant(ticks: int, per_second: int) -> dt.datetime | str:
    micros, rest = divmod(ticks * 10**6, per_second)
    try:
        found = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)
    except OverflowError:
        return f"{ticks / per_second:.0f} seconds from 1970"
    if rest:
        return f"{found.strftime('%Y-%m-%dT%H:%M:%S')}.{ticks % per_second:09}Z"
    return found


def _day(days: int) -> dt.date | str:
    try:
        return dt.date(1970, 1, 1) + dt.timedelta(days=days)
    except OverflowError:
        return f"{days} days from 1970"


def typer(kind: str) -> values.Converter:
    """What turns a Parquet value into the column type, by the same rules as a JSON value."""
    inner = types.element(kind)
    if kind == "json":
        return _json_text
    if inner:
        return _lister(kind, typer(inner))
    convert = values.converter(kind)

    def typed(value: Any) -> object:
        if type(value) in (str, int, bool):
            return convert(value)
        if isinstance(value, dt.date):
            return _dated(kind, value)
        if isinstance(value, float | np.floating):
            if kind == "double":
                return float(value)
            value = float(value)
            value = Decimal(repr(value)) if math.isfinite(value) else Decimal("NaN")
        elif isinstance(value, bytes):
            try:
                value = value.decode("utf-8")
            except UnicodeDecodeError as error:
                raise values.Unfit("invalid_utf8", str(error)) from None
        elif isinstance(value, _Unreadable):
            raise values.Unfit("type_mismatch", f"expected {kind}, got {value}")
        elif kind == "string" and type(value).__name__ == "UUID":
            value = str(value)
        return convert(value)

    return typed


def _lister(kind: str, typed: values.Converter) -> values.Converter:
    def each(value: Any) -> object:
        if not isinstance(value, list):
            raise values.Unfit("type_mismatch", f"expected {kind}, got {values.shown(value)}")
        return [None if v is None else typed(v) for v in value]

    return each


def _dated(kind: str, value: dt.date) -> object:
    if isinstance(value, dt.datetime):
        if kind != "timestamp":
            raise values.Unfit("type_mismatch", f"expected {kind}, got a timestamp")
        if getattr(value, "nanosecond", 0):  # some installations have timestamps of their own
            raise values.Unfit("invalid_timestamp", f"{value} is finer than a microsecond")
        if type(value) is not dt.datetime:
            value = dt.datetime.fromisoformat(value.isoformat())
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)
    if kind != "date":
        raise values.Unfit("type_mismatch", f"expected {kind}, got a date")
    return value


def _json_text(value: Any) -> str:
    """A value of type json: the text itself if it is one, else the value written as JSON."""
    if not isinstance(value, str) or isinstance(value, _Unreadable):
        return hjson.dumps(as_json(value))
    try:
        hjson.loads_strict(value)
    except (ValueError, RecursionError) as error:
        raise values.Unfit("type_mismatch", f"expected JSON text: {error}") from None
    return value


def as_json(value: Any) -> Any:
    """A Parquet value as JSON can have it; used for raw text and for unknown fields."""
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, dict):
        return {str(k): as_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(v) for v in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str | Decimal | dt.date):
        return value
    return str(value)
