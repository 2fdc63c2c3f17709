"""The door: one DuckDB query, or one condition over a row, as Spark SQL that gives the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from headgate.core.errors import UsageError
from headgate.lake.engines import statements
from headgate.lake.engines.spark.carrying.errors import CannotCarryError, refused
from headgate.lake.engines.spark.carrying.queries import Queries
from headgate.lake.engines.spark.carrying.relations import FilesRead


def carried(
    sql: str,
    *,
    files: Callable[[FilesRead], str] | None = None,
    schema: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """One SELECT of DuckDB as Spark SQL that gives the same rows.

    Args:
        sql: the query.
        files: gives, for each ``read_parquet`` in it, the relation (its text in Spark SQL, such as
            the name of a view) that holds the files' rows.
        schema: columns and types of the relations that it reads, by the relation's name: a table's
            as the query names it, or what ``files`` gave. Types are a contract's (``long``,
            ``array<string>``) or DuckDB's. What is exact only by the type of an operand is
            refused, or left for Spark to refuse, where the type is not known.

    Raises:
        CannotCarryError: a part of it means something that Spark does not give exactly.
        UsageError: it is not one SELECT.
    """
    parsed = statements.parse(sql)
    if parsed.get("error") or len(parsed["statements"]) != 1:
        raise UsageError(f"not one SELECT: {str(parsed.get('error_message', sql))[:200]}")
    try:
        text, _ = Queries(files, schema or {}).query(parsed["statements"][0]["node"])
    except RecursionError:
        raise refused("a query so deeply nested") from None
    return text


__all__ = ["CannotCarryError", "FilesRead", "carried"]
