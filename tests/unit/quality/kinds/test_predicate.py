"""Conditions that contracts write: what they mean for a row, and what is refused beforehand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from headgate.core.errors import ContractError
from headgate.quality.examples import broken_rules
from headgate.quality.predicates import compile_row_rules
from tests.unit.quality.judging import NASTY, PLACE, contract, rule

COLUMNS = {
    "id": "long", "n": "long", "x": "double", "text": "string", "type": "string", "day": "date",
    "seen": "timestamp", "flag": "boolean", "list": "array<long>", "odd name": "long", "doc": "json",
    "Mixed": "string",
}  # fmt: skip


def held(sql: str, *rows: dict[str, Any]) -> list[bool]:
    made = contract(COLUMNS, rule("predicate", None, sql=sql))
    full = [dict.fromkeys(COLUMNS) | row for row in rows]
    return [not broken for broken in broken_rules(made, compile_row_rules(made), full)]


def refused(sql: Any) -> str:
    made = contract(COLUMNS, rule("predicate", None, sql=sql))
    with pytest.raises(ContractError) as caught:
        compile_row_rules(made)
    assert caught.value.place == PLACE
    assert "'predicate'" in caught.value.message
    return caught.value.message


def test_a_condition_that_is_null_holds() -> None:
    assert held("n > 3", {"n": 4}, {"n": 3}, {"n": None}) == [True, False, True]
    assert held("n > 3 AND flag", {"n": None, "flag": False}, {"n": None, "flag": True}) == [
        False,
        True,
    ]


def test_an_error_breaks_its_row_alone() -> None:
    texts = ["1", "x", None, "5", "", "-1", "99999999999999999999"]
    rows = [{"text": t} for t in texts]
    assert held("CAST(text AS INTEGER) > 0", *rows) == [
        True, False, True, True, False, False, False,
    ]  # fmt: skip
    assert held("n * id >= 0", {"n": 2, "id": 1}, {"n": 2, "id": 2**63 - 1}) == [True, False]
    many = [{"text": "x" if i % 100 == 7 else str(i + 1)} for i in range(5000)]
    assert held("CAST(text AS INTEGER) > 0", *many) == [i % 100 != 7 for i in range(5000)]


def test_each_column_is_judged_as_it_is_stored() -> None:
    rows = [{"x": v} for v in NASTY["double"]]
    # The engine sorts NaN above everything, as Spark does.
    assert held("x > 1", *rows) == [math.isnan(r["x"]) or r["x"] > 1 for r in rows]
    row = {
        "id": 1, "n": 2, "text": "ab", "list": [1, 2], "odd name": 3, "flag": True,
        "doc": '{"a": 1}', "Mixed": "y",
    }  # fmt: skip
    for sql in (
        "length(text) = n", "list_max(list) = n AND len(list) = 2", '"odd name" = 3', "TYPE IS NULL",
        "list_filter(list, lambda v: v > 1) = [2]", "len([v FOR v IN list IF v > n]) = 0",
        "mixed = 'y'", "doc->>'$.a' = '1'", "n IN (1, 2, 3)", "n BETWEEN id AND \"odd name\"",
        "CASE WHEN flag THEN n = 2 ELSE n = 3 END", "text LIKE 'a%' -- a remark",
        "/* a remark */ flag", "regexp_matches(text, '^[a-z]{2}$')", "flag = (n IS NOT NULL)",
        "((n))  = 2", "list[1] = 1", "text = 'a' || 'b'", "day IS NULL OR day <= CAST(seen AS DATE)",
    ):  # fmt: skip
        assert held(sql, row) == [True], sql
        assert held(f"NOT ({sql}\n)", row) == [False], sql


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("nothing > 1", "there is no column 'nothing'"),
        ("t.n > 1", "columns are named without a table"),
        ("n IN (SELECT 1)", "cannot contain a subquery"),
        ("EXISTS (SELECT 1)", "cannot contain a subquery"),
        ("SELECT n > 1", "not one condition"),
        ("n > 1; n > 2", "not one condition"),
        ("n > 1 AS c", "not one condition"),
        ("", "not one condition"),
        ("DROP TABLE x", "not one condition"),
        ("n >", "this is not SQL"),
        ("n > 1)", "this is not SQL"),
        ("n > 1) OR (TRUE", "this is not SQL"),
        ("count(*) > 1", "cannot contain a star"),
        ("max(n) > 1", "the engine does not take it"),
        ("row_number() OVER () > 1", "cannot contain a window function"),
        ("COLUMNS(*) > 1", "cannot contain a star"),
        ("n > ?", "cannot contain a parameter"),
        ("n > $x", "cannot contain a parameter"),
        ("unnest(list) > 1", "the engine does not take it"),
        ("seen <= now()", "now does not always give the same answer"),
        ("seen <= current_timestamp", "does not always give the same answer"),
        ("day <= current_date", "does not always give the same answer"),
        ("day <= today()", "does not always give the same answer"),
        ("random() > 0.5", "random does not always give the same answer"),
        ("text <> uuid()::VARCHAR", "uuid does not always give the same answer"),
        ("text = current_setting('TimeZone')", "does not always give the same answer"),
        ("getvariable('x') = 1", "does not always give the same answer"),
        ("n", "it gives BIGINT, no condition"),
        ("text", "it gives VARCHAR, no condition"),
        ("length(list, 5) > 1", "the engine does not take it"),
        ("no_such_function(n)", "the engine does not take it"),
        ("regexp_matches(text, '(?=a)')", "the engine does not take it"),
        (None, "must be SQL text"),
    ],
)
def test_what_is_no_condition_over_a_row_is_refused(sql: Any, why: str) -> None:
    assert why in refused(sql)


def test_the_columns_that_ingest_adds_may_be_asked() -> None:
    import dataclasses

    from headgate.contracts.model import SourceSpec

    made = contract({"seen": "timestamp"}, rule("predicate", None, sql="seen <= _ingested_at"))
    with pytest.raises(ContractError, match="no column '_ingested_at'"):
        compile_row_rules(made)
    compile_row_rules(dataclasses.replace(made, source=SourceSpec("jsonl")))


def test_an_error_that_two_rules_share_breaks_its_row_alone() -> None:
    # The engine would take the cast out of both, and out of what guards it.
    above = rule("predicate", None, sql="CAST(text AS INTEGER) > 1")
    below = rule("predicate", None, sql="CAST(text AS INTEGER) < 5")
    made = contract(COLUMNS, above, below)
    rows = [dict.fromkeys(COLUMNS) | {"text": text} for text in ("3", "x", "7")]
    found = broken_rules(made, compile_row_rules(made), rows)
    assert [len(broken) for broken in found] == [0, 2, 1]
