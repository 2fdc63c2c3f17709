"""Comparisons, and values of several types brought to one, as DuckDB does it.

Both engines have NaN equal to itself and above all numbers, and 0.0 equal to -0.0; texts compare
by their bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headgate.lake.engines.spark.carrying import casts, kinds
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
    """A comparison.

    Raises:
        CannotCarryError: the two types compare otherwise on Spark, or not at all.
    """
    left, right = alike(carrier, read(carrier, [left, right]))
    if kind == "COMPARE_DISTINCT_FROM":
        return Value(f"(NOT ({left.sql} <=> {right.sql}))", "BOOLEAN")
    if kind == "COMPARE_NOT_DISTINCT_FROM":
        return Value(f"({left.sql} <=> {right.sql})", "BOOLEAN")
    if kind not in _SIGNS:
        raise refused(f"the comparison {kind}")
    if left.list_of is not None and kind not in ("COMPARE_EQUAL", "COMPARE_NOTEQUAL"):
        raise refused("an order of lists", "NULL among the elements sorts otherwise")
    return Value(f"({left.sql} {_SIGNS[kind]} {right.sql})", "BOOLEAN")


def read(carrier: Expressions, values: Sequence[Value]) -> list[Value]:
    """Texts beside values of another type are read as that type when they are compared."""
    others = [v.kind for v in values if v.kind not in (*kinds.TEXTS, None, "NULL")]
    if len(set(others)) != 1:
        return list(values)
    kind = str(others[0])
    return [casts.cast(carrier, v, kind) if v.kind == "VARCHAR" else v for v in values]


def alike(carrier: Expressions, values: Sequence[Value]) -> list[Value]:
    """The values as the one type that DuckDB would give all of them.

    Raises:
        CannotCarryError: there is none that is known to be the same on both engines.
    """
    given = [v.kind for v in values if v.kind is not None]
    if len(given) < len(values):
        # Types that are not known are left to Spark, which refuses most of what it takes otherwise.
        return list(values)
    kind = kinds.widest(given)
    if kind is None:
        told = " and ".join(dict.fromkeys(given))
        raise refused(f"values of type {told} side by side", "write what they are cast to")
    if kind == "NULL":
        return list(values)
    return [casts.cast(carrier, v, kind, implicit=True) if v.kind != kind else v for v in values]
