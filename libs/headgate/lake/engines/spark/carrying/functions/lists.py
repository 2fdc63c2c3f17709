"""Lists: made, asked, and gone through by lambdas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.lake.engines.spark.carrying import comparing, kinds
from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.functions.registry import Node, carries, count
from headgate.lake.engines.spark.carrying.kinds import WHOLE
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions


def _demand(node: Node, given: Value) -> str:
    if given.list_of is None:
        raise refused(f"{node['function_name']} of {given.kind or 'a value of no known type'}")
    return given.list_of


@carries("list_value")
def _made(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    items = comparing.alike(carrier, given)
    kind = kinds.widest([str(i.kind) for i in items]) if items else "NULL"
    known = all(i.kind for i in items)
    return Value(
        f"array({', '.join(i.sql for i in items)})", f"{kind}[]" if kind and known else None
    )


@carries("list_filter", "array_filter", "filter", lazy=True)
def _filter(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    items, test = carrier.arguments(node)
    found = carrier.value(items)
    told, _ = carrier.function(test, [found.list_of], "BOOLEAN")
    return Value(f"filter({found.sql}, {told})", found.kind)


@carries("list_transform", "array_transform", "list_apply", "array_apply", "apply", lazy=True)
def _transform(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    items, told = carrier.arguments(node)
    found = carrier.value(items)
    function, kind = carrier.function(told, [found.list_of])
    return Value(f"transform({found.sql}, {function})", f"{kind}[]" if kind else None)


@carries("list_contains", "array_contains", "list_has", "array_has")
def _contains(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    kind = _demand(node, given[0])
    if given[1].kind not in (kind, "STRING_LITERAL") and not (
        given[1].kind in WHOLE and kind in WHOLE
    ):
        raise refused(f"list_contains of {kind} and {given[1].kind}")
    if kind not in WHOLE and kind not in ("VARCHAR", "BOOLEAN", "DATE", "TIMESTAMPTZ"):
        raise refused(f"list_contains of {kind}")
    found = f"array_contains({given[0].sql}, {given[1].sql})"
    # A NULL among the elements leaves it open on Spark, and is none of them in DuckDB.
    return Value(
        f"(CASE WHEN {given[0].sql} IS NULL OR {given[1].sql} IS NULL THEN NULL"
        f" ELSE coalesce({found}, FALSE) END)",
        "BOOLEAN",
    )


@carries("list_has_all", "array_has_all")
def _has_all(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    kind = _demand(node, given[0])
    _demand(node, given[1])
    if kind not in WHOLE and kind != "VARCHAR":
        raise refused(f"list_has_all of {kind}")
    wanted = f"filter({given[1].sql}, `_e` -> `_e` IS NOT NULL)"
    return Value(f"(array_size(array_except({wanted}, {given[0].sql})) = 0)", "BOOLEAN")


@carries("list_has_any", "array_has_any", "&&")
def _has_any(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    for value in given:
        _demand(node, value)
    a, b = given[0].sql, given[1].sql
    none = f"{a} IS NULL OR {b} IS NULL"
    return Value(
        f"(CASE WHEN {none} THEN NULL ELSE coalesce(arrays_overlap({a}, {b}), FALSE) END)",
        "BOOLEAN",
    )


@carries("list_max", "list_min")
def _end(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    kind = _demand(node, given[0])
    return Value(f"array_{node['function_name'].lower()[-3:]}({given[0].sql})", kind)


@carries("list_distinct", "array_distinct")
def _distinct(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    # In no order, as in DuckDB.
    _demand(node, given[0])
    return Value(f"array_compact(array_distinct({given[0].sql}))", given[0].kind)


@carries("list_sort", "array_sort")
def _sorted(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    count(node, given, 1)
    _demand(node, given[0])
    return Value(f"array_sort({given[0].sql})", given[0].kind)


@carries("array_extract", "list_extract", "list_element")
def _extract(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    kind = _demand(node, given[0])
    if given[1].kind not in WHOLE:
        raise refused("an element at a place of no known type")
    if given[1].literal is not None:
        place = int(given[1].literal)
        if not -(2**31) < place < 2**31 or place == 0:
            return Value(f"CAST(NULL AS {kinds.spark_type(kind)})", kind)
        return Value(f"try_element_at({given[0].sql}, {place})", kind)
    x, at = given[0].sql, given[1].sql
    inside = f"{at} <> 0 AND {at} BETWEEN - array_size({x}) AND array_size({x})"
    return Value(f"(CASE WHEN {inside} THEN element_at({x}, CAST({at} AS INT)) END)", kind)


@carries("unnest")
def _unnest(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    count(node, given, 1)
    return Value(f"explode({given[0].sql})", given[0].list_of)
