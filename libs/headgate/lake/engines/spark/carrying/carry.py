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
            as the query names it, or what ``files`` gave, which may be put in by ``files`` itself.
            Types are a contract's (``long``, ``array<string>``) or DuckDB's. What is exact only by the type of an operand is
            refused, or left for Spark to refuse, where the type is not known.

    Raises:
        CannotCarryError: a part of it means something that Spark does not give exactly.
        UsageError: it is not one SELECT.
    """
    import duckdb

    try:
        parsed = statements.parse(sql)
    except (duckdb.Error, statements.ForbiddenSqlError) as error:
        raise UsageError(f"not one SELECT: {str(error).splitlines()[0]}") from None
    if parsed.get("error") or len(parsed["statements"]) != 1:
        raise UsageError(f"not one SELECT: {str(parsed.get('error_message', sql))[:200]}")
    try:
        text, _ = Queries(files, {} if schema is None else schema).query(
            parsed["statements"][0]["node"]
        )
    except RecursionError:
        raise refused("a query so deeply nested") from None
    return text


def carried_condition(condition: str, columns: Mapping[str, str]) -> str:
    """A condition over the columns of one row (name to type), as Spark SQL that is as often TRUE.

    Raises:
        CannotCarryError: a part of it means something that Spark does not give exactly.
        UsageError: it is no condition.
    """
    head, tail = "SELECT (", " AS `held` FROM `row` AS `row`"
    found = carried(f'{head}{condition}\n) AS held FROM "row"', schema={"row": columns})
    return found.removeprefix("SELECT ").removesuffix(tail)


__all__ = ["CannotCarryError", "FilesRead", "carried", "carried_condition"]
