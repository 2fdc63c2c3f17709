"""Conditions that a contract writes itself, as SQL over the columns of one row."""

from __future__ import annotations

from headgate.contracts.model import Rule
from headgate.quality import conditions
from headgate.quality.kind import RowKind, RowScope


def _holds(rule: Rule, scope: RowScope) -> str:
    sql = conditions.checked(rule.arguments.get("sql"), rule, scope.contract.table_columns)
    # TRY gives NULL for an error, which is a breach; a condition that is NULL holds.
    return f"COALESCE(TRY(({sql}) IS NOT FALSE), FALSE)"


KINDS = (
    RowKind(
        name="predicate",
        doc="An SQL condition over the row's columns is not false. NULL holds; an error does not.",
        odcs="type: custom, engine: headgate, implementation: ended_at >= started_at",
        example="ended_at: 2004-01-01, started_at: 2004-01-02",
        arguments={
            "sql": "a DuckDB condition: no subqueries, aggregates or windows, and no functions "
            "whose answer changes, such as now()"
        },
        holds=_holds,
    ),
)
