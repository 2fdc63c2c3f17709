"""How many rows a table has."""

from __future__ import annotations

from headgate.contracts.model import Contract, Rule
from headgate.quality.kind import TableKind


def _aggregate(rule: Rule, contract: Contract) -> str:
    return "count(*)"


KINDS = (
    TableKind(
        name="row_count",
        doc="The number of rows compares as demanded.",
        odcs="metric: rowCount, mustBeGreaterThan: 0",
        example="an empty table",
        aggregate=_aggregate,
        counts_rows=False,
    ),
)
