"""A carried expression: its text in Spark SQL, and its type as DuckDB has it, where that is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headgate.contracts import types


@dataclass(frozen=True)
class Value:
    """Spark SQL that stands alone (no operator around it binds tighter), and DuckDB's type of it.

    ``kind`` is None where nobody knows it. ``literal`` is what a constant says, ``name`` what an
    unaliased column of a result is called.
    """

    sql: str
    kind: str | None = None
    literal: str | None = None
    name: str = ""

    def of(self, kind: str | None) -> Value:
        """The same, of another type."""
        return replace(self, kind=kind)

    @property
    def whole(self) -> bool:
        """Whether it is known to be a whole number."""
        return self.kind in WHOLE

    @property
    def list_of(self) -> str | None:
        """The type of the elements, if it is known to be a list."""
        return self.kind[:-2] if self.kind and self.kind.endswith("[]") else None


WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


def known(columns: dict[str, str]) -> dict[str, str]:
    """The types of columns as DuckDB names them; given as contracts or as DuckDB name them."""
    return {name: kind_of(kind) for name, kind in columns.items()}


def kind_of(text: str) -> str:
    """DuckDB's name of a type of a contract; a name of DuckDB's is its own."""
    inner = types.element(text)
    if inner:
        return kind_of(inner) + "[]"
    if text.endswith("[]"):
        return kind_of(text[:-2]) + "[]"
    upper = types.duckdb_type(text).upper().replace(" ", "")
    return ALIASES.get(upper, upper)


ALIASES = {
    "STRING": "VARCHAR", "TEXT": "VARCHAR", "CHAR": "VARCHAR", "BPCHAR": "VARCHAR", "JSON": "JSON",
    "INT": "INTEGER", "INT4": "INTEGER", "SIGNED": "INTEGER", "INTEGRAL": "INTEGER",
    "INT8": "BIGINT", "LONG": "BIGINT", "INT2": "SMALLINT", "SHORT": "SMALLINT", "INT1": "TINYINT",
    "INT128": "HUGEINT", "BOOL": "BOOLEAN", "LOGICAL": "BOOLEAN", "FLOAT8": "DOUBLE",
    "NUMERIC": "DECIMAL(18,3)", "DECIMAL": "DECIMAL(18,3)", "DEC": "DECIMAL(18,3)",
    "TIMESTAMPWITHTIMEZONE": "TIMESTAMPTZ", "DATETIME": "TIMESTAMP",
}  # fmt: skip


def decimal_of(kind: str | None) -> tuple[int, int] | None:
    """Precision and scale of a decimal type."""
    return types.decimal_of(kind.lower()) if kind else None


def quoted(name: str) -> str:
    """An identifier as Spark quotes it."""
    return "`" + name.replace("`", "``") + "`"


def text(value: str) -> str:
    """A string literal of Spark, whose backslashes escape."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return (
        "'" + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped) + "'"
    )
