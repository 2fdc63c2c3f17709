"""Closed lists of values."""

from __future__ import annotations

from headgate.contracts.model import Rule
from headgate.quality.kind import RowKind, RowScope
from headgate.quality.literals import of_type, quoted, wrong


def _holds(rule: Rule, scope: RowScope) -> str:
    kind = scope.type_of(
        rule, "string", "integer", "long", "double", "boolean", "date", "timestamp", "decimal"
    )
    values = rule.arguments.get("values")
    if not isinstance(values, list | tuple) or not values:
        raise wrong(rule, values, "a list of values")
    listed = dict.fromkeys(of_type(v, kind, rule) for v in values)
    return f"({quoted(rule.column or '')} IN ({', '.join(listed)})) IS NOT FALSE"


KINDS = (
    RowKind(
        name="accepted_values",
        doc="The value is one of a list.",
        odcs="metric: invalidValues, arguments: {validValues: [message, action]}, mustBe: 0",
        example="'massage'",
        arguments={"values": "the values, as the column's type writes them"},
        holds=_holds,
    ),
)
