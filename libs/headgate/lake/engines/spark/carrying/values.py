"""A carried expression: its text in Spark SQL, and its type as DuckDB has it, where that is known."""

from __future__ import annotations

from dataclasses import dataclass, replace


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
    def list_of(self) -> str | None:
        """The type of the elements, if it is known to be a list."""
        return self.kind[:-2] if self.kind and self.kind.endswith("[]") else None


def quoted(name: str) -> str:
    """An identifier as Spark quotes it."""
    return "`" + name.replace("`", "``") + "`"


def text(value: str) -> str:
    """A string literal of Spark, whose backslashes escape."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return (
        "'" + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped) + "'"
    )
