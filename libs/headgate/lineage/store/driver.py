"""Statements that come with every event, given to the database's driver itself: what SQLAlchemy does
about a statement takes several times as long as what the database does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

#: So many keys are asked for at once where asking is what takes time.
_AT_ONCE = 400


def is_file(connection: sa.Connection) -> bool:
    """Whether it is to a file of SQLite's, which answers in the process: many small questions cost
    no more than a large one."""
    return connection.dialect.name == "sqlite"


def ask(connection: sa.Connection, text: str, given: Sequence[Any] = ()) -> list[Any]:
    """The rows that a query gives, as the driver has them.

    Args:
        connection: within a transaction.
        text: SQL of both databases, each value a ``?`` and no other ``?`` or ``%`` in it.
        given: the values.

    Raises:
        Exception: as the driver has them; the store's blocks tell of them.
    """
    cursor = connection.connection.cursor()
    try:
        cursor.execute(text if is_file(connection) else _marked(text), given)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def ask_by(connection: sa.Connection, text: str, column: str, keys: Sequence[Any]) -> list[Any]:
    """The rows that a query gives where a column is one of the keys. ``text`` has no condition yet."""
    if is_file(connection):
        return ask_each(connection, f"{text} WHERE {column} = ?", [(key,) for key in keys])
    found: list[Any] = []
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        found += ask(connection, f"{text} WHERE {column} IN ({marks})", some)
    return found


def ask_each(connection: sa.Connection, text: str, keys: Sequence[Sequence[Any]]) -> list[Any]:
    """The rows that a query gives for each of these values; of a file only."""
    cursor = connection.connection.cursor()
    try:
        found: list[Any] = []
        for key in keys:
            found += cursor.execute(text, key)
        return found
    finally:
        cursor.close()


def tell(connection: sa.Connection, text: str, rows: Sequence[Sequence[Any]]) -> None:
    """Change what a statement says, for each of these values. ``text`` is as :func:`ask` has it."""
    cursor = connection.connection.cursor()
    try:
        if not is_file(connection):
            _tell_all(cursor, _marked(text), rows)
        elif len(rows) == 1:
            cursor.execute(text, rows[0])
        else:
            cursor.executemany(text, rows)
    finally:
        cursor.close()


def _tell_all(cursor: Any, text: str, rows: Sequence[Sequence[Any]]) -> None:
    from psycopg2.extras import execute_batch  # type: ignore[import-untyped]

    execute_batch(cursor, text, rows, page_size=200)


@lru_cache(maxsize=500)
def _marked(text: str) -> str:
    """The statement as psycopg2 takes it."""
    return text.replace("?", "%s")
