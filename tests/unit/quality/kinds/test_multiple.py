"""Multiples, against exact fractions in Python."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from headgate.core.errors import ContractError
from tests.unit.quality.judging import NASTY, holds, rule

STEPS = (1, 2, 5, 7, 0.5, 0.25, 0.1, 2.5, 1e-3, 100, 12.34)


def multiple(value: Any, step: Any) -> bool:
    """What a person with exact arithmetic would say; a double is the decimal that it shows."""
    if value is None:
        return True
    if isinstance(value, float):
        if not math.isfinite(value):
            return False
        value = Decimal(repr(value))
    return (Fraction(value) / Fraction(Decimal(str(step)))).denominator == 1


@pytest.mark.parametrize("kind", ["long", "integer", "decimal(5,2)", "decimal(18,4)"])
@pytest.mark.parametrize("step", STEPS)
def test_whole_and_decimal_numbers(kind: str, step: Any) -> None:
    rng = random.Random(f"{kind} {step}")
    pool = NASTY.get(kind, (Decimal("0.0000"), Decimal("12.3400"), Decimal("-0.0010")))
    values = [None, *pool]
    if kind in ("long", "integer"):
        values += [rng.randint(-1000, 1000) for _ in range(100)]
    elif kind == "decimal(5,2)":
        values += [Decimal(rng.randint(-99999, 99999)).scaleb(-2) for _ in range(100)]
    assert holds(rule("multiple_of", value=step), values, kind) == [
        multiple(v, step) for v in values
    ]


@pytest.mark.parametrize("step", STEPS)
def test_doubles_are_the_decimals_that_they_show(step: Any) -> None:
    rng = random.Random(f"double {step}")
    values = [None, 0.0, -0.0, 0.3, 0.1 + 0.2, 1.1, 3.0, -2.5, 12.34, 24.68, 1e15, math.nan]
    values += [math.inf, -math.inf]
    values += [float(Decimal(str(step)) * rng.randint(-(10**6), 10**6)) for _ in range(50)]
    values += [rng.uniform(-100, 100) for _ in range(50)]
    assert holds(rule("multiple_of", value=step), values, "double") == [
        multiple(v, step) for v in values
    ]


def test_numbers_beyond_a_decimal_are_no_multiples_of_fractions() -> None:
    assert holds(rule("multiple_of", value=0.1), [1e300, 5e-324], "double") == [False, False]


@pytest.mark.parametrize("value", [0, -1, "2", True, None, math.nan, 1e-300])
def test_what_is_no_number_above_0_is_refused(value: Any) -> None:
    with pytest.raises(ContractError, match=r"'c.multiple_of'"):
        holds(rule("multiple_of", value=value), [], "decimal(38,10)")


def test_a_step_that_no_decimal_holds_is_no_rule_of_doubles() -> None:
    assert holds(rule("multiple_of", value=10**36), [1e36, 3e35], "double") == [True, False]
    with pytest.raises(ContractError, match="a number of fewer digits"):
        holds(rule("multiple_of", value=10**37), [1.0], "double")


def test_texts_have_no_multiples() -> None:
    with pytest.raises(ContractError, match="does not fit column 'c' of type string"):
        holds(rule("multiple_of", value=2), [], "string")
