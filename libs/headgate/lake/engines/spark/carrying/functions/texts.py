"""Texts: both engines count code points and compare bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.lake.engines.spark import patterns
from headgate.lake.engines.spark.carrying import values
from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.functions.registry import Node, carries, same
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions

carries("starts_with", "prefix", "^@")(same("startswith", "BOOLEAN", args=[2]))
carries("ends_with", "suffix")(same("endswith", "BOOLEAN", args=[2]))


@carries("length", "char_length", "character_length")
def _length(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    if given[0].list_of:
        return Value(f"CAST(array_size({given[0].sql}) AS BIGINT)", "BIGINT")
    return Value(f"CAST(char_length({given[0].sql}) AS BIGINT)", "BIGINT")


@carries("contains")
def _contains(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return Value(f"contains({given[0].sql}, {given[1].sql})", "BOOLEAN")


@carries("||")
def _concat(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return Value(f"({given[0].sql} || {given[1].sql})", given[0].kind)


@carries("regexp_matches")
def _regexp_matches(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    if len(given) != 2 or given[1].literal is None:
        raise refused("regexp_matches with options, or a pattern that is computed")
    pattern = values.text(patterns.java(given[1].literal))
    return Value(f"({given[0].sql} RLIKE {pattern})", "BOOLEAN")
