"""Writing many rows at once, past what SQLAlchemy does for each value; both databases take the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

_AT_ONCE = 1_000


def insert(
    connection: sa.Connection,
    table: sa.Table,
    given: Sequence[Mapping[str, Any]],
    *,
    replace: bool = False,
) -> None:
    """Insert rows, which all have the same columns.

    Args:
        connection: in a transaction.
        table: whose columns take values as the driver gives them (no booleans but as such).
        given: a value a column.
        replace: where there is a row of that primary key, give it these values.
    """  # fmt: skip
    if not given:
        return
    columns = tuple(given[0])
    rows = [tuple(row[name] for name in columns) for row in given]
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_statement(table, columns, replace, "sqlite"), rows)
        return
    from psycopg2.extras import execute_values  # type: ignore[import-untyped]

    cursor = connection.connection.cursor()
    try:
        text = _statement(table, columns, replace, "postgresql")
        execute_values(cursor, text, rows, page_size=_AT_ONCE)
    finally:
        cursor.close()


@lru_cache(maxsize=200)
def _statement(table: sa.Table, columns: tuple[str, ...], replace: bool, kind: str) -> str:
    listed = ", ".join(f'"{name}"' for name in columns)
    marks = f"({', '.join('?' * len(columns))})" if kind == "sqlite" else "%s"
    text = f'INSERT INTO "{table.name}" ({listed}) VALUES {marks}'
    if replace:
        key = [column.name for column in table.primary_key.columns]
        others = ", ".join(f'"{n}" = excluded."{n}"' for n in columns if n not in key)
        names = ", ".join(f'"{name}"' for name in key)
        text = f"{text} ON CONFLICT ({names}) DO UPDATE SET {others}"
    return text
