"""JSON texts, as columns of the type json hold them: what kind of value, which fields, which elements.

What is no JSON fails, as in DuckDB. Jackson, which Spark reads by, knows neither NaN nor a comma
too many; our readers store neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.functions.registry import Node, carries, count
from headgate.lake.engines.spark.carrying.kinds import TEXTS
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions


def _sound(carrier: Expressions, node: Node, given: Value) -> str:
    """The text, where it is one JSON value and nothing else; it fails where it is not."""
    x = given.sql
    if given.kind not in TEXTS:
        raise refused(f"{node['function_name']} of {given.kind or 'a value of no known type'}")
    # What ends one of the two wrappings early breaks the other.
    sound = (
        f"(coalesce(json_array_length('[' || {x} || ']') = 1, FALSE) AND"
        f" coalesce(get_json_object('{{\"a\":' || {x} || ',\"b\":7}}', '$.b') = '7', FALSE)"
        # Texts in single quotes pass with all of Spark's readers of JSON but this.
        f" AND (NOT contains({x}, '\\'') OR try_parse_json({x}) IS NOT NULL))"
    )
    if carrier.trying:
        carrier.fails(f"({x} IS NOT NULL AND NOT {sound})")
        return x
    return f"(CASE WHEN {x} IS NULL OR {sound} THEN {x} ELSE raise_error('Malformed JSON') END)"


@carries("json_type")
def _type(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    count(node, given, 1)
    x = _sound(carrier, node, given[0])
    first = f"substr(trim(LEADING ' \\t\\n\\r' FROM {x}), 1, 1)"
    return Value(
        f"(CASE {first} WHEN '{{' THEN 'OBJECT' WHEN '[' THEN 'ARRAY' WHEN '\"' THEN 'VARCHAR'"
        f" WHEN 't' THEN 'BOOLEAN' WHEN 'f' THEN 'BOOLEAN' WHEN 'n' THEN 'NULL'"
        f" ELSE CASE WHEN {x} RLIKE '[.eE]' THEN 'DOUBLE' WHEN {first} = '-' THEN 'BIGINT'"
        f" WHEN {x} IS NOT NULL THEN 'UBIGINT' END END)",
        "VARCHAR",
    )


@carries("json_keys")
def _keys(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    count(node, given, 1)
    x = _sound(carrier, node, given[0])
    none = "CAST(array() AS ARRAY<STRING>)"
    return Value(
        f"(CASE WHEN {x} IS NOT NULL THEN coalesce(json_object_keys({x}), {none}) END)", "VARCHAR[]"
    )


@carries("json_extract_string", "->>", "json_extract")
def _elements(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    """All elements of an array; each as the JSON text that it is, whose length alone is exact."""
    if given[1].literal != "$[*]":
        raise refused(f"{node['function_name']} of {given[1].literal or 'a computed path'}")
    x = _sound(carrier, node, given[0])
    items = f"from_json({x}, 'ARRAY<STRING>')"
    if node["function_name"].lower() == "json_extract":
        # As JSON has them: 1, 1.0 and "1" are three; 1.0 and 1.00 are one.
        parsed = f"CAST(try_parse_json({x}) AS ARRAY<VARIANT>)"
        kind = "CASE WHEN schema_of_variant(`_v`) RLIKE '^(DECIMAL|DOUBLE|FLOAT)' THEN 'D' ELSE 'I' END"
        number = f"concat({kind}, to_json(`_v`))"
        told = "CASE WHEN schema_of_variant(`_v`) = 'STRING' THEN concat('S', `_t`)"
        told += f" WHEN `_t` RLIKE '^[-0-9]' THEN {number} ELSE `_t` END"
        items = f"zip_with({items}, {parsed}, (`_t`, `_v`) -> coalesce({told}, 'null'))"
    array = f"substr(trim(LEADING ' \\t\\n\\r' FROM {x}), 1, 1) = '['"
    none = "CAST(array() AS ARRAY<STRING>)"
    return Value(
        f"(CASE WHEN {array} THEN {items} WHEN {x} IS NOT NULL THEN {none} END)", "VARCHAR[]"
    )
