"""Rows of a table by keys of several columns: by a join, since SQLite reads the whole table for an IN of tuples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

#: So many keys are asked for at once.
_AT_ONCE = 400


def matching(
    connection: sa.Connection,
    table: sa.Table,
    columns: Sequence[str],
    keys: Sequence[tuple[Any, ...]],
    *,
    wanted: Sequence[str] | None = None,
    still: bool = False,
) -> list[Any]:
    """Rows whose ``columns`` are one of the keys, each as the driver has it; nothing in keys is null.

    Args:
        connection: to the store.
        table: which rows.
        columns: of which there is an index that begins with them.
        keys: a value for each of the columns.
        wanted: the columns of a row; all of them, if not given.
        still: only rows whose ``to_at`` is null.
    """
    found: list[Any] = []
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        query = _query(table, tuple(columns), len(some), mark, tuple(wanted or ()), still)
        given = tuple(value for key in some for value in key)
        found += connection.exec_driver_sql(query, given).all()
    return found


@lru_cache(maxsize=2_000)
def _query(
    table: sa.Table,
    columns: tuple[str, ...],
    count: int,
    mark: str,
    wanted: tuple[str, ...],
    still: bool,
) -> str:
    listed = ", ".join(f"t.{name}" for name in wanted or table.columns.keys())
    key = f"({', '.join([mark] * len(columns))})"
    same = [f"t.{name} = k.column{number}" for number, name in enumerate(columns, 1)]
    if still:
        same.append("t.to_at IS NULL")
    # CROSS: SQLite goes through keys first, and by index to the rows.
    return (
        f"SELECT {listed} FROM (VALUES {', '.join([key] * count)}) AS k"
        f" CROSS JOIN {table.name} AS t WHERE {' AND '.join(same)}"
    )
