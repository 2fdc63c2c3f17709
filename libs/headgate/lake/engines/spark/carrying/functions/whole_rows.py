"""What tells rows apart: a hash of some values, and choices between values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.lake.engines.spark.carrying import comparing
from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.functions.registry import Node, carries, count
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions


@carries("hash")
def _hash(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    """A number of 64 bits that is the same for the same values; another one than DuckDB's.

    Spark's leaves NULL out, and takes a list for its elements: so each value says if it is there,
    and a list is hashed as it is written.
    """
    told = []
    for value in given:
        if value.kind is None:
            raise refused("hash of a value", "its type is not known")
        told += [f"to_json({value.sql})" if value.list_of else value.sql, f"{value.sql} IS NULL"]
    return Value(f"xxhash64({', '.join(told)})", "HASH")


@carries("nullif")
def _nullif(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    count(node, given, 2)
    same = comparing.compared(carrier, "COMPARE_EQUAL", *given).sql
    return Value(f"(CASE WHEN {same} THEN NULL ELSE {given[0].sql} END)", given[0].kind)


@carries("ifnull")
def _ifnull(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    found = comparing.alike(carrier, given)
    return Value(f"coalesce({', '.join(v.sql for v in found)})", found[0].kind)
