"""Rows of a table by keys of one or several columns, each found by an index."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from headgate.lineage.store import driver

#: So many keys are asked for at once where asking is what takes time.
_AT_ONCE = 400


def matching(
    connection: sa.Connection,
    table: sa.Table,
    columns: Sequence[str],
    keys: Sequence[tuple[Any, ...]],
    *,
    wanted: Sequence[str] | None = None,
    still: bool = False,
) -> list[tuple[Any, ...]]:
    """Rows whose ``columns`` are one of the keys, each as the driver has it; nothing in keys is null.

    Args:
        connection: to the store.
        table: which rows.
        columns: of which there is an index that begins with them.
        keys: a value for each of the columns.
        wanted: the columns of a row; all of them, if not given.
        still: only rows whose ``to_at`` is null.
    """
    given = table, tuple(columns), tuple(wanted or table.columns.keys()), still
    if driver.is_file(connection):
        return driver.ask_each(connection, _one(*given), keys)
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        values = [value for key in some for value in key]
        found += driver.ask(connection, _several(*given, len(some)), values)
    return found


@lru_cache(maxsize=200)
def _one(table: sa.Table, columns: tuple[str, ...], wanted: tuple[str, ...], still: bool) -> str:
    listed = ", ".join(f'"{name}"' for name in wanted)
    same = " AND ".join(f'"{name}" = ?' for name in columns)
    also = " AND to_at IS NULL" if still else ""
    return f'SELECT {listed} FROM "{table.name}" WHERE {same}{also}'


@lru_cache(maxsize=2_000)
def _several(
    table: sa.Table, columns: tuple[str, ...], wanted: tuple[str, ...], still: bool, count: int
) -> str:
    if count == 1:
        return _one(table, columns, wanted, still)
    listed = ", ".join(f't."{name}"' for name in wanted)
    key = f"({', '.join('?' * len(columns))})"
    same = [f"t.{name} = k.column{number}" for number, name in enumerate(columns, 1)]
    if still:
        same.append("t.to_at IS NULL")
    return (
        f"SELECT {listed} FROM (VALUES {', '.join([key] * count)}) AS k"
        f" CROSS JOIN {table.name} AS t WHERE {' AND '.join(same)}"
    )
