"""The embedded engine: DuckDB on ``:memory:``, with its memory, spilling and order set by settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from headgate.core.settings import Settings

Connection = duckdb.DuckDBPyConnection

#: Settings that are no connection's but each of its cursors'.
_OF_EACH_CURSOR = ("TimeZone", "enable_progress_bar")
#: The optimizers by which an error escapes from a TRY; whoever disables others disables them too.
UNGUARDING = "common_subexpressions"
#: What may still be set once a connection is locked: it changes how a query runs, and nothing else.
_STILL_SET = (*_OF_EACH_CURSOR, "disabled_optimizers", "preserve_insertion_order", "threads")
#: In this order: after the last, no setting can be changed but those.
_LOCKS = {
    # A name that is no table is not looked for among our variables, whatever they are called.
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "enable_external_access": "false",
    "allowed_configs": "[" + ", ".join(f"'{name}'" for name in _STILL_SET) + "]",
    "lock_configuration": "true",
}
_PATTERN = re.compile(r"([*?\[])")


def configuration(settings: Settings) -> dict[str, Any]:
    """What every connection of ours is set to; the same in dbt's profile."""
    return {
        "memory_limit": settings.memory_limit,
        "temp_directory": str(settings.spill_path),
        "max_temp_directory_size": settings.spill_limit,
        "preserve_insertion_order": "false",
        "TimeZone": "UTC",
        # It takes what two expressions share out of both, also out of TRY, which then guards nothing:
        # a cast that fails in two rules would stop the batch in place of setting the row aside.
        "disabled_optimizers": UNGUARDING,
        # It would be drawn over what the command prints, JSON included.
        "enable_progress_bar": "false",
    } | ({"threads": settings.threads} if settings.threads else {})


def connect(settings: Settings, also: Iterable[Path] = ()) -> Connection:
    """A fresh connection; Delta is the only state, so nothing is kept in it.

    It reaches the lake's folder and what ``also`` names (files, or folders with all that is in
    them), and nothing else: no other file, no network, no extension. That cannot be undone.
    """
    con = duckdb.connect(":memory:")
    configure(con, settings, also)
    return con


def configure(con: Connection, settings: Settings, also: Iterable[Path] = ()) -> None:
    """Set a connection that somebody else opened as ours are set.

    A further cursor of one that is set already gets what each cursor has for itself.
    """
    if not one(con, "SELECT current_setting('enable_external_access')")[0]:
        for name in _OF_EACH_CURSOR:
            con.execute(f"SET {name} = {literal(configuration(settings)[name])}")
        return
    settings.spill_path.mkdir(parents=True, exist_ok=True)
    for name, value in configuration(settings).items():
        con.execute(f"SET {name} = {literal(value)}")
    lock(con, [settings.lake_path, settings.spill_path, *also])


def empty() -> Connection:
    """A connection that holds nothing and reaches nothing, to ask the engine about a text."""
    con = duckdb.connect(":memory:", config={"threads": 1})
    con.execute("SET GLOBAL TimeZone = 'UTC'")
    con.execute(f"SET disabled_optimizers = {literal(UNGUARDING)}")
    lock(con)
    return con


def lock(con: Connection, reached: Iterable[Path] = ()) -> None:
    """Take from a connection all of the machine but files and folders that are named.

    Whoever holds it can read and write in these; what keeps analysts' SQL from that is
    :mod:`headgate.lake.engines.statements`.
    """
    paths, folders = set(), set()
    for path in (p for named in reached for p in (named, named.resolve())):
        if path.is_dir():
            folders.add(str(path))
        else:
            # Readers name a file so that nothing in its name is a pattern.
            paths |= {str(path), _PATTERN.sub(r"[\1]", str(path))}
    con.execute(f"SET allowed_directories = {path_list(sorted(folders))}")
    con.execute(f"SET allowed_paths = {path_list(sorted(paths))}")
    for name, value in _LOCKS.items():
        con.execute(f"SET {name} = {value}")


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
