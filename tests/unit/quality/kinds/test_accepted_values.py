"""Closed lists, against Python's own equality."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from typing import Any

import pytest

from headgate.core.errors import ContractError
from tests.unit.quality.judging import NASTY, holds, rule

WRITTEN = {"date": lambda v: v.isoformat(), "timestamp": lambda v: v.isoformat()}


@pytest.mark.parametrize("kind", sorted(NASTY))
@pytest.mark.parametrize("seed", range(5))
def test_a_list_takes_its_members_only(kind: str, seed: int) -> None:
    rng = random.Random(seed)
    finite = [v for v in NASTY[kind] if not isinstance(v, float) or math.isfinite(v)]
    listed = rng.sample(finite, rng.randint(1, len(finite)))
    written = [WRITTEN.get(kind, lambda v: v)(v) for v in listed]
    values = [None, *NASTY[kind]]
    found = holds(rule("accepted_values", values=written), values, kind)
    assert found == [v is None or v in listed for v in values]


def test_case_and_composition_matter() -> None:
    values = ["a", "A", "é", "e\u0301", "a "]
    assert holds(rule("accepted_values", values=["a", "é"]), values) == [
        True, False, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("string", [1]), ("string", [None]), ("string", [True]), ("long", ["1"]), ("long", [1.5]),
        ("long", [2**63]), ("boolean", [1]), ("boolean", ["true"]), ("double", [math.nan]),
        ("decimal(5,2)", [0.001]), ("decimal(5,2)", [1000]), ("date", ["2004-1-1"]),
        ("string", []), ("string", "abc"),
    ],
)  # fmt: skip
def test_values_that_the_type_cannot_have_are_refused(kind: str, values: Any) -> None:
    with pytest.raises(
        ContractError, match=r"'c.accepted_values' of kind accepted_values: expected"
    ):
        holds(rule("accepted_values", values=values), [], kind)


def test_decimals_are_taken_as_written() -> None:
    values = [Decimal("0.10"), Decimal("0.11")]
    assert holds(rule("accepted_values", values=[0.1]), values, "decimal(5,2)") == [True, False]


def test_lists_are_not_listed() -> None:
    with pytest.raises(ContractError, match="does not fit column 'c' of type array<long>"):
        holds(rule("accepted_values", values=[[1]]), [], "array<long>")
