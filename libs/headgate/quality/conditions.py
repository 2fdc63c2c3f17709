"""Conditions that contracts write as SQL: what they may contain, checked before any row is judged."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from headgate.contracts.model import Rule
from headgate.core.errors import ContractError
from headgate.lake.engines import statements
from headgate.quality import accepted, binding

if TYPE_CHECKING:
    from sqlglot import exp

#: What a condition over one row cannot contain, as the parser names it, and what to call it.
_FORBIDDEN = (
    ("Query", "a subquery"),
    ("Table", "a table"),
    ("Window", "a window function"),
    ("Star", "a star"),
    ("Placeholder", "a parameter"),
    ("Parameter", "a parameter"),
)


def checked(sql: object, rule: Rule, columns: Mapping[str, str]) -> str:
    """The condition, as the engine will be given it; ``columns`` are the row's, with their types.

    Raises:
        ContractError: it is no condition over those columns alone whose answer is always the same.
    """
    if not isinstance(sql, str):
        raise _error(rule, f"a condition must be SQL text, got {sql!r}")
    why = _refusal(sql, tuple(columns.items()))
    if why:
        raise _error(rule, why)
    # A line comment at the end would swallow what is put behind the condition.
    return sql.strip() + ("\n" if "--" in sql else "")


@lru_cache(maxsize=1024)
def _refusal(sql: str, columns: tuple[tuple[str, str], ...]) -> str:
    if accepted.recall("condition", sql, columns) is not None:
        return ""
    why = _looked_at(sql, columns)
    if not why:
        accepted.keep("condition", sql, columns)
    return why


def _looked_at(sql: str, columns: tuple[tuple[str, str], ...]) -> str:
    import duckdb
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        trees = sqlglot.parse(sql, read="duckdb")
    except SqlglotError as error:
        return f"this is not SQL: {' '.join(str(error).split())[:200]}"
    if len(trees) != 1 or not isinstance(trees[0], exp.Condition):
        return "this is not one condition"
    names = {name.lower(): name for name, _ in columns}
    for node in trees[0].walk():
        for forbidden, called in _FORBIDDEN:
            if isinstance(node, getattr(exp, forbidden)):
                return f"a condition over one row cannot contain {called}"
        if isinstance(node, exp.Column):
            if node.table and node.table.lower() not in names:
                return f"{node.sql('duckdb')} is no column; columns are named without a table"
            if not node.table and node.name.lower() not in names and not _bound(node):
                return f"there is no column {node.name!r}"
    unsteady = binding.unsteady(f"SELECT ({sql}\n)", names)
    if unsteady:
        return f"{unsteady[0]} does not always give the same answer; compare with a column instead"
    try:
        statements.check_condition(sql)
    except statements.ForbiddenSqlError as why:
        return str(why)
    except duckdb.Error as error:
        return f"the engine does not take it: {str(error).partition(chr(10))[0].rstrip('.')}"
    found = binding.complaint(sql, columns)
    return f"the engine does not take it: {found}" if found else ""


def _bound(column: exp.Column) -> bool:
    """Whether a list comprehension around the column binds its name."""
    from sqlglot import exp

    name, above = column.name.lower(), column.parent
    while above is not None:
        if isinstance(above, exp.Comprehension) and above.args["expression"].name.lower() == name:
            return True
        above = above.parent
    return False


def _error(rule: Rule, why: str) -> ContractError:
    return ContractError(
        f"rule {rule.id!r}: {why}.",
        remedy="Write one DuckDB condition over the columns of a row.",
        place=rule.place,
    )
