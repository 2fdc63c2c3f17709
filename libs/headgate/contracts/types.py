"""Column types: one short Delta type string a column, and its form in DuckDB and Arrow."""

from __future__ import annotations

import re
from typing import Any

from headgate.core.errors import ContractError

#: ODCS logical types and the column type each means when no physical type is given.
LOGICAL = {
    "string": "string",
    "integer": "long",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "object": "json",
    "map": "json",
}
_DUCKDB = {
    "string": "VARCHAR",
    "json": "VARCHAR",
    "long": "BIGINT",
    "integer": "INTEGER",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
}
_DECIMAL = re.compile(r"^decimal\((\d{1,2}),(\d{1,2})\)$")
_ARRAY = re.compile(r"^array<(.+)>$")


def check(text: str, place: str) -> str:
    """``text`` if it is a column type.

    Raises:
        ContractError: it is none.
    """
    array, decimal = _ARRAY.match(text), _DECIMAL.match(text)
    if array:
        return f"array<{check(array[1], place)}>"
    if text in _DUCKDB or (decimal and int(decimal[2]) <= int(decimal[1]) <= 38):
        return text
    raise ContractError(
        f"{text!r} is no column type.",
        remedy=f"Use one of {', '.join(_DUCKDB)}, decimal(p,s), array<type>.",
        place=place,
    )


def element(text: str) -> str | None:
    """The element type of an array type, else None."""
    match = _ARRAY.match(text)
    return match[1] if match else None


def decimal_of(text: str) -> tuple[int, int] | None:
    """Precision and scale of a decimal type, else None."""
    match = _DECIMAL.match(text)
    return (int(match[1]), int(match[2])) if match else None


def duckdb_type(text: str) -> str:
    """The type's name in DuckDB."""
    inner = element(text)
    if inner:
        return duckdb_type(inner) + "[]"
    return _DUCKDB.get(text) or text.upper()


def arrow_type(text: str) -> Any:
    """The type as a :class:`pyarrow.DataType`; timestamps are UTC microseconds."""
    import pyarrow as pa

    inner, decimal = element(text), decimal_of(text)
    if inner:
        return pa.list_(arrow_type(inner))
    if decimal:
        return pa.decimal128(*decimal)
    return {
        "string": pa.string(),
        "json": pa.string(),
        "long": pa.int64(),
        "integer": pa.int32(),
        "double": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }[text]


def delta_type(text: str) -> Any:
    """The type as the Delta log's schema JSON has it."""
    inner = element(text)
    if inner:
        return {"type": "array", "elementType": delta_type(inner), "containsNull": True}
    return "string" if text == "json" else text
