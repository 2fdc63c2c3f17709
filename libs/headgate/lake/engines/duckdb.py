"""The embedded engine: DuckDB on ``:memory:``, with its memory, spilling and order set by settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from headgate.core.settings import Settings

Connection = duckdb.DuckDBPyConnection


def configuration(settings: Settings) -> dict[str, Any]:
    """What every connection of ours is set to; the same in dbt's profile."""
    return {
        "memory_limit": settings.memory_limit,
        "temp_directory": str(settings.lake_path / "_staging" / "spill"),
        "max_temp_directory_size": settings.spill_limit,
        "preserve_insertion_order": "false",
        "TimeZone": "UTC",
        # It would be drawn over what the command prints, JSON included.
        "enable_progress_bar": "false",
    } | ({"threads": settings.threads} if settings.threads else {})


def connect(settings: Settings) -> Connection:
    """A fresh connection; Delta is the only state, so nothing is kept in it."""
    con = duckdb.connect(":memory:")
    configure(con, settings)
    return con


def configure(con: Connection, settings: Settings) -> None:
    """Set a connection that somebody else opened as ours are set."""
    (settings.lake_path / "_staging" / "spill").mkdir(parents=True, exist_ok=True)
    for name, value in configuration(settings).items():
        con.execute(f"SET {name} = {literal(value)}")


def one(con: Connection, query: str, parameters: Sequence[object] = ()) -> tuple[Any, ...]:
    """The only row of a query.

    A result that is not read to its end keeps the connection from other work, so it is.
    """
    rows: list[tuple[Any, ...]] = con.execute(query, list(parameters)).fetchall()
    return rows[0]


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def identifiers(names: Iterable[str], prefix: str = "") -> str:
    """Quoted identifiers, comma-separated, each after ``prefix`` (such as ``t.``)."""
    return ", ".join(prefix + identifier(n) for n in names)


def equal(names: Iterable[str], left: str, right: str) -> str:
    """A condition that the columns of two relations, called ``left`` and ``right``, are equal."""
    return " AND ".join(f"{left}.{identifier(n)} = {right}.{identifier(n)}" for n in names)


def literal(value: object) -> str:
    """A SQL literal of a text, number, boolean or None."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def path_list(paths: Iterable[str | Path]) -> str:
    """A SQL list of paths."""
    return "[" + ", ".join(literal(str(p)) for p in paths) + "]"
