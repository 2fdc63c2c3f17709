"""Names with a schema, as one name each: what Spark keeps for a session alone has no schema."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from headgate.lake.engines import statements
from headgate.lake.engines.duckdb import identifier

_PART = r'(?:"(?:[^"]|"")*"|\w+)'
_NAME = re.compile(rf"{_PART}(?:\s*\.\s*{_PART})+")


def flat(query: str, known: Collection[str]) -> str:
    """A query in which each relation ``schema.name`` that is ``known`` is one quoted identifier of
    that text; what the query called it by stays as its alias. Letters' case does not count.

    What is no query stays as it is.
    """
    parsed = statements.parse(query)
    if parsed.get("error"):
        return query
    real = {name.lower(): name for name in known}
    text = query.encode()
    for start, path, alias in sorted(_tables(parsed["statements"]), reverse=True):
        name = real.get(".".join(path).lower())
        written = _NAME.match(text[start:].decode(errors="ignore"))
        if name is None or written is None:
            continue
        new = identifier(name) + ("" if alias else f" AS {identifier(path[-1])}")
        text = text[:start] + new.encode() + text[start + len(written[0].encode()) :]
    return text.decode()


def tables(query: str) -> set[str]:
    """The relations that a query reads by name, as ``name`` or ``schema.name``."""
    return {".".join(path) for _, path, _ in _tables(statements.parse(query).get("statements", []))}


def _tables(tree: Any) -> Iterator[tuple[int, tuple[str, ...], str]]:
    """Where each table's name begins in the text, its parts, and the alias it has."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            if node.get("type") == "BASE_TABLE":
                path = node.get("qualified_name", {}).get("path") or [node["table_name"]]
                yield (
                    int(node.get("query_location", 0)),
                    tuple(str(p) for p in path),
                    str(node.get("alias", "")),
                )
            waiting += node.values()
