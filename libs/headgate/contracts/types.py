"""Column types: one short Delta type string a column, and its form in DuckDB and Arrow."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    "time": "string",
    "object": "json",
    "map": "json",
}
#: Names of types in other systems, and the column type that each is. What has a length or a
#: precision besides is told apart by :func:`physical`.
PHYSICAL = {
    **dict.fromkeys(
        ("varchar", "nvarchar", "character varying", "char", "bpchar", "text", "uuid", "time"),
        "string",
    ),
    **dict.fromkeys(("bigint", "int8", "bigserial"), "long"),
    **dict.fromkeys(("int", "int2", "int4", "smallint", "tinyint", "serial"), "integer"),
    **dict.fromkeys(("float", "float4", "float8", "real", "double precision"), "double"),
    "bool": "boolean",
    **dict.fromkeys(
        ("timestamptz", "timestamp with time zone", "timestamp without time zone", "datetime"),
        "timestamp",
    ),
    **dict.fromkeys(("jsonb", "object", "struct", "map"), "json"),
}
#: Least and greatest value of each width of ODCS integers.
WIDTHS = {
    f"{sign}{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if sign == "i" else (0, 2**bits - 1)
    for sign in "iu"
    for bits in (8, 16, 32, 64, 128)
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
_LENGTH = re.compile(r"^(.+?)\s*[(\[]\s*\d+\s*(?:,\s*\d+\s*)?[)\]]$")
_NUMERIC = re.compile(r"^(?:numeric|decimal|number)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$")


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


def of_property(prop: Mapping[str, Any], place: str) -> str:
    """The column type of an ODCS property: its physical type, or else what its logical type means.

    Raises:
        ContractError: there is no such column type.
    """
    written, logical = prop.get("physicalType"), str(prop.get("logicalType", "string"))
    given = str(written or "").strip()
    if logical == "array" and given.lower() in ("", "array", "list"):
        items = prop.get("items") or {}
        return f"array<{of_property({'logicalType': 'string', **items}, f'{place}/items')}>"
    if given:
        return check(physical(given), f"{place}/physicalType")
    if logical not in LOGICAL:
        raise ContractError(
            f"there are no columns of the logical type {logical!r}.",
            remedy="Say in physicalType how it is stored, such as array<double> or json.",
            place=f"{place}/logicalType",
        )
    return LOGICAL[logical]


def physical(text: str) -> str:
    """A type as another system calls it (``varchar(2)``, ``int4``) as a column type; others as is."""
    lower = text.lower()
    if number := _NUMERIC.match(lower):
        return f"decimal({number[1]},{number[2] or 0})"
    bare = _LENGTH.match(lower)
    return PHYSICAL.get(lower) or PHYSICAL.get(bare[1] if bare else "", text)


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
