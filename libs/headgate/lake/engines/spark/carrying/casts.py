"""Casts: types by their names on Spark, and what DuckDB's casts give of each type, which Spark's
give differently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.values import Value, decimal_of
from headgate.lake.engines.spark.carrying.values import kind_of as of_name

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions

Node = Mapping[str, Any]
_SPARK = {
    "BOOLEAN": "BOOLEAN", "TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INTEGER": "INT",
    "BIGINT": "BIGINT", "HUGEINT": "DECIMAL(38,0)", "DOUBLE": "DOUBLE", "VARCHAR": "STRING",
    "STRING_LITERAL": "STRING", "JSON": "STRING", "ENUM": "STRING", "DATE": "DATE",
    "TIMESTAMPTZ": "TIMESTAMP", "NULL": "VOID",
}  # fmt: skip


def kind_of_node(node: Node) -> str:
    """DuckDB's name of a type in a parse."""
    name, children = str(node["type_name"]).upper(), node.get("children", [])
    if name == "LIST":
        return kind_of_node(children[0]) + "[]"
    if name == "ENUM":
        return "ENUM"
    if children and name in ("DECIMAL", "NUMERIC", "DEC"):
        told = [str(c["literal"]["text"]) for c in children]
        return f"DECIMAL({told[0]},{told[1] if len(told) > 1 else 0})"
    if children and name in ("VARCHAR", "CHAR", "TEXT", "STRING", "BPCHAR"):
        return "VARCHAR"
    if children:
        raise refused(f"the type {name}")
    return of_name(name)


def spark_type(kind: str | None) -> str:
    """Spark's name of a type of DuckDB.

    Raises:
        CannotCarryError: Spark has no such type.
    """
    if kind and kind.endswith("[]"):
        return f"ARRAY<{spark_type(kind[:-2])}>"
    if decimal_of(kind):
        return str(kind)
    if kind not in _SPARK:
        raise refused(f"the type {kind or 'of a column that is not known'}")
    return _SPARK[kind]


def cast(
    carrier: Expressions,
    given: Value,
    kind: str,
    *,
    trying: bool = False,
    implicit: bool = False,
) -> Value:
    """``given`` as another type; ``trying``: NULL where it cannot be. ``implicit``: nobody wrote it."""
    if given.kind == kind or (implicit and given.kind is None):
        return given
    target = spark_type(kind)
    if given.kind in ("VARCHAR", "STRING_LITERAL", "JSON", "ENUM") and target == "STRING":
        return Value(given.sql, kind, given.literal, given.name)
    if trying or carrier.trying:
        found = f"TRY_CAST({given.sql} AS {target})"
        if not trying:
            carrier.fails(f"({given.sql} IS NOT NULL AND {found} IS NULL)")
        return Value(found, kind, name=given.name)
    return Value(f"CAST({given.sql} AS {target})", kind, name=given.name)
