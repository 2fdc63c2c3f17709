"""Comparisons, and values of several types brought to one, as DuckDB does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions

_SIGNS = {
    "COMPARE_EQUAL": "=", "COMPARE_NOTEQUAL": "<>", "COMPARE_LESSTHAN": "<",
    "COMPARE_GREATERTHAN": ">", "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
}  # fmt: skip


def compared(carrier: Expressions, kind: str, left: Value, right: Value) -> Value:
    """A comparison; both engines have NaN equal to itself and above all numbers."""
    left, right = alike(carrier, [left, right])
    if kind == "COMPARE_DISTINCT_FROM":
        return Value(f"(NOT ({left.sql} <=> {right.sql}))", "BOOLEAN")
    if kind == "COMPARE_NOT_DISTINCT_FROM":
        return Value(f"({left.sql} <=> {right.sql})", "BOOLEAN")
    if kind not in _SIGNS:
        raise refused(f"the comparison {kind}")
    return Value(f"({left.sql} {_SIGNS[kind]} {right.sql})", "BOOLEAN")


def alike(carrier: Expressions, values: Sequence[Value]) -> list[Value]:
    """The values as the one type that DuckDB would give all of them."""
    return list(values)
