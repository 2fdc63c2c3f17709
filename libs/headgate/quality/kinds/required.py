"""Presence: the only kind that judges absence; every other kind lets NULL pass."""

from __future__ import annotations

from headgate.contracts.model import Rule
from headgate.quality.kind import RowKind, RowScope
from headgate.quality.literals import quoted


def _holds(rule: Rule, scope: RowScope) -> str:
    scope.type_of(rule)
    return f"{quoted(rule.column or '')} IS NOT NULL"


KINDS = (
    RowKind(
        name="required",
        doc="The column is not NULL; an empty text is a value. Keys (`primaryKey`) are required anyway.",
        odcs="required: true",
        example="author: null",
        holds=_holds,
    ),
)
