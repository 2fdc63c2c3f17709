"""Numbers that are whole multiples of another, in exact arithmetic whatever the types."""

from __future__ import annotations

from fractions import Fraction

from headgate.contracts.model import Rule
from headgate.contracts.types import decimal_of
from headgate.quality import literals
from headgate.quality.kind import RowKind, RowScope
from headgate.quality.literals import quoted, wrong

#: Digits of the widest exact decimal.
_DIGITS = 38


def _holds(rule: Rule, scope: RowScope) -> str:
    kind = scope.type_of(rule, "integer", "long", "decimal", "double")
    step, column = literals.number(rule.arguments.get("value"), rule), quoted(rule.column or "")
    if step <= 0:
        raise wrong(rule, rule.arguments.get("value"), "a number above 0")
    if kind == "double":
        return _double(column, step, rule)
    precision, scale = decimal_of(kind) or (19, 0)
    # x / 10^scale is a multiple of n / d in lowest terms if and only if x·d is one of n·10^scale.
    every = step.numerator * 10**scale
    value = f"CAST({column} * CAST(1e{scale} AS DECIMAL({scale + 1},0)) AS HUGEINT)"
    return _whole(column if not scale else value, precision, step.denominator, every, rule)


def _whole(value: str, digits: int, times: int, every: int, rule: Rule) -> str:
    if digits + len(str(times)) > _DIGITS or len(str(every)) > _DIGITS:
        raise wrong(rule, rule.arguments.get("value"), "a number of fewer digits")
    scaled = f"CAST({value} AS HUGEINT) * {times}" if times != 1 else f"CAST({value} AS HUGEINT)"
    return f"(({scaled}) % {every} = 0) IS NOT FALSE"


def _double(column: str, step: Fraction, rule: Rule) -> str:
    """A double stands for the shortest decimal that gives it: 0.3 is a multiple of 0.1."""
    scale = max(len(str(float(step)).partition(".")[2]), 1) if step.denominator != 1 else 0
    if step * 10**scale != int(step * 10**scale):
        raise wrong(rule, rule.arguments.get("value"), "a decimal fraction")
    exact = f"TRY_CAST(CAST({column} AS VARCHAR) AS DECIMAL({_DIGITS},{scale + 1}))"
    scaled = int(step * 10**scale) * 10
    if len(str(scaled)) > _DIGITS:
        raise wrong(rule, rule.arguments.get("value"), "a number of fewer digits")
    every = literals.decimal(scaled, _DIGITS, scale + 1)
    # What the decimal cannot hold in full (too large, too fine, NaN) is no multiple.
    same = f"CAST({exact} AS DOUBLE) = {column}"
    return f"({column} IS NULL OR coalesce({same} AND {exact} % {every} = 0, FALSE))"


KINDS = (
    RowKind(
        name="multiple_of",
        doc="The number is a whole multiple of another. NaN and infinities are none.",
        odcs="logicalType: number, logicalTypeOptions: {multipleOf: 5}",
        example="7",
        arguments={"value": "the number, above 0; 0.1 means a tenth"},
        holds=_holds,
    ),
)
