"""Functions over many rows, and over windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.lake.engines.spark.carrying import casts
from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.functions.registry import Node, carries, count
from headgate.lake.engines.spark.carrying.kinds import WHOLE, decimal_of
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions


def _over(carrier: Expressions, node: Node, call: str) -> str:
    """The call with the filter and the window that stand behind it."""
    filtered = node.get("filter")
    if filtered and carrier.window:
        raise refused("FILTER over a window", "Spark has none")
    if filtered:
        call += f" FILTER (WHERE {carrier.condition(filtered)})"
    return f"({call}{carrier.window})" if carrier.window else call


def _unordered(node: Node) -> None:
    if (node.get("order_bys") or {}).get("orders"):
        raise refused(f"{node['function_name']} with an ORDER BY of its own")


@carries("count_star")
def _count_star(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return Value(_over(carrier, node, "count(*)"), "BIGINT")


@carries("count")
def _count(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    if not given:
        return _count_star(carrier, node, given)
    count(node, given, 1)
    distinct = "DISTINCT " if node.get("distinct") else ""
    return Value(_over(carrier, node, f"count({distinct}{given[0].sql})"), "BIGINT")


@carries("count_if")
def _count_if(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return Value(_over(carrier, node, f"count_if({given[0].sql})"), "HUGEINT")


@carries("min", "max")
def _end(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    count(node, given, 1)
    if given[0].list_of:
        raise refused(
            f"{node['function_name']} of lists", "NULL among the elements sorts otherwise"
        )
    return Value(
        _over(carrier, node, f"{node['function_name'].lower()}({given[0].sql})"), given[0].kind
    )


@carries("sum")
def _sum(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    places = decimal_of(given[0].kind)
    if given[0].kind in WHOLE or places or given[0].kind == "BOOLEAN":
        told = _exact(carrier, node, given[0])
        return Value(told, f"DECIMAL(38,{places[1]})" if places else "HUGEINT")
    if given[0].kind == "DOUBLE":
        distinct = "DISTINCT " if node.get("distinct") else ""
        return Value(_over(carrier, node, f"sum({distinct}{given[0].sql})"), "DOUBLE")
    raise refused(f"sum of {given[0].kind or 'a value of no known type'}")


@carries("avg", "mean")
def _avg(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    """Whole numbers are summed exactly."""
    distinct = "DISTINCT " if node.get("distinct") else ""
    if given[0].kind in WHOLE or decimal_of(given[0].kind):
        total = _exact(carrier, node, given[0])
    elif given[0].kind == "DOUBLE":
        total = _over(carrier, node, f"sum({distinct}{given[0].sql})")
    else:
        raise refused(f"avg of {given[0].kind or 'a value of no known type'}")
    rows = _over(carrier, node, f"count({distinct}{given[0].sql})")
    return Value(f"try_divide(CAST({total} AS DOUBLE), CAST({rows} AS DOUBLE))", "DOUBLE")


def _exact(carrier: Expressions, node: Node, value: Value) -> str:
    """The exact sum of whole numbers or decimals, as a decimal of 38 digits.

    Spark sums wide decimals several times slower than its own 64 bits, which hold the sum of two
    milliards of narrower numbers; of 64-bit numbers the upper and the lower half are summed apart.
    """
    distinct = "DISTINCT " if node.get("distinct") else ""
    x = value.sql if value.kind != "BOOLEAN" else f"CAST({value.sql} AS INT)"
    if value.kind in ("TINYINT", "SMALLINT", "INTEGER", "BOOLEAN"):
        return f"CAST({_over(carrier, node, f'sum({distinct}{x})')} AS DECIMAL(38,0))"
    if value.kind == "BIGINT" and not distinct:
        upper = _over(carrier, node, f"sum(shiftright({x}, 32))")
        lower = _over(carrier, node, f"sum({x} & 4294967295L)")
        parts = [f"CAST({half} AS DECIMAL(20,0))" for half in (upper, lower)]
        return f"CAST({parts[0]} * CAST(4294967296 AS DECIMAL(10,0)) + {parts[1]} AS DECIMAL(38,0))"
    places = decimal_of(value.kind)
    kind = f"DECIMAL(38,{places[1] if places else 0})"
    return _over(carrier, node, f"sum({distinct}CAST({x} AS {kind}))")


@carries("bool_and", "bool_or")
def _all(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return Value(
        _over(carrier, node, f"{node['function_name'].lower()}({given[0].sql})"), "BOOLEAN"
    )


@carries("any_value")
def _any(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    _unordered(node)
    return Value(_over(carrier, node, f"any_value({given[0].sql}, TRUE)"), given[0].kind)


@carries("list", "array_agg")
def _list(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    """The values of the rows, NULL among them, in no order."""
    _unordered(node)
    if node.get("distinct"):
        raise refused(f"{node['function_name']} of DISTINCT values")
    kind = f"{given[0].kind}[]" if given[0].kind else None
    rows = _over(carrier, node, f"collect_list(struct({given[0].sql} AS `v`))")
    found = f"transform({rows}, `_e` -> `_e`.`v`)"
    return Value(f"(CASE WHEN array_size({rows}) > 0 THEN {found} END)", kind)


@carries("string_agg", "listagg", "group_concat")
def _texts(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    from headgate.lake.engines.spark.carrying.windows import ordered

    orders = (node.get("order_bys") or {}).get("orders", [])
    if not orders or node.get("distinct") or carrier.window or len(given) != 2:
        raise refused(f"{node['function_name']} without an ORDER BY of its own")
    told = ", ".join(ordered(carrier, o) for o in orders)
    call = f"listagg({given[0].sql}, {given[1].sql}) WITHIN GROUP (ORDER BY {told})"
    return Value(_over(carrier, node, call), "VARCHAR")


@carries("median")
def _median(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    """The middle, or half way between the two there: from low to high, so that halves are equal."""
    if given[0].kind not in (*WHOLE, "DOUBLE") or node.get("distinct"):
        raise refused(f"median of {given[0].kind or 'a value of no known type'}")
    x = casts.cast(carrier, given[0], "DOUBLE").sql
    rows = _over(carrier, node, f"collect_list({x})")
    low = "try_element_at(`_a`, CAST((array_size(`_a`) + 1) div 2 AS INT))"
    high = "try_element_at(`_a`, CAST(array_size(`_a`) div 2 + 1 AS INT))"
    middle = (
        f"CASE WHEN array_size(`_a`) = 0 THEN NULL WHEN {low} = {high} THEN {low}"
        f" ELSE {low} + ({high} - {low}) * CAST(0.5 AS DOUBLE) END"
    )
    return Value(f"transform(array(array_sort({rows})), `_a` -> {middle})[0]", "DOUBLE")
