"""Custom expectations run in Great Expectations itself, and what is wrong with one is told early."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

from headgate.contracts import gx
from headgate.contracts.model import Rule
from headgate.core.errors import ContractError, UsageError
from headgate.quality import gx_library
from headgate.quality.gx_results import validation_result
from headgate.quality.table_rules import compile_table_rules, judge_table
from headgate.quality.verdict import RuleResult, Verdict
from tests.unit.quality.judging import contract, rule, table

# The library takes seconds to import: one worker does all that needs it.
pytestmark = pytest.mark.xdist_group("gx")

COLUMNS = {
    "id": "string", "n": "long", "x": "double", "money": "decimal(20,4)", "day": "date",
    "at": "timestamp", "flag": "boolean",
}  # fmt: skip
NOON = dt.datetime(2004, 1, 31, 12, tzinfo=dt.UTC)
ROWS: list[dict[str, Any]] = [
    {
        "id": f"k{i}",
        "n": None if i == 3 else 2**53 + i,
        "x": [0.5, None, math.nan, 2.0][i % 4],
        "money": Decimal(i) / 4,
        "day": dt.date(2004, 1, 1 + i),
        "at": NOON + dt.timedelta(hours=i),
        "flag": i % 2 == 0,
    }
    for i in range(8)
]


def asks(name: str, **kwargs: Any) -> Rule:
    return rule("great_expectations", None, "table", type=name, kwargs=kwargs)


def judged(given: Rule, **more: Any) -> RuleResult:
    made = contract(COLUMNS, given)
    (found,) = judge_table(table(COLUMNS, ROWS), made, "rows", **more)
    return found


@pytest.mark.parametrize(
    ("given", "passed", "breaches", "observed"),
    [
        (asks("expect_column_max_to_be_between", column="n", max_value=2**53 + 7), True, 0, None),
        (
            asks("ExpectColumnMaxToBeBetween", column="n", max_value=2**53 + 6), False, 1,
            "9007199254740999",
        ),
        (asks("expect_column_values_to_be_null", column="n"), False, 7, "7 of 8 rows"),
        (asks("expect_column_values_to_not_be_null", column="x"), False, 2, "2 of 8 rows"),
        (asks("expect_column_sum_to_be_between", column="money", max_value=6.9), False, 1, "7.0"),
        (asks("expect_column_values_to_be_between", column="day", min_value="2004-01-03"),
         False, 2, "2 of 8 rows, such as 2004-01-01, 2004-01-02"),
        (asks("expect_column_values_to_be_between", column="at", min_value="2004-01-31T13:00:00Z"),
         False, 1, "1 of 8 rows"),
        (asks("expect_column_values_to_be_between", column="n", min_value=2**53 + 2, mostly=0.7),
         True, 2, "2 of 8 rows"),
        (asks("expect_column_pair_values_a_to_be_greater_than_b", column_A="n", column_B="money",
              ignore_row_if="either_value_is_missing"), True, 0, None),
        (asks("expect_table_column_count_to_equal", value=7), True, 0, "7"),
    ],
    ids=lambda v: str(v.arguments["type"]) if isinstance(v, Rule) else "",
)  # fmt: skip
def test_great_expectations_judges(
    given: Rule, passed: bool, breaches: int, observed: str | None
) -> None:
    found = judged(given)
    assert (found.passed, found.breaches, found.detail) == (passed, breaches, "")
    if observed:
        assert (found.observed or "").startswith(observed), found.observed


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (asks("expect_miracles", column="n"), "no expectation 'expect_miracles'"),
        (asks("expect_column_max_to_be_between", column="n", most=1), "most: extra fields"),
        (asks("expect_column_max_to_be_between", max_value=1), "column: field required"),
        (asks("expect_column_max_to_be_between", column="m", max_value=1), "no column 'm'"),
        (
            asks("expect_compound_columns_to_be_unique", column_list=["n", "gone"]),
            "no column 'gone'",
        ),
        (asks("unexpected_rows_expectation", unexpected_rows_query="x {batch}"), "type sql"),
        (
            dataclasses.replace(asks("a"), arguments={"type": 1}),
            "a type (the expectation's name) and kwargs",
        ),
    ],
)
def test_what_it_cannot_judge_is_told_before_any_data(given: Rule, told: str) -> None:
    with pytest.raises(ContractError) as error:
        compile_table_rules(contract(COLUMNS, given))
    assert told in str(error.value)
    assert error.value.place == given.place


def test_an_exception_breaks_the_rule_and_is_told() -> None:
    found = judged(asks("expect_column_mean_to_be_between", column="id", max_value=1))
    assert not found.passed and found.breaches == 1
    assert found.detail and found.detail in (found.observed or "")


def test_a_table_beyond_the_limit_is_not_loaded() -> None:
    given = asks("expect_column_max_to_be_between", column="n", min_value=0)
    assert judged(given, own_rows=8).passed
    found = judged(given, own_rows=7)
    assert not found.passed
    assert "8 rows" in found.detail and "gx_max_rows" in found.detail


def test_personal_values_are_not_told() -> None:
    given = asks("expect_column_values_to_be_in_set", column="id", value_set=["k0"])
    made = contract(COLUMNS, given)
    (open_to_all,) = judge_table(table(COLUMNS, ROWS), made, "rows")
    assert "k1" in (open_to_all.observed or "")
    private = dataclasses.replace(made.columns[0], personal=True)
    made = dataclasses.replace(made, columns=(private, *made.columns[1:]))
    (found,) = judge_table(table(COLUMNS, ROWS), made, "rows")
    assert found.observed == "7 of 8 rows"


def test_the_suite_and_the_result_hold_the_expectation_as_it_is() -> None:
    given = asks("ExpectColumnMaxToBeBetween", column="n", max_value=5)
    made = contract(COLUMNS, given)
    (config,) = gx.suite(made)["expectations"]
    assert config["type"] == "expect_column_max_to_be_between"
    assert config["kwargs"] == {"column": "n", "max_value": 5}
    verdict = Verdict(made.id, "b", "refused", (judged(given),))
    (entry,) = validation_result(made, verdict, 8)["results"]
    assert entry["result"] == {"observed_value": 9007199254740999}


def test_without_the_library_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    gx_library.library.cache_clear()
    monkeypatch.setitem(sys.modules, "great_expectations", None)
    with pytest.raises(UsageError, match=r"pip install 'headgate\[gx\]'"):
        gx_library.library()
    gx_library.library.cache_clear()


def test_the_registry_alone_does_not_import_it() -> None:
    code = (
        "import sys\nfrom headgate.quality.kinds import REGISTRY\n"
        "assert 'great_expectations' in REGISTRY\n"
        "sys.exit('great_expectations' in sys.modules or 'pandas' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
