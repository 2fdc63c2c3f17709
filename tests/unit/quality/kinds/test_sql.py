"""Queries that contracts write."""

from __future__ import annotations

from typing import Any

import pytest

from headgate.core.errors import ContractError
from headgate.quality.table_rules import judge_table
from headgate.quality.verdict import RuleResult
from tests.unit.quality.judging import PLACE, contract, rule, table

COLUMNS = {"k": "string", "n": "long"}
ROWS = [{"k": "a", "n": 1}, {"k": "a", "n": 2}, {"k": "b", "n": None}]


def judged(
    query: Any, operator: str = "mustBe", value: Any = 0, column: str | None = None
) -> RuleResult:
    given = rule("sql", column, "table", query=query, operator=operator, value=value, unit="rows")
    (found,) = judge_table(table(COLUMNS, ROWS), contract(COLUMNS, given), "rows")
    return found


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("SELECT count(*) FROM {table}", "3"),
        ("SELECT count(*) FROM {object};", "3"),
        ("SELECT count(*) FROM ${table} WHERE n IS NOT NULL", "2"),
        ("SELECT count(*) FROM ${object} AS t JOIN {table} AS u ON t.k = u.k", "5"),
        ("SELECT max({table}.n) FROM {table}", "2"),
        ("WITH pairs AS (SELECT k FROM {table} GROUP BY k) SELECT count(*) FROM pairs", "2"),
        (
            "SELECT count(*) FROM (SELECT k FROM {table} GROUP BY k HAVING count(*) > 1) -- twice",
            "1",
        ),
        ("SELECT avg(n) FROM {table}", "1.5"),
        ("SELECT sum(n)::DECIMAL(9,2) FROM {table}", "3"),
        ("SELECT count(*) = 3 FROM {table}", "1"),
        ("(SELECT 1 FROM {table} LIMIT 1)", "1"),
        ("SELECT count(*) FROM {table} WHERE k = 'headgate'", "0"),
    ],
)
def test_one_number_is_asked_for(query: str, number: str) -> None:
    assert judged(query).observed == number
    assert judged(query, "mustBe", float(number)).passed
    assert not judged(query, "mustNotBe", float(number)).passed


def test_the_column_may_be_named_by_its_place() -> None:
    for name in ("{property}", "${property}", "{column}", "${column}"):
        query = f"SELECT count(*) FROM {{table}} WHERE {name} IS NULL"
        assert judged(query, "mustBe", 1, column="n").passed
    with pytest.raises(ContractError, match="stands for a column"):
        judged("SELECT max({property}) FROM {table}")


@pytest.mark.parametrize(
    ("operator", "value", "passes"),
    [
        ("mustBe", 3, True), ("mustBe", 3.0, True), ("mustBe", 2, False), ("mustNotBe", 2, True),
        ("mustBeGreaterThan", 3, False), ("mustBeGreaterOrEqualTo", 3, True),
        ("mustBeLessThan", 3, False), ("mustBeLessOrEqualTo", 3, True), ("mustBeLessThan", 3.1, True),
        ("mustBeBetween", [3, 5], True), ("mustBeBetween", [1, 3], True), ("mustBeBetween", [4, 5], False),
        ("mustNotBeBetween", [3, 5], False), ("mustNotBeBetween", [4, 5], True),
    ],
)  # fmt: skip
def test_numbers_compare(operator: str, value: Any, passes: bool) -> None:
    found = judged("SELECT count(*) FROM {table}", operator, value)
    assert (found.passed, found.breaches) == (passes, int(not passes))


def test_an_answer_may_be_true_or_false() -> None:
    assert judged("SELECT bool_and(n > 0) FROM {table}", "mustBe", True).passed
    assert not judged("SELECT bool_and(n > 1) FROM {table}", "mustBe", True).passed


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT nothing FROM {table}", "nothing"),
        ("SELECT CAST(k AS INTEGER) FROM {table}", "Could not convert"),
        ("SELECT max(n) FROM {table} WHERE k = 'b'", "gives None, which is no number"),
        ("SELECT max(k) FROM {table}", "gives 'b', which is no number"),
        ("SELECT n FROM {table}", "gives 2 rows, not one number"),
        ("SELECT n FROM {table} WHERE FALSE", "gives 0 rows, not one number"),
        ("SELECT count(*), max(n) FROM {table}", "not one number"),
        ("SELECT 'nan'::DOUBLE FROM {table} LIMIT 1", "gives nan, which is no number"),
        ("SELECT 'inf'::DOUBLE FROM {table} LIMIT 1", "gives inf, which is no number"),
    ],
)
def test_a_query_without_an_answer_breaks_its_rule(query: str, why: str) -> None:
    found = judged(query)
    assert (found.passed, found.breaches) == (False, 1)
    assert found.observed == f"no answer: {found.detail}"
    assert why in found.detail


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("DELETE FROM {table}", "not one SELECT"),
        ("SELECT 1 FROM {table}; SELECT 2", "not one SELECT"),
        ("COPY {table} TO '/tmp/x'", "not one SELECT"),
        ("SELECT", "the engine does not take it"),
        ("SELECT count(*) FROM {table} WHERE (", "this is not SQL"),
        ("SELECT count(*) FROM other", "may read only {table}"),
        ("SELECT count(*) FROM main.headgate_candidate", "may read only {table}"),
        ("SELECT count(*) FROM '/etc/passwd'", "may read only {table}"),
        ("SELECT count(*) FROM read_csv('/etc/passwd')", "may read only {table}"),
        ("SELECT count(*) FROM {table} WHERE k IN (SELECT k FROM other)", "may read only {table}"),
        ("SELECT count(*) FROM {table} WHERE now() > '2004-01-01'", "always give the same answer"),
        ("SELECT random() FROM {table}", "always give the same answer"),
        (7, "must be SQL text"),
    ],
)
def test_what_is_not_one_select_over_the_table_is_refused(query: Any, why: str) -> None:
    with pytest.raises(ContractError) as caught:
        judged(query)
    assert why in caught.value.message
    assert caught.value.place == PLACE


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("mustBe", "three"),
        ("mustBeBetween", 3),
        ("mustBeBetween", [1]),
        ("equals", 3),
        ("mustBe", None),
    ],
)
def test_a_comparison_with_no_number_is_refused(operator: str, value: Any) -> None:
    with pytest.raises(ContractError):
        judged("SELECT 1 FROM {table}", operator, value)
