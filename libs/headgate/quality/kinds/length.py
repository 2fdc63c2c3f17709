"""Length of texts in Unicode code points: an emoji counts by its parts, an accent may count 2."""

from __future__ import annotations

from collections.abc import Callable

from headgate.contracts.model import Rule
from headgate.quality.kind import RowKind, RowScope
from headgate.quality.literals import count, quoted


def _holds(sign: str) -> Callable[[Rule, RowScope], str]:
    def holds(rule: Rule, scope: RowScope) -> str:
        scope.type_of(rule, "string", "json")
        return f"(length({quoted(rule.column or '')}) {sign} {count(rule)}) IS NOT FALSE"

    return holds


KINDS = (
    RowKind(
        name="max_length",
        doc="The text has at most so many Unicode code points.",
        odcs="logicalTypeOptions: {maxLength: 512}",
        example="a text of 513 code points",
        arguments={"value": "the greatest length, in code points"},
        holds=_holds("<="),
    ),
    RowKind(
        name="min_length",
        doc="The text has at least so many Unicode code points.",
        odcs="logicalTypeOptions: {minLength: 1}",
        example="''",
        arguments={"value": "the least length, in code points"},
        holds=_holds(">="),
    ),
)
