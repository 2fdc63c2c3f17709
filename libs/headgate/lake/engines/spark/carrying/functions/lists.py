"""Lists: made, asked, and gone through by lambdas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.lake.engines.spark.carrying import comparing
from headgate.lake.engines.spark.carrying.functions.registry import Node, carries
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions


@carries("list_value")
def _made(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    items = comparing.alike(carrier, given)
    kind = items[0].kind if items else "NULL"
    return Value(f"array({', '.join(i.sql for i in items)})", f"{kind}[]" if kind else None)


@carries("list_filter", "array_filter", "filter", lazy=True)
def _filter(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    from headgate.lake.engines.spark.carrying.expressions import lambda_of

    items, test = carrier.arguments(node)
    found = carrier.value(items)
    told = lambda_of(carrier, test, [found.list_of])
    return Value(f"filter({found.sql}, {told})", found.kind)


@carries("len", "array_length")
def _len(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    if given[0].list_of is None and given[0].kind is not None:
        return Value(f"char_length({given[0].sql})", "BIGINT")
    return Value(f"CAST(array_size({given[0].sql}) AS BIGINT)", "BIGINT")


@carries("list_contains", "array_contains", "list_has", "array_has")
def _contains(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return Value(f"array_contains({given[0].sql}, {given[1].sql})", "BOOLEAN")


@carries("list_has_all")
def _has_all(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return Value(f"(array_size(array_except({given[1].sql}, {given[0].sql})) = 0)", "BOOLEAN")


@carries("list_has_any")
def _has_any(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return Value(f"coalesce(arrays_overlap({given[0].sql}, {given[1].sql}), FALSE)", "BOOLEAN")


@carries("list_max")
def _max(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return Value(f"array_max({given[0].sql})", given[0].list_of)


@carries("list_min")
def _min(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return Value(f"array_min({given[0].sql})", given[0].list_of)


@carries("array_extract")
def _extract(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return Value(f"try_element_at({given[0].sql}, CAST({given[1].sql} AS INT))", given[0].list_of)


@carries("unnest")
def _unnest(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return Value(f"explode({given[0].sql})", given[0].list_of)
