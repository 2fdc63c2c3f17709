"""Asking the engine itself, without any data, whether it understands a piece of SQL."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import duckdb

from headgate.contracts.types import duckdb_type
from headgate.core import json as hjson
from headgate.lake.engines.duckdb import Connection, empty
from headgate.quality.literals import quoted


@lru_cache(maxsize=1)
def _engine() -> Connection:
    return empty()


@lru_cache(maxsize=1)
def _unsteady() -> frozenset[str]:
    """Functions whose answer may differ from one time to the next."""
    found = (
        _engine()
        .cursor()
        .execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'"
        )
    )
    keywords = {"current_time", "current_timestamp", "localtime", "localtimestamp"}
    return frozenset(name for (name,) in found.fetchall()) | keywords | {"user", "current_user"}


def complaint(condition: str, columns: Iterable[tuple[str, str]]) -> str:
    """Why the engine would not take ``condition`` over columns ``(name, type)``; empty if it would."""
    given = ", ".join(f"CAST(NULL AS {duckdb_type(t)}) AS {quoted(n)}" for n, t in columns)
    row = f"(SELECT {given or 'NULL AS nothing'}) AS t"
    cursor = _engine().cursor()
    try:
        # A WHERE takes no aggregates and windows; a SELECT tells the type.
        cursor.execute(f"DESCRIBE SELECT 1 FROM {row} WHERE ({condition}\n)")
        described = cursor.execute(f"DESCRIBE SELECT ({condition}\n) AS c FROM {row}").fetchone()
        cursor.execute(f"SELECT TRY(({condition}\n) IS NOT FALSE) FROM {row}")
    except duckdb.Error as error:
        return str(error).partition("\n")[0].strip().rstrip(".")
    kind = described[1] if described else ""
    return "" if kind in ("BOOLEAN", '"NULL"') else f"it gives {kind}, no condition"


def unsteady(query: str, columns: Iterable[str] = ()) -> list[str]:
    """Functions in ``query`` whose answer is not the same each time, such as now and random.

    ``columns`` are names that mean columns, although functions have them too.
    """
    used: set[str] = set()
    _names(_parsed(query), used)
    return sorted((used - {c.lower() for c in columns}) & _unsteady())


def _parsed(query: str) -> dict[str, Any]:
    answer = _engine().cursor().execute("SELECT json_serialize_sql(?)", [query]).fetchone()
    assert answer is not None
    return hjson.loads(answer[0])


def _names(node: Any, found: set[str]) -> None:
    if isinstance(node, list):
        for child in node:
            _names(child, found)
    elif isinstance(node, dict):
        if node.get("class") == "FUNCTION":
            found.add(str(node["function_name"]).lower())
        elif node.get("class") == "COLUMN_REF" and len(node["column_names"]) == 1:
            found.add(str(node["column_names"][0]).lower())
        for child in node.values():
            _names(child, found)
