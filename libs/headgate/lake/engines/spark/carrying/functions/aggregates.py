"""Functions over many rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.functions.registry import Node, carries
from headgate.lake.engines.spark.carrying.kinds import WHOLE
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions


def _call(carrier: Expressions, node: Node, inner: str, kind: str | None) -> Value:
    filtered = node.get("filter")
    told = f"{inner} FILTER (WHERE {carrier.condition(filtered)})" if filtered else inner
    return Value(
        f"{told}{carrier.window}" if not carrier.window else f"({told}{carrier.window})", kind
    )


def _no_order(node: Node) -> None:
    if (node.get("order_bys") or {}).get("orders"):
        raise refused(f"{node['function_name']} with an ORDER BY of its own")


@carries("count_star")
def _count_star(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return _call(carrier, node, "count(*)", "BIGINT")


@carries("count")
def _count(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    if not given:
        return _call(carrier, node, "count(*)", "BIGINT")
    distinct = "DISTINCT " if node.get("distinct") else ""
    return _call(carrier, node, f"count({distinct}{given[0].sql})", "BIGINT")


@carries("min", "max")
def _end(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    if len(given) != 1:
        raise refused(f"{node['function_name']} of {len(given)} arguments")
    return _call(carrier, node, f"{node['function_name'].lower()}({given[0].sql})", given[0].kind)


@carries("sum")
def _sum(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    distinct = "DISTINCT " if node.get("distinct") else ""
    if given[0].kind in WHOLE:
        return _call(
            carrier, node, f"sum({distinct}CAST({given[0].sql} AS DECIMAL(38,0)))", "HUGEINT"
        )
    return _call(carrier, node, f"sum({distinct}{given[0].sql})", None)


@carries("avg", "mean")
def _avg(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    if node.get("distinct"):
        raise refused("avg(DISTINCT …)")
    return _call(carrier, node, f"avg(CAST({given[0].sql} AS DOUBLE))", "DOUBLE")


@carries("bool_and", "bool_or", "any_value", "first", "arg_max", "arg_min", "max_by", "min_by")
def _plain(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    _no_order(node)
    name = node["function_name"].lower()
    spark = {"arg_max": "max_by", "arg_min": "min_by"}.get(name, name)
    return _call(carrier, node, f"{spark}({', '.join(g.sql for g in given)})", given[0].kind)


@carries("list", "array_agg")
def _list(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    _no_order(node)
    kind = f"{given[0].kind}[]" if given[0].kind else None
    return _call(carrier, node, f"collect_list({given[0].sql})", kind)


@carries("median")
def _median(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return _call(carrier, node, f"median({given[0].sql})", "DOUBLE")
