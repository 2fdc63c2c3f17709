"""Well-known forms of texts, by the names that ODCS has for them."""

from __future__ import annotations

from headgate.contracts.formats import FORMATS
from headgate.contracts.model import Rule
from headgate.quality.kind import RowKind, RowScope
from headgate.quality.literals import quoted, text, wrong


def _holds(rule: Rule, scope: RowScope) -> str:
    scope.type_of(rule, "string")
    name = rule.arguments.get("value")
    if name not in FORMATS:
        raise wrong(rule, name, f"one of {', '.join(FORMATS)} (else write a pattern)")
    return f"(regexp_matches({quoted(rule.column or '')}, {text(FORMATS[name])})) IS NOT FALSE"


KINDS = (
    RowKind(
        name="format",
        doc=f"The whole text has a well-known form: {', '.join(FORMATS)} (that is base64).",
        odcs="logicalTypeOptions: {format: uuid}",
        example="'not-a-uuid'",
        arguments={"value": "the name of the form"},
        holds=_holds,
    ),
)
