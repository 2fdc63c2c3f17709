"""Every kind of rule breaks the same rows with the same reasons on both engines."""

from __future__ import annotations

from typing import Any

import pytest

from headgate.lake.engines.spark.connection import SparkConnection
from headgate.quality.kinds import REGISTRY
from headgate.quality.predicates import compile_row_rules, judged_sql
from headgate.quality.table_rules import count_breaches, judge_table
from tests.conformance.cases import CASES, PARENTS
from tests.conformance.rows import COLUMNS, rows
from tests.conformance.spark.both import Both
from tests.unit.quality.judging import contract

MADE = contract(COLUMNS, *(case.rule for case in CASES))
KEYS = {r.id: "(SELECT name AS k0 FROM kinds)" for r in MADE.row_rules}
RULES = compile_row_rules(MADE, parents=KEYS)


@pytest.fixture(scope="module")
def parents(engine: SparkConnection) -> list[dict[str, Any]]:
    """What the parent of the foreign key has, in a relation ``kinds``."""
    import pyarrow as pa

    found = [{"name": p} for p in PARENTS]
    engine.register("kinds", pa.Table.from_pylist(found))
    return found


def given(engine: SparkConnection, parents: list[dict[str, Any]], seed: int) -> Both:
    both = Both(engine, COLUMNS, rows(seed, 200), f"rows_{seed}")
    both.duck.execute("CREATE TABLE kinds (name VARCHAR)")
    both.duck.executemany("INSERT INTO kinds VALUES (?)", [[p["name"]] for p in parents])
    return both


def test_every_kind_is_judged() -> None:
    assert {case.rule.kind for case in CASES} == set(REGISTRY) - {"great_expectations"}


@pytest.mark.parametrize("seed", [0, 1, pytest.param(2, marks=pytest.mark.long)])
def test_the_same_rows_break_the_same_rules(
    engine: SparkConnection, parents: list[dict[str, Any]], seed: int
) -> None:
    both = given(engine, parents, seed)
    query = f"SELECT _row, _why FROM ({judged_sql(RULES, both.name)}) ORDER BY _row"
    ours, theirs = both.duck.execute(query).fetchall(), both.spark.execute(query).fetchall()
    assert sum(len(why) for _, why in ours) > 500
    assert ours == theirs


@pytest.mark.parametrize("seed", [3, pytest.param(4, marks=pytest.mark.long)])
def test_counts_and_table_rules_are_the_same(
    engine: SparkConnection, parents: list[dict[str, Any]], seed: int
) -> None:
    both = given(engine, parents, seed)
    assert count_breaches(both.duck, RULES, both.name) == count_breaches(
        engine,  # type: ignore[arg-type]
        RULES,
        both.name,
    )
    ours = judge_table(both.duck, MADE, both.name)
    theirs = judge_table(engine, MADE, both.name)  # type: ignore[arg-type]
    assert ours == theirs
    assert len(ours) > 15


def test_a_rule_can_be_had_in_the_words_of_spark(engine: SparkConnection) -> None:
    from tests.unit.quality.judging import rule

    made = contract(
        COLUMNS, rule("pattern", "line", value="^[a-z]+$"), rule("max_length", "line", value=2)
    )
    both = Both(engine, COLUMNS, rows(9, 200), "worded")
    for ours, theirs in zip(
        compile_row_rules(made), compile_row_rules(made, dialect="spark"), strict=True
    ):
        asked = both.duck.execute(f"SELECT _row FROM worded WHERE {ours.holds}").fetchall()
        found = engine.session.sql(f"SELECT _row FROM worded WHERE {theirs.holds}").collect()
        assert sorted(r[0] for r in asked) == sorted(r[0] for r in found)
