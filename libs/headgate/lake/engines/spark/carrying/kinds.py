"""Types: DuckDB's names of them, Spark's, and the one that DuckDB gives several brought together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headgate.contracts import types
from headgate.lake.engines.spark.carrying.errors import refused

Node = Mapping[str, Any]
#: Whole numbers with the digits that DuckDB gives each as a decimal, from narrow to wide.
WHOLE = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19, "HUGEINT": 38}
TEXTS = ("VARCHAR", "STRING_LITERAL", "JSON", "ENUM")
_ALIASES = {
    "STRING": "VARCHAR", "TEXT": "VARCHAR", "CHAR": "VARCHAR", "BPCHAR": "VARCHAR",
    "INT": "INTEGER", "INT4": "INTEGER", "INT32": "INTEGER", "SIGNED": "INTEGER",
    "INTEGRAL": "INTEGER", "INT8": "BIGINT", "INT64": "BIGINT", "LONG": "BIGINT",
    "OID": "BIGINT", "INT2": "SMALLINT", "INT16": "SMALLINT", "SHORT": "SMALLINT",
    "INT1": "TINYINT", "INT128": "HUGEINT", "BOOL": "BOOLEAN", "LOGICAL": "BOOLEAN",
    "FLOAT8": "DOUBLE", "NUMERIC": "DECIMAL(18,3)", "DECIMAL": "DECIMAL(18,3)",
    "DEC": "DECIMAL(18,3)", "TIMESTAMPWITHTIMEZONE": "TIMESTAMPTZ", "DATETIME": "TIMESTAMP",
}  # fmt: skip
_SPARK = {
    "BOOLEAN": "BOOLEAN", "TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INTEGER": "INT",
    "BIGINT": "BIGINT", "HUGEINT": "DECIMAL(38,0)", "DOUBLE": "DOUBLE", "VARCHAR": "STRING",
    "STRING_LITERAL": "STRING", "JSON": "STRING", "ENUM": "STRING", "DATE": "DATE",
    "TIMESTAMPTZ": "TIMESTAMP", "TIMESTAMP": "TIMESTAMP_NTZ", "NULL": "VOID",
    # Written out to the microsecond, so that texts sort as times do.
    "TIME": "STRING",
}  # fmt: skip


def kind_of(text: str) -> str:
    """DuckDB's one name of a type; given as a contract has it, or by any of DuckDB's names."""
    inner = types.element(text)
    if inner or text.endswith("[]"):
        return kind_of(inner or text[:-2]) + "[]"
    upper = types.duckdb_type(text).upper().replace(" ", "")
    return _ALIASES.get(upper, upper)


def kind_of_node(node: Node) -> str:
    """DuckDB's one name of a type in a parse."""
    name, children = str(node["type_name"]).upper(), node.get("children", [])
    if name == "LIST":
        return kind_of_node(children[0]) + "[]"
    if name == "ENUM":
        return "ENUM"
    if children and name in ("DECIMAL", "NUMERIC", "DEC"):
        told = [str(c["literal"]["text"]) for c in children]
        return f"DECIMAL({told[0]},{told[1] if len(told) > 1 else 0})"
    if children and kind_of(name) != "VARCHAR":
        raise refused(f"the type {name}")
    return kind_of(name)


def spark_type(kind: str | None) -> str:
    """Spark's name of a type of DuckDB.

    Raises:
        CannotCarryError: Spark has no such type, or the type is not known.
    """
    if kind is None:
        raise refused("a value", "its type is not known")
    if kind.endswith("[]"):
        return f"ARRAY<{spark_type(kind[:-2])}>"
    if decimal_of(kind):
        return kind
    if kind not in _SPARK:
        raise refused(f"the type {kind}", "Spark has none like it")
    return _SPARK[kind]


def decimal_of(kind: str | None) -> tuple[int, int] | None:
    """Precision and scale of a decimal type."""
    return types.decimal_of(kind.lower()) if kind else None


def places(kind: str) -> tuple[int, int]:
    """Precision and scale of a decimal type, or of a whole number taken as one."""
    return decimal_of(kind) or (WHOLE[kind], 0)


def numeric(kind: str | None) -> bool:
    """Whether it is known to be a type of numbers."""
    return kind in WHOLE or kind == "DOUBLE" or decimal_of(kind) is not None


def widest(kinds: Sequence[str]) -> str | None:
    """The type that DuckDB gives values of these types brought together; None: not known here."""
    left = [k for k in dict.fromkeys(kinds) if k != "NULL"]
    if len(left) <= 1:
        return left[0] if left else "NULL"
    if all(map(numeric, left)):
        if "DOUBLE" in left:
            return "DOUBLE"
        if all(k in WHOLE for k in left):
            return max(left, key=list(WHOLE).index)
        whole = max(p - s for p, s in map(places, left))
        scale = max(s for _, s in map(places, left))
        return f"DECIMAL({min(whole + scale, 38)},{scale})"
    others = [k for k in left if k != "STRING_LITERAL"]
    if len(others) < len(left):
        return widest(others)
    if all(k in TEXTS for k in left):
        return "VARCHAR"
    if set(left) <= {"DATE", "TIMESTAMPTZ", "TIMESTAMP"}:
        return "TIMESTAMPTZ" if "TIMESTAMPTZ" in left else "TIMESTAMP"
    if all(k.endswith("[]") for k in left):
        inner = widest([k[:-2] for k in left])
        return f"{inner}[]" if inner else None
    return None
