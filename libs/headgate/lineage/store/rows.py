"""Writing many rows at once, past what SQLAlchemy does for each value; both databases take the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from headgate.lineage.store import driver

_AT_ONCE = 1_000


def insert(connection: sa.Connection, table: sa.Table, given: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, which all have the same columns.

    Args:
        connection: in a transaction.
        table: whose columns take values as the driver gives them (no booleans but as such).
        given: a value a column.
    """
    if given:
        columns = tuple(given[0])
        insert_rows(connection, table, columns, [tuple(map(row.get, columns)) for row in given])


def insert_rows(
    connection: sa.Connection,
    table: sa.Table,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    *,
    replace: bool = False,
    where: str = "",
) -> None:
    """Insert rows, each of which has a value for each of the columns.

    Args:
        connection: in a transaction.
        table: as :func:`insert` has it.
        columns: what the values are of.
        rows: the values.
        replace: where there is a row of that primary key, give it these values.
        where: and that only where this holds, of the table and ``excluded``.
    """
    if not rows:
        return
    if driver.is_file(connection):
        driver.tell(connection, _statement(table, columns, replace, where, is_file=True), rows)
        return
    from psycopg2.extras import execute_values  # type: ignore[import-untyped]

    cursor = connection.connection.cursor()
    try:
        text = _statement(table, columns, replace, where, is_file=False)
        execute_values(cursor, text, rows, page_size=_AT_ONCE)
    finally:
        cursor.close()


@lru_cache(maxsize=200)
def _statement(
    table: sa.Table, columns: tuple[str, ...], replace: bool, where: str, *, is_file: bool
) -> str:
    listed = ", ".join(f'"{name}"' for name in columns)
    marks = f"({', '.join('?' * len(columns))})" if is_file else "%s"
    text = f'INSERT INTO "{table.name}" ({listed}) VALUES {marks}'
    if replace:
        key = [column.name for column in table.primary_key.columns]
        others = ", ".join(f'"{n}" = excluded."{n}"' for n in columns if n not in key)
        names = ", ".join(f'"{name}"' for name in key)
        text = f"{text} ON CONFLICT ({names}) DO UPDATE SET {others}"
        if where:
            text = f"{text} WHERE {where}"
    return text
