"""What SQL that others wrote may do: ask one question of what it was given, and nothing else.

It is judged by the engine's own parse, so that no text means one thing here and another there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from headgate.core import json as hjson
from headgate.lake.engines.duckdb import Connection, empty

#: Functions that give rows and read nothing but their arguments; no other may stand in a FROM.
TABLE_FUNCTIONS = frozenset(
    {"unnest", "range", "generate_series", "repeat", "repeat_row", "json_each", "json_tree"}
)
#: Functions that tell of the engine or the machine, change the session, or run a text as SQL.
FORBIDDEN_FUNCTIONS = frozenset(
    {
        "current_connection_id", "current_query", "current_query_id", "current_setting",
        "current_transaction_id", "currval", "get_block_size", "getenv", "getvariable",
        "json_deserialize_sql", "json_execute_serialized_sql", "json_serialize_plan", "nextval",
        "pg_get_constraintdef", "pg_get_viewdef", "pg_sleep", "set_config", "setseed", "setval",
        "sleep_ms", "txid_current", "write_log",
    }
)  # fmt: skip
#: Catalogue tables that a question to the lake may read: names and types of what it shows.
CATALOGUE = frozenset(
    f"information_schema.{name}" for name in ("tables", "columns", "schemata", "views")
)
_QUERIES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_RELATIONS = frozenset(
    {"BASE_TABLE", "TABLE_FUNCTION", "SHOW_REF", "SUBQUERY", "JOIN", "EXPRESSION_LIST", "EMPTY",
     "PIVOT", "COLUMN_DATA"}
)  # fmt: skip
_EXPRESSIONS = frozenset(
    {"BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT",
     "DEFAULT", "FUNCTION", "LAMBDA", "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE", "STAR",
     "SUBQUERY", "TYPE", "WINDOW"}
)  # fmt: skip
#: Further parts of a query; in each, what they hold is looked at all the same.
_PARTS = ("_MODIFIER", "_TYPE_INFO", "ORDER_DEFAULT", "ASCENDING", "DESCENDING")
#: What the engine calls the database of a connection that has no file.
_CATALOG = "memory"
_OTHER = "it reads {}, which is none of the tables that it was given"
#: As deep as the engine itself goes, three levels of its JSON to one of the query.
_DEEPEST = 6_000


_EXPLAIN = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*explain\b(?:\s+analyze\b)?(?:\s*\([^()]*\)(?=\s*[a-z]))?",
    re.IGNORECASE | re.DOTALL,
)


#: The trees of queries that are checked next, as the engine's JSON.
_ahead: dict[str, str] = {}


class ForbiddenSqlError(Exception):
    """A piece of SQL is not one question of what it was given; the text says why.

    ``at`` is the byte at which the part begins that is refused, if one is.
    """

    def __init__(self, why: str, part: Mapping[str, Any] | None = None) -> None:
        super().__init__(why)
        self.at: int | None = (part or {}).get("query_location")


def check_query(query: str, relations: Collection[str], *, asking: bool = False) -> None:
    """See that ``query`` is one SELECT over ``relations`` alone.

    A relation is ``name`` or ``schema.name``, without quotes. With ``asking``, the query may also
    describe, summarize or be explained, and list what there is.

    Raises:
        ForbiddenSqlError: it is more than that; the text ends without a full stop.
        duckdb.ParserException: it is no SQL.
    """
    start = _EXPLAIN.match(query) if asking else None
    if start:
        # Explaining with ANALYZE carries out what it explains.
        query = query[start.end() :]
    parsed = parse(query)
    if parsed.get("error"):
        raise ForbiddenSqlError(_no_select(query))
    if len(parsed["statements"]) != 1:
        raise ForbiddenSqlError(f"it is {len(parsed['statements'])} statements, and not one SELECT")
    named = frozenset(name.lower() for name in relations)
    _Walk(named | CATALOGUE if asking else named, asking).all_of(parsed["statements"][0]["node"])


def check_condition(condition: str, *, subqueries: bool = False) -> None:
    """See that ``condition`` is one expression, which cannot end the parenthesis it is put in.

    Raises:
        ForbiddenSqlError: it is more than that; the text ends without a full stop.
        duckdb.ParserException: it is no SQL.
    """
    # What closes a parenthesis early leaves a bracket open, and the other way round.
    for opening, closing in ("()", "[]"):
        parsed = parse(f"SELECT {opening}\n{condition}\n{closing}")
        node = {} if parsed.get("error") else _only_node(parsed["statements"])
        listed = node.get("select_list", [])
        if len(listed) != 1 or node.get("from_table", {}).get("type") != "EMPTY":
            raise ForbiddenSqlError("it is not one condition")
        if opening == "[" and len(listed[0].get("arguments", [])) != 1:
            raise ForbiddenSqlError("it is several expressions, and not one condition")
    walk = _Walk(frozenset(), False, subqueries=subqueries)
    walk.all_of(node)


def _only_node(statements: list[Any]) -> dict[str, Any]:
    """The one statement, if it is a SELECT without anything but its list."""
    if len(statements) != 1:
        return {}
    node: dict[str, Any] = statements[0]["node"]
    more = {"modifiers", "where_clause", "group_expressions", "group_sets", "having", "qualify",
            "sample", "named_parameters"}  # fmt: skip
    beyond = any(node.get(key) for key in more) or node.get("cte_map", {}).get("map")
    return {} if beyond or node["type"] != "SELECT_NODE" else node


def parse(query: str) -> dict[str, Any]:
    """The engine's tree of ``query``; with ``error`` if it is not SELECTs alone.

    Raises:
        duckdb.ParserException: it is no SQL.
        ForbiddenSqlError: it is nested deeper than can be looked at.
    """
    if query not in _ahead:
        parse_ahead([query])
    try:
        found = _loaded(_ahead.pop(query))
    except (RecursionError, ValueError):
        raise ForbiddenSqlError("it is nested too deeply") from None
    if found.get("error_type") == "parser":
        _engine().cursor().extract_statements(query)  # which raises, and says where
    return found


def parse_ahead(queries: Collection[str]) -> None:
    """Parse queries that are soon checked at once: one by one takes three times as long."""
    cursor = _engine().cursor()
    found = cursor.execute(
        "SELECT q, json_serialize_sql(q, skip_null := true, skip_default := true)"
        " FROM (SELECT unnest(?::VARCHAR[]) AS q)",
        [list(queries)],
    )
    _ahead.update(found.fetchall())


def _loaded(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = hjson.loads(text)
    except RecursionError:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(before, _DEEPEST))
        try:
            found = hjson.loads(text)
        finally:
            sys.setrecursionlimit(before)
    return found


def _no_select(query: str) -> str:
    """What a text is that is no SELECT."""
    kinds = [s.type.name.lower() for s in _engine().cursor().extract_statements(query)]
    if not kinds:
        return "there is nothing in it"
    if kinds == ["multi"]:
        return "a PIVOT must list its values, as in PIVOT … ON column IN (…)"
    return f"it is {', '.join(kinds).upper()}, and not one SELECT"


class _Walk:
    """One look through a tree: what it reads, calls and does."""

    def __init__(self, relations: frozenset[str], asking: bool, *, subqueries: bool = True) -> None:
        self.relations, self.asking, self.subqueries = relations, asking, subqueries

    def all_of(self, node: dict[str, Any]) -> None:
        """Look at every part, each with the names that common table expressions give it."""
        waiting: list[tuple[Any, frozenset[str]]] = [(node, frozenset())]
        while waiting:
            part, names = waiting.pop()
            if isinstance(part, list):
                waiting += [(child, names) for child in part]
            elif isinstance(part, dict):
                if "class" in part:
                    self._expression(part)
                elif isinstance(kind := part.get("type"), str):
                    if kind in _QUERIES:
                        waiting += _parts(part, names)
                        continue
                    self._relation(part, kind, names)
                waiting += [(child, names) for child in part.values()]

    def _expression(self, part: dict[str, Any]) -> None:
        kind = str(part["class"])
        if kind not in _EXPRESSIONS:
            told = "a parameter" if kind == "PARAMETER" else f"an expression of kind {kind}"
            raise ForbiddenSqlError(f"it has {told}", part)
        if kind == "SUBQUERY" and not self.subqueries:
            raise ForbiddenSqlError("it has a subquery", part)
        function = str(part.get("function_name", "")).lower()
        if function in _readers():
            raise ForbiddenSqlError(_OTHER.format(f"{function}()"), part)
        if function in FORBIDDEN_FUNCTIONS:
            raise ForbiddenSqlError(
                f"it calls {function}(), which tells of the engine or changes it, not of the data",
                part,
            )

    def _relation(self, part: dict[str, Any], kind: str, names: frozenset[str]) -> None:
        if kind == "BASE_TABLE":
            self._table(part, names)
        elif kind == "TABLE_FUNCTION":
            function = str(part.get("function", {}).get("function_name", "")).lower()
            if function not in TABLE_FUNCTIONS:
                raise ForbiddenSqlError(_OTHER.format(f"{function}()"), part)
        elif kind == "SHOW_REF":
            if not self.asking:
                raise ForbiddenSqlError("it describes a table, and is no query of its rows")
        elif kind not in _RELATIONS and not kind.endswith(_PARTS):
            verb = kind.removesuffix("_QUERY_NODE").replace("_", " ")
            raise ForbiddenSqlError(f"it does more than read: {verb}")

    def _table(self, part: dict[str, Any], names: frozenset[str]) -> None:
        path = [str(p) for p in part.get("qualified_name", {}).get("path", [])]
        if len(path) == 3 and path[0].lower() == _CATALOG:
            del path[0]
        name = ".".join(path).lower()
        if (len(path) == 1 and name in names) or name in self.relations:
            return
        told = ".".join(path) or "a table without a name"
        raise ForbiddenSqlError(_OTHER.format(told), part)


def _parts(query: dict[str, Any], names: frozenset[str]) -> Iterator[tuple[Any, frozenset[str]]]:
    """What a query consists of, with the names that each part of it may use."""
    for entry in query.get("cte_map", {}).get("map", []):
        yield entry["value"], names
        names |= {str(entry["key"]).lower()}
    own = names
    if query["type"] in ("RECURSIVE_CTE_NODE", "CTE_NODE"):
        own |= {str(query.get("cte_name", query.get("ctename", ""))).lower()}
    for key, child in query.items():
        if key != "cte_map":
            # Only the part that is repeated sees the rows that came before.
            yield child, own if key == "right" or query["type"] == "CTE_NODE" else names


@lru_cache(maxsize=1)
def _readers() -> frozenset[str]:
    """Functions that the engine has for FROM alone, but for those that are allowed there."""
    kinds = "SELECT function_name FROM duckdb_functions() WHERE function_type {} ('table', 'table_macro')"
    rows = _engine().cursor().execute(f"{kinds.format('IN')} EXCEPT {kinds.format('NOT IN')}")
    return frozenset(str(name).lower() for (name,) in rows.fetchall()) - TABLE_FUNCTIONS


@lru_cache(maxsize=1)
def _engine() -> Connection:
    return empty()
