"""Queries that a contract writes itself: one number about the whole table."""

from __future__ import annotations

from headgate.contracts.model import Contract, Rule
from headgate.quality import queries
from headgate.quality.kind import TableKind


def _query(rule: Rule, contract: Contract) -> str:
    return queries.checked(rule)


KINDS = (
    TableKind(
        name="sql",
        doc="The one number that an SQL query gives compares as demanded. An error breaks the rule.",
        odcs="type: sql, query: 'SELECT count(*) FROM {table} WHERE line < 0', mustBe: 0",
        example="a row with line -1",
        arguments={
            "query": "a DuckDB SELECT over {table} alone (or {object}; {property} is the column)",
            "operator": "how the number compares: mustBe, mustBeLessThan, …",
            "value": "what it compares with (two numbers for …Between)",
        },
        query=_query,
        counts_rows=False,
    ),
)
