"""Bounds, against exact arithmetic in Python."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headgate.core.errors import ContractError
from tests.unit.quality.judging import NASTY, holds, rule

NUMBERS = ["long", "integer", "double", "decimal(5,2)", "decimal(38,10)"]
BOUNDS = (
    st.sampled_from([v for kind in NUMBERS for v in NASTY[kind] if math.isfinite(v)])
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([10**400, -(10**400), 0.005, -0.005, 999.995, 1e30, 2**1024 - 2**970])
)
FLOATS = st.lists(st.floats(), max_size=20)


def within(value: Any, bound: Fraction, lower: bool, exclusive: bool) -> bool:
    """What a person with exact arithmetic would say."""
    if value is None:
        return True
    if isinstance(value, float) and not math.isfinite(value):
        return not math.isnan(value) and (value > 0) == lower
    exact = Fraction(value)
    if isinstance(value, float) and Fraction(repr(value)) == bound:
        exact = bound  # as people write the double
    if exact == bound:
        return not exclusive
    return (exact > bound) == lower


def as_written(bound: Any) -> Fraction:
    """A float of YAML means the decimal that was written: 0.1 is a tenth."""
    return Fraction(Decimal(repr(bound)) if isinstance(bound, float) else bound)


@pytest.mark.parametrize("kind", NUMBERS)
@settings(derandomize=True, max_examples=60, deadline=None)
@given(bound=BOUNDS, exclusive=st.booleans(), more=FLOATS)
@example(bound=0, exclusive=True, more=[-0.0])
@example(bound=2**53 + 1, exclusive=False, more=[2.0**53])
@example(bound=0.1, exclusive=False, more=[0.1, math.nextafter(0.1, 1), math.nextafter(0.1, 0)])
def test_numbers_compare_exactly(kind: str, bound: Any, exclusive: bool, more: list[float]) -> None:
    values = [None, *NASTY[kind], *(more if kind == "double" else [])]
    for name, lower in (("minimum", True), ("maximum", False)):
        found = holds(rule(name, value=bound, exclusive=exclusive), values, kind)
        expected = [within(v, as_written(bound), lower, exclusive) for v in values]
        assert found == expected, (name, list(zip(values, found, expected, strict=True)))


def test_a_double_that_is_written_as_the_bound_is_the_bound() -> None:
    for bound in (0.1, 0.3, -0.7, 1e23, 5e-324):
        values = [math.nextafter(bound, -math.inf), bound, math.nextafter(bound, math.inf)]
        assert holds(rule("minimum", value=bound), values, "double") == [False, True, True]
        assert holds(rule("maximum", value=bound), values, "double") == [True, True, False]
        strict = rule("maximum", value=bound, exclusive=True)
        assert holds(strict, values, "double") == [True, False, False]


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("bound", ["0001-01-01", "1970-01-01", "2004-01-31", "9999-12-31"])
def test_dates(bound: str, exclusive: bool) -> None:
    limit, values = dt.date.fromisoformat(bound), NASTY["date"]
    low = holds(rule("minimum", value=bound, exclusive=exclusive), values, "date")
    assert low == [v > limit or (v == limit and not exclusive) for v in values]
    high = holds(rule("maximum", value=bound, exclusive=exclusive), values, "date")
    assert high == [v < limit or (v == limit and not exclusive) for v in values]


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2004-01-31T12:00:00Z", "2004-01-31T12:00:00+00:00"),
        ("2004-01-31T14:00:00+02:00", "2004-01-31T12:00:00+00:00"),
        ("2004-01-31T12:00:00.000001", "2004-01-31T12:00:00.000001+00:00"),
        ("1970-01-01", "1970-01-01T00:00:00+00:00"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999+00:00"),
    ],
)
def test_instants_are_utc(text: str, means: str) -> None:
    limit, values = dt.datetime.fromisoformat(means), NASTY["timestamp"]
    low = holds(rule("minimum", value=text), values, "timestamp")
    assert low == [v >= limit for v in values]
    high = holds(rule("maximum", value=text, exclusive=True), values, "timestamp")
    assert high == [v < limit for v in values]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("long", "5"), ("long", True), ("double", math.nan), ("double", math.inf), ("long", None),
        ("date", 20040131), ("date", "2004-02-30"), ("date", "31.1.2004"),
        ("timestamp", "yesterday"), ("timestamp", 0), ("timestamp", "0001-01-01T00:00:00+02:00"),
    ],
)  # fmt: skip
def test_a_bound_of_another_type_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(ContractError, match=r"'c.minimum' of kind minimum: expected a"):
        holds(rule("minimum", value=value), [], kind)


@pytest.mark.parametrize("kind", ["string", "json", "boolean", "array<long>"])
def test_types_without_order_have_no_bounds(kind: str) -> None:
    with pytest.raises(ContractError, match=f"does not fit column 'c' of type {kind}"):
        holds(rule("maximum", value=1), [], kind)
