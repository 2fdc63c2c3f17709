"""Column lineage of one SQL query, told by its syntax tree and the columns of what it reads."""

from __future__ import annotations

from collections.abc import Mapping

from headgate.lineage.columns.model import ColumnLineage, UntraceableError


def of_sql(sql: str, schemas: Mapping[str, Mapping[str, str]]) -> ColumnLineage:
    """Where the columns of a query's result come from.

    Args:
        sql: one SELECT in DuckDB's dialect; relations are named ``"<layer>_<domain>"."<name>"``.
        schemas: ``<schema>.<name>`` of every relation it reads, to column, to DuckDB type.

    Raises:
        UntraceableError: something in it cannot be followed; nothing is guessed.
    """
    raise UntraceableError("column lineage of SQL is not told yet.")
