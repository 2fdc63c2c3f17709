"""Rows that share a key with another row."""

from __future__ import annotations

from headgate.contracts.model import Contract, Rule
from headgate.core.errors import ContractError
from headgate.quality.kind import TableKind
from headgate.quality.literals import quoted


def _query(rule: Rule, contract: Contract) -> str:
    names = [str(c) for c in rule.arguments.get("columns", ())]
    for name in names:
        if name not in contract.table_columns:
            raise ContractError(
                f"rule {rule.id!r}: {contract.id} has no column {name!r}.", place=rule.place
            )
    if not names:
        raise ContractError(f"rule {rule.id!r} names no columns.", place=rule.place)
    columns = [quoted(n) for n in names]
    present = " AND ".join(f"{c} IS NOT NULL" for c in columns)
    # A grouping spills to disk; a set of distinct values would have to fit in memory.
    return (
        "SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM {table}"
        f" WHERE {present} GROUP BY {', '.join(columns)} HAVING count(*) > 1)"
    )


_COLUMNS = {"columns": "the columns that together are compared; rows with a NULL there are not"}
KINDS = (
    TableKind(
        name="unique",
        doc="No two rows have the same value.",
        odcs="unique: true",
        example="two rows with message_id 'irc:a:1'",
        arguments=_COLUMNS,
        query=_query,
        compares_rows=True,
    ),
    TableKind(
        name="duplicate_count",
        doc="The number of rows that share their value with another row compares as demanded.",
        odcs="metric: duplicateValues, arguments: {properties: [file, line]}, mustBe: 0",
        example="two rows with one file and line",
        arguments={
            **_COLUMNS,
            "operator": "how the number compares: mustBe, mustBeLessThan, …",
            "value": "what it compares with (two numbers for …Between)",
            "unit": "rows, or percent of the table's rows (0 if it has none)",
        },
        query=_query,
        compares_rows=True,
    ),
)
