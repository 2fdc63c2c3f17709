"""Every kind of rule over every type that takes it: the same rows break it, and tables for the same."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from headgate.contracts.model import Contract
from headgate.lake.engines.spark.connection import SparkConnection
from headgate.quality.examples import load_rows
from headgate.quality.kinds import REGISTRY
from headgate.quality.predicates import compile_row_rules
from headgate.quality.table_rules import judge_table
from headgate.quality.verdict import NO_ANSWER, RuleResult
from tests.conformance.spark.both import Both
from tests.conformance.spark.pairs import COLUMNS, row_rules, rows, table_rules, values
from tests.unit.quality.judging import contract, rule


@pytest.fixture(scope="module")
def both(engine: SparkConnection) -> Both:
    return Both(engine, COLUMNS, rows(1), "typed")


def parents(both: Both, made: Contract) -> Mapping[str, str]:
    """The keys of each foreign key, some of the values that there are, on both engines."""
    rng, found = random.Random(2), {}
    for given in made.row_rules:
        if given.kind != "foreign_key":
            continue
        columns = [str(c) for c in given.arguments["columns"]]
        name = f"parent_{len(found)}"
        keys = {f"k{at}": COLUMNS[c] for at, c in enumerate(columns)}
        some = zip(*(rng.choices(values(k, rng), k=5) for k in keys.values()), strict=True)
        load_rows(both.duck, name, keys, [dict(zip(keys, row, strict=True)) for row in some])
        both.spark.register(name, both.duck.sql(f"FROM {name}").to_arrow_table())
        found[given.id] = name
    return found


def test_the_same_rows_break_every_rule_of_a_row(both: Both) -> None:
    made = row_rules()
    compiled = compile_row_rules(made, parents=parents(both, made))
    by_sql = {r.holds: r.rule for r in compiled}
    assert told_apart(both, by_sql) > 150
    found = both.differences(list(by_sql))
    assert {by_sql[sql].id: (by_sql[sql].arguments, told) for sql, told in found.items()} == {}


def told_apart(both: Both, conditions: Iterable[str]) -> int:
    """How many of the conditions some rows break, and others hold."""
    asked = ", ".join(f"count(DISTINCT ({c}))" for c in conditions)
    return sum(n == 2 for n in both.duck.execute(f"SELECT {asked} FROM {both.name}").fetchall()[0])


def test_tables_are_judged_alike_by_every_rule(both: Both) -> None:
    made = table_rules()
    assert {r.kind for r in made.table_rules} >= {
        "unique",
        "duplicate_count",
        "missing_share",
        "sql",
    }
    ours = judge_table(both.duck, made, both.name)
    theirs = judge_table(both.spark, made, both.name)  # type: ignore[arg-type]
    told = {r.rule_id: seen(r) for r in ours}
    differing = {
        r.rule_id: (told[r.rule_id], seen(r), r.detail)
        for r in theirs
        if told[r.rule_id] != seen(r)
    }
    assert differing == {}


def seen(result: RuleResult) -> tuple[Any, ...]:
    """What a verdict says, without an engine's own words of why it has no answer."""
    observed = result.observed or ""
    told = NO_ANSWER if observed.startswith(NO_ANSWER) else observed
    return result.passed, result.breaches, told


def test_every_kind_that_asks_an_engine_is_here() -> None:
    here = {r.kind for r in (*row_rules().row_rules, *table_rules().table_rules)}
    # These say nothing of a column's type.
    assert set(REGISTRY) - here == {
        "predicate",
        "row_count",
        "great_expectations",
        "min_properties",
        "latest",
    }


def test_great_expectations_is_given_the_same_rows(both: Both) -> None:
    asked = [
        ("expect_column_values_to_not_be_null", {}),
        ("expect_column_unique_value_count_to_be_between", {"max_value": 5}),
    ]
    scalar = [name for name, kind in COLUMNS.items() if not kind.startswith("array")]
    made = contract(
        COLUMNS,
        *(
            dataclasses.replace(
                rule(
                    "great_expectations", None, "table", type=said, kwargs={"column": name, **more}
                ),
                id=f"{name}.{said}",
            )
            for said, more in asked
            for name in scalar
        ),
    )
    ours = judge_table(both.duck, made, both.name)
    theirs = judge_table(both.spark, made, both.name)  # type: ignore[arg-type]
    assert not [r.observed for r in ours if (r.observed or "").startswith(NO_ANSWER)]
    assert ours == theirs
