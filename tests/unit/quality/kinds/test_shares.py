"""Shares of a table's rows, against plain counting."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from headgate.core.errors import ContractError
from headgate.quality.table_rules import judge_table
from headgate.quality.verdict import RuleResult
from tests.unit.quality.judging import NASTY, contract, rule, table

POOL = (None, None, *NASTY["string"])
CASES: dict[str, tuple[str, dict[str, Any], Callable[[Any], bool]]] = {
    "null": ("null_share", {}, lambda v: v is None),
    "missing by itself": ("missing_share", {}, lambda v: v is None),
    "missing as listed": (
        "missing_share",
        {"missingValues": [None, "", "NULL"]},
        lambda v: v in (None, "", "NULL"),
    ),
    "missing but not null": (
        "missing_share",
        {"missingValues": ["", "a"]},
        lambda v: v in ("", "a"),
    ),
    "invalid values": (
        "invalid_share",
        {"validValues": ["a", "b", "'"]},
        lambda v: v not in (None, "a", "b", "'"),
    ),
    "invalid pattern": (
        "invalid_share",
        {"pattern": "^[a-z]+$"},
        lambda v: v is not None and not re.fullmatch("[a-z]+", v),
    ),
    "invalid by both": (
        "invalid_share",
        {"pattern": "^[a-z]$", "validValues": ["a", "aa"]},
        lambda v: v not in (None, "a"),
    ),
}


def judged(given: Any, values: list[Any], kind: str = "string") -> RuleResult:
    con = table({"c": kind}, [{"c": v} for v in values])
    (found,) = judge_table(con, contract({"c": kind}, given), "rows")
    return found


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_rows_are_counted_as_python_counts_them(name: str, seed: int) -> None:
    kind, arguments, bad = CASES[name]
    rng = random.Random(seed)
    values = [rng.choice(POOL) for _ in range(rng.choice([0, 1, 200]))]
    count = sum(map(bad, values))
    for unit, measured in (
        ("rows", Fraction(count)),
        ("percent", Fraction(100 * count, len(values) or 1)),
    ):
        for limit in (0, 1, 5, 10.5, 100):
            given = rule(
                kind, "c", "table", operator="mustBeLessThan", value=limit, unit=unit, **arguments
            )
            found = judged(given, values)
            assert found.breaches == count
            assert found.passed is (measured < Fraction(str(limit)))
            assert (found.observed or "").startswith(f"{count} of {len(values)} rows")


def test_percent_is_exact_and_none_of_nothing() -> None:
    third = [None, "a", "b"]
    given = {"operator": "mustBe", "unit": "percent"}
    assert judged(rule("null_share", "c", "table", value=0, **given), []).passed
    assert not judged(rule("null_share", "c", "table", value=33.3333333, **given), third).passed
    ten = [None] * 11 + ["a"] * 989
    assert judged(rule("null_share", "c", "table", value=1.1, **given), ten).passed
    assert judged(rule("null_share", "c", "table", value=1.1, **given), ten).observed == (
        "11 of 1000 rows (1.1%)"
    )


@pytest.mark.parametrize(
    ("kind", "arguments", "why"),
    [
        ("missing_share", {"missingValues": "N/A"}, "expected missingValues to be a list"),
        ("missing_share", {"missingValues": [1]}, "expected a text"),
        ("invalid_share", {}, "expected validValues or pattern"),
        ("invalid_share", {"validValues": []}, "expected validValues to be a list"),
        ("invalid_share", {"pattern": "(?=a)"}, "invalid perl operator"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(
    kind: str, arguments: dict[str, Any], why: str
) -> None:
    with pytest.raises(ContractError, match=why):
        judged(rule(kind, "c", "table", operator="mustBe", value=0, unit="rows", **arguments), [])
