"""Bounds of times of day, which are kept as texts such as 09:30:00."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from headgate.contracts.formats import FORMATS
from headgate.contracts.model import Rule
from headgate.quality.kind import RowKind, RowScope
from headgate.quality.literals import quoted, text, wrong


def _holds(sign: str) -> Callable[[Rule, RowScope], str]:
    def holds(rule: Rule, scope: RowScope) -> str:
        scope.type_of(rule, "string")
        value, exclusive = rule.arguments.get("value"), rule.arguments.get("exclusive", False)
        if not isinstance(value, str) or not re.match(FORMATS["time"], value):
            raise wrong(rule, value, "a time of day like '09:30:00'")
        if not isinstance(exclusive, bool):
            raise wrong(rule, exclusive, "exclusive to be true or false")
        bound, column = dt.time.fromisoformat(value).isoformat(), quoted(rule.column or "")
        # What is no time of day is refused by the column's format, and told once.
        form = text(FORMATS["time"])
        found = f"CASE WHEN regexp_matches({column}, {form}) THEN TRY_CAST({column} AS TIME) END"
        return f"(({found}) {sign}{'' if exclusive else '='} TIME '{bound}') IS NOT FALSE"

    return holds


_ARGUMENTS = {
    "value": "the bound: hours, minutes and perhaps seconds",
    "exclusive": "the bound itself is outside",
}
KINDS = (
    RowKind(
        name="earliest",
        doc="The time of day is not before the bound. A text that is no time passes here.",
        odcs='logicalType: time, logicalTypeOptions: {minimum: "09:00:00"}',
        example="'08:59:59'",
        arguments=_ARGUMENTS,
        holds=_holds(">"),
    ),
    RowKind(
        name="latest",
        doc="The time of day is not after the bound. A text that is no time passes here.",
        odcs='logicalType: time, logicalTypeOptions: {exclusiveMaximum: "17:00:00"}',
        example="'17:00:00'",
        arguments=_ARGUMENTS,
        holds=_holds("<"),
    ),
)
