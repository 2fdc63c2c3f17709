"""Bounds of numbers, dates and instants, compared exactly whatever the types of both sides.

A bound such as 0.1, which no double is, means for doubles the one that is written so; NaN lies
within no bound. Bounds of whole and decimal columns are first rounded inwards to a value
the column can hold, so that nothing is cast and nothing can overflow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from headgate.contracts.model import Rule
from headgate.contracts.types import decimal_of
from headgate.quality import literals
from headgate.quality.kind import RowKind, RowScope
from headgate.quality.literals import quoted, wrong


def _holds(lower: bool) -> Callable[[Rule, RowScope], str]:
    def holds(rule: Rule, scope: RowScope) -> str:
        kind = scope.type_of(rule, "integer", "long", "double", "decimal", "date", "timestamp")
        column, value = quoted(rule.column or ""), rule.arguments.get("value")
        exclusive = rule.arguments.get("exclusive", False)
        if not isinstance(exclusive, bool):
            raise wrong(rule, exclusive, "exclusive to be true or false")
        sign = (">" if lower else "<") + ("" if exclusive else "=")
        if kind == "date":
            return _compared(column, sign, f"DATE '{literals.day(value, rule).isoformat()}'")
        if kind == "timestamp":
            return _compared(column, sign, literals.instant(literals.moment(value, rule)))
        bound = literals.number(value, rule)
        if kind == "double":
            return _double(column, bound, lower, exclusive)
        return _stepped(column, kind, bound, lower, exclusive)

    return holds


def _compared(column: str, sign: str, literal: str) -> str:
    return f"({column} {sign} {literal}) IS NOT FALSE"


def _stepped(column: str, kind: str, bound: Fraction, lower: bool, exclusive: bool) -> str:
    """A column whose values are whole, or whole at some scale."""
    precision, scale = decimal_of(kind) or (0, 0)
    least, most = literals.WHOLE.get(kind) or (1 - 10**precision, 10**precision - 1)
    scaled = bound * 10**scale
    if lower:
        step = math.floor(scaled) + 1 if exclusive else math.ceil(scaled)
        always, never = step <= least, step > most
    else:
        step = math.ceil(scaled) - 1 if exclusive else math.floor(scaled)
        always, never = step >= most, step < least
    if always:
        return "TRUE"
    if never:
        return f"{column} IS NULL"
    literal = literals.decimal(step, precision, scale) if precision else str(step)
    return _compared(column, ">=" if lower else "<=", literal)


def _double(column: str, bound: Fraction, lower: bool, exclusive: bool) -> str:
    """Compared with a double, inclusively; NaN sorts above infinity, so that is the upper end."""
    if lower:
        least = literals.double(_at_least(bound, exclusive))
        return f"({column} BETWEEN {least} AND {literals.double(math.inf)}) IS NOT FALSE"
    return _compared(column, "<=", literals.double(-_at_least(-bound, exclusive)))


def _at_least(bound: Fraction, beyond: bool) -> float:
    """The smallest double that is not below the bound (``beyond``: that is above it)."""
    try:
        nearest = float(bound)
    except OverflowError:
        return math.inf if bound > 0 else -math.nextafter(math.inf, 0)
    # A double that is written as the bound is, means the bound: 0.1 is at most 0.1.
    exact = bound if Fraction(repr(nearest)) == bound else Fraction(nearest)
    if exact < bound or (beyond and exact == bound):
        return math.nextafter(nearest, math.inf)
    return nearest


KINDS = (
    RowKind(
        name="minimum",
        doc="The value is at least the bound (above it, if exclusive). NaN is within no bound.",
        odcs="logicalType: integer, logicalTypeOptions: {minimum: 0}",
        example="-1",
        arguments={
            "value": "the bound: a number, or ISO 8601 text for dates and timestamps (UTC)",
            "exclusive": "the bound itself is too small",
        },
        holds=_holds(True),
    ),
    RowKind(
        name="maximum",
        doc="The value is at most the bound (below it, if exclusive). NaN is within no bound.",
        odcs='logicalType: date, logicalTypeOptions: {exclusiveMaximum: "2030-12-31"}',
        example="2030-12-31",
        arguments={
            "value": "the bound: a number, or ISO 8601 text for dates and timestamps (UTC)",
            "exclusive": "the bound itself is too large",
        },
        holds=_holds(False),
    ),
)
