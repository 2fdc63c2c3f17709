"""Regular expressions over texts."""

from __future__ import annotations

from headgate.contracts.model import Rule
from headgate.quality import regex
from headgate.quality.kind import RowKind, RowScope
from headgate.quality.literals import quoted


def _holds(rule: Rule, scope: RowScope) -> str:
    scope.type_of(rule, "string", "json")
    pattern = regex.checked(rule.arguments.get("value"), rule)
    return f"(regexp_matches({quoted(rule.column or '')}, {pattern})) IS NOT FALSE"


KINDS = (
    RowKind(
        name="pattern",
        doc="The pattern (RE2) is found in the text; anchor it with ^ and $ to match all of it.",
        odcs='logicalTypeOptions: {pattern: "^#[a-z]+$"}',
        example="'#Ubuntu' for ^#[a-z]+$",
        arguments={
            "value": "an RE2 pattern: . stops at line ends, $ is the end of the text, \\d \\w \\s "
            "and \\b know ASCII only"
        },
        holds=_holds,
    ),
)
