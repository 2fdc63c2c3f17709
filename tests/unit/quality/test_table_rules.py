"""All table rules together, and row rules that only warn."""

from __future__ import annotations

import dataclasses
import random

import duckdb

from headgate.quality.table_rules import compile_table_rules, judge_table, judge_warn_rows
from tests.unit.quality.judging import contract, rule, table

COLUMNS = {"a": "string", "b": "long"}
LESS = {"operator": "mustBeLessThan", "unit": "rows"}
RULES = (
    rule("row_count", None, "table", operator="mustBeGreaterThan", value=0, unit="rows"),
    rule("unique", "b", "table", columns=["b"]),
    rule("null_share", "a", "table", value=3, **LESS),
    rule("sql", None, "table", query="SELECT max(b) FROM {table}", operator="mustBe", value=9),
    rule("invalid_share", "a", "table", value=1, validValues=["x"], **LESS),
)
ROWS = [{"a": "x", "b": 9}, {"a": None, "b": 1}, {"a": "y", "b": 1}]


def test_results_come_in_the_contracts_order() -> None:
    found = judge_table(table(COLUMNS, ROWS), contract(COLUMNS, *RULES), "rows")
    assert [(r.rule_id, r.passed, r.breaches) for r in found] == [
        ("row_count", True, 0),
        ("b.unique", False, 2),
        ("a.null_share", True, 1),
        ("sql", True, 0),
        ("a.invalid_share", False, 1),
    ]
    assert {r.scope for r in found} == {"table"}
    assert {r.severity for r in found} == {"fail"}
    assert [r.column for r in found] == [None, "b", "a", None, "a"]


def test_all_counts_take_one_scan() -> None:
    asked: list[str] = []

    class Listening:
        def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
            self.con = con

        def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
            asked.append(sql)
            return self.con.execute(sql)

    con = Listening(table(COLUMNS, ROWS))
    made = contract(COLUMNS, RULES[0], RULES[2], RULES[4])
    judge_table(con, made, "rows")  # type: ignore[arg-type]
    assert len(asked) == 1


def test_a_relation_may_be_any_that_stands_in_a_from() -> None:
    con = table(COLUMNS, ROWS)
    for relation in ("rows", "(SELECT * FROM rows)", '"rows"', "(FROM rows) AS r"):
        found = judge_table(con, contract(COLUMNS, *RULES), relation)
        assert [r.breaches for r in found] == [0, 2, 1, 0, 1], relation


def test_no_rules_ask_nothing() -> None:
    con = duckdb.connect()
    con.close()
    assert judge_table(con, contract(COLUMNS), "nothing") == ()
    assert judge_warn_rows(con, contract(COLUMNS, rule("required", "a")), "nothing", {}) == ()
    assert compile_table_rules(contract(COLUMNS)) == ()


def test_rules_that_warn_count_the_rows_that_break_them() -> None:
    rng = random.Random(3)
    rows = [{"a": rng.choice(["x", "yy", None]), "b": rng.choice([None, 1, 5])} for _ in range(99)]
    key = rule("foreign_key", "b", columns=["b"], parent="silver.test.p", parent_columns=["b"],
               missing="warn")  # fmt: skip
    rules = [
        dataclasses.replace(r, severity="warn")
        for r in (rule("required", "a"), rule("max_length", "a", value=1), key,
                  rule("predicate", None, sql="CAST(a AS INTEGER) > b"))
    ]  # fmt: skip
    made = contract(COLUMNS, *rules, rule("required", "b"))
    con = table(COLUMNS, rows)
    found = judge_warn_rows(con, made, "rows", {key.id: "(SELECT 5 AS k0)"})
    expected = [
        sum(r["a"] is None for r in rows),
        sum(r["a"] == "yy" for r in rows),
        sum(r["b"] == 1 for r in rows),
        sum(r["a"] is not None for r in rows),
    ]
    assert [r.breaches for r in found] == expected
    assert [r.rule_id for r in found] == [r.id for r in rules]
    assert all(not r.passed and r.severity == "warn" and r.scope == "row" for r in found)
    assert found[0].observed == f"{expected[0]} of 99 rows"
