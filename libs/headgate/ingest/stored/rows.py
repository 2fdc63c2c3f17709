"""Rows that were stored and then set aside: kept as JSON of their columns, and read from it again."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.core import json as hjson
from headgate.ingest.readers.base import ExactRow, RawReader, Reason
from headgate.ingest.values import Unfit, converter, shown
from headgate.lake.engines.duckdb import identifier, literal

#: Such rows have no delivery of their own, so quarantine knows them by this hash of its content.
CONTENT_HASH = ""
_NUMBERS = ("integer", "long", "double")


def raw_sql(columns: Mapping[str, tuple[str, str]]) -> str:
    """SQL for a row as JSON: each column's name to an SQL expression and its column type.

    NULLs are left out, so that a column that is gone by the time of the replay is not missed.
    Numbers that a JSON reader might round are texts.
    """
    pairs = ", ".join(
        f"{literal(name)}, {_exact(expression, kind)}"
        for name, (expression, kind) in sorted(columns.items())
    )
    return f"json_merge_patch('{{}}', json_object({pairs}))::VARCHAR"


def _exact(expression: str, kind: str) -> str:
    inner = types.element(kind)
    if kind == "double" or types.decimal_of(kind):
        return f"{expression}::VARCHAR"
    if inner and (inner == "double" or types.decimal_of(inner)):
        return f"{expression}::VARCHAR[]"
    return expression


def own_columns(contract: Contract) -> dict[str, tuple[str, str]]:
    """The columns of a stored row that its raw text has: the contract's, and what was rescued."""
    found = {c.name: (identifier(c.name), c.type) for c in contract.columns}
    return found | ({"_rescued": ("_rescued", "json")} if contract.source else {})


def reader(contract: Contract) -> RawReader:
    """What reads such a row again: its text to values typed as today's contract says."""
    columns = {c.name: c.type for c in contract.columns}

    def read(position: int, raw: bytes) -> ExactRow:
        text = raw.decode("utf-8", "backslashreplace")
        try:
            given = hjson.loads_strict(text)
        except ValueError as error:
            return ExactRow(position, text, None, (Reason("malformed_json", None, str(error)),))
        if not isinstance(given, dict):
            return ExactRow(position, text, None, (Reason("not_an_object", None, shown(given)),))
        values: dict[str, object] = dict.fromkeys(columns)
        values["_rescued"] = given.get("_rescued")
        reasons = []
        for name, kind in columns.items():
            value = given.get(name)
            try:
                values[name] = None if value is None else _typed(value, kind)
            except Unfit as unfit:
                reasons.append(Reason(unfit.code, name, unfit.detail))
        return ExactRow(position, text, None if reasons else values, tuple(reasons))

    return read


def _typed(value: object, kind: str) -> object:
    inner = types.element(kind)
    if inner and isinstance(value, list):
        return [None if v is None else _typed(v, inner) for v in value]
    if kind == "json":
        return value if isinstance(value, str) else hjson.dumps(value)
    if isinstance(value, str) and (kind in _NUMBERS or types.decimal_of(kind)):
        if kind == "double" and value.lower().lstrip("-") in ("nan", "inf"):
            return float(value)
        try:
            value = int(value) if value.lstrip("+-").isdigit() else Decimal(value)
        except ArithmeticError:
            raise Unfit("type_mismatch", f"expected {kind}, got {shown(value)}") from None
    elif kind == "string" and not isinstance(value, str):
        value = hjson.dumps(value)
    return converter(kind)(value)
