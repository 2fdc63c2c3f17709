"""Arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.lake.engines.spark.carrying.functions.registry import Node, carries
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions


@carries("+", "-", "*", "%")
def _plain(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    if len(given) == 1:
        return Value(f"(- {given[0].sql})", given[0].kind)
    return Value(f"({given[0].sql} {node['function_name']} {given[1].sql})")


@carries("/")
def _divided(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return Value(f"(CAST({given[0].sql} AS DOUBLE) / CAST({given[1].sql} AS DOUBLE))", "DOUBLE")
