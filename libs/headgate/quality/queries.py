"""Queries that contracts write as SQL: one SELECT over the table that is judged, and nothing else."""

from __future__ import annotations

import re
from typing import Any

from headgate.contracts.model import Rule
from headgate.core.errors import ContractError
from headgate.lake.engines import statements
from headgate.quality import accepted, binding
from headgate.quality.literals import quoted

_PLACEHOLDER = re.compile(r"\$?\{\s*(table|object|property|column)\s*\}")
#: What the table is called while the query is parsed.
_TABLE = "headgate_candidate"


def checked(rule: Rule) -> str:
    """The rule's query with ``{table}`` wherever the table stands.

    Raises:
        ContractError: it is not one SELECT over the table alone, or its answer varies by itself.
    """
    query = rule.arguments.get("query")
    if not isinstance(query, str):
        raise _error(rule, f"a query must be SQL text, got {query!r}")

    def put(found: re.Match[str]) -> str:
        if found[1] in ("table", "object"):
            return _TABLE
        if rule.column is None:
            raise _error(rule, f"{found[0]} stands for a column, and the rule belongs to none")
        return quoted(rule.column)

    given = _PLACEHOLDER.sub(put, query).strip().rstrip(";")
    known = accepted.recall("query", given)
    if known is None:
        known = _looked_at(given, rule)
        accepted.keep("query", given, result=known)
    return known


def _looked_at(given: str, rule: Rule) -> str:
    import duckdb
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        trees: list[Any] = sqlglot.parse(given, read="duckdb")
    except SqlglotError as error:
        raise _error(rule, f"this is not SQL: {' '.join(str(error).split())[:200]}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise _error(rule, "this is not one SELECT")
    own = {cte.alias_or_name.lower() for cte in trees[0].find_all(exp.CTE)} | {_TABLE}
    for table in trees[0].find_all(exp.Table):
        if table.name.lower() not in own or table.db or not isinstance(table.this, exp.Identifier):
            raise _error(rule, f"it reads {table.sql('duckdb')}, and may read only {{table}}")
    unsteady = binding.unsteady(given)
    if unsteady:
        raise _error(rule, f"{unsteady[0]} does not always give the same answer")
    try:
        statements.check_query(given, [_TABLE])
    except statements.ForbiddenSqlError as why:
        raise _error(rule, str(why).replace(_TABLE, "{table}")) from None
    except duckdb.Error as error:
        told = str(error).partition("\n")[0].rstrip(".")
        raise _error(rule, f"the engine does not take it: {told}") from None
    return re.sub(rf"\b{_TABLE}\b", "{table}", given)


def _error(rule: Rule, why: str) -> ContractError:
    return ContractError(
        f"rule {rule.id!r}: {why}.",
        remedy="Write one DuckDB SELECT over {table} that gives one number.",
        place=rule.place,
    )
