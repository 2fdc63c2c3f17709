"""Great Expectations' own engines and plain Python say what the gate says, of every kind of rule."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from headgate.contracts import gx
from headgate.contracts.model import Contract
from headgate.quality import gx_suites
from headgate.quality.kinds import REGISTRY
from headgate.quality.predicates import compile_row_rules
from headgate.quality.table_rules import count_breaches, judge_table
from headgate.quality.verdict import RuleResult
from tests.conformance.cases import CASES, PARENTS, Case, Row
from tests.conformance.judges import Judges
from tests.conformance.rows import COLUMNS, rows
from tests.unit.quality.judging import contract, rule, table

# The library takes seconds to import: one worker judges it all.
pytestmark = pytest.mark.xdist_group("gx")
SEEDS = range(6)
MADE = contract(COLUMNS, *(case.rule for case in CASES))
SUITE = gx_suites.suite(MADE)["expectations"]
MADE_RULES = {case.id: case.rule for case in CASES}
#: What the pandas engine judges, and what is asked by a query, by rule id.
SPOKEN = {e["meta"]["headgate"]["rule"]: e for e in SUITE if e["type"] != gx.QUERY}
ASKED = {e["meta"]["headgate"]["rule"]: e for e in SUITE if e["type"] == gx.QUERY}
#: Kinds that the vocabulary can say, but for these rules, and why they are queries instead.
NOT_SPOKEN = {
    "whole.huge": "a number that no double holds",
    "whole.odd": "a number that no double holds",
    "real.odd": "a number that no double holds",
    "price.minimum": "decimals are exact, and the pandas engine compares doubles",
    "exact.maximum": "decimals are exact, and the pandas engine compares doubles",
    "price.accepted_values": "decimals are exact, and the pandas engine compares doubles",
    "day.accepted_values": "a day of the suite is a text, which no day equals there",
    "line.folded": "flags of a pattern mean something else to each engine",
    "table.most": "a number of duplicates other than none",
    "table.not": "a comparison that is no range",
    "day.rows": "a number of NULL rows, not their share",
}


def ours(made: Contract, data: list[Row]) -> tuple[Any, Mapping[str, RuleResult]]:
    """The gate's results by rule id, and the connection that has the rows in ``batch``."""
    con = table(COLUMNS, data, "batch")
    con.execute("CREATE SCHEMA silver_test")
    con.execute("CREATE TABLE silver_test.kinds (name VARCHAR)")
    con.executemany("INSERT INTO silver_test.kinds VALUES (?)", [[p] for p in PARENTS])
    keys = {r.id: "(SELECT name AS k0 FROM silver_test.kinds)" for r in made.row_rules}
    found = [
        *count_breaches(con, compile_row_rules(made, parents=keys), "batch"),
        *judge_table(con, made, "batch"),
    ]
    return con, {r.rule_id: r for r in found}


@pytest.fixture(scope="module")
def judges() -> Judges:
    return Judges()


def test_every_kind_of_rule_has_a_case() -> None:
    own = {gx.OWN}  # is Great Expectations itself
    assert {case.rule.kind for case in CASES} == set(REGISTRY) - own
    ids = [case.id for case in CASES]
    assert len(ids) == len(set(ids))


def test_what_the_vocabulary_can_say_is_said_but_for_named_exceptions() -> None:
    sayable = {name for name, kind in REGISTRY.items() if kind.expectation != gx.QUERY}
    queried = {name for name in ASKED if MADE_RULES[name].kind in sayable}
    assert queried == set(NOT_SPOKEN)
    assert len(SPOKEN) >= 30


@pytest.mark.parametrize("seed", SEEDS)
def test_great_expectations_pandas_engine_counts_the_same(judges: Judges, seed: int) -> None:
    data = rows(seed)
    _, mine = ours(MADE, data)
    theirs = judges.pandas(list(SPOKEN.values()), COLUMNS, data)
    assert set(theirs) == set(SPOKEN)
    differing = {}
    for name, found in theirs.items():
        assert not found.exception, (name, found.exception)
        counts = found.unexpected is None or found.unexpected == mine[name].breaches
        if not counts or found.success is not mine[name].passed:
            differing[name] = (found, mine[name])
    assert not differing
    shares = {n: f.observed for n, f in theirs.items() if MADE_RULES[n].kind == "null_share"}
    for name, observed in shares.items():
        assert observed == pytest.approx(1 - mine[name].breaches / len(data))


@pytest.mark.parametrize("seed", SEEDS)
def test_queries_find_what_the_gate_counts(seed: int) -> None:
    con, mine = ours(MADE, rows(seed))
    for name, entry in ASKED.items():
        query = entry["kwargs"]["unexpected_rows_query"].format(batch="batch")
        found, expected = len(con.execute(query).fetchall()), mine[name]
        whole = expected.scope == "table"
        assert found == (int(not expected.passed) if whole else expected.breaches), name


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_great_expectations_sql_engine_judges_the_queries_it_understands(
    judges: Judges, seed: int, tmp_path: Path
) -> None:
    """What SQLite can do of DuckDB's SQL: counts, shares and keys of texts and whole numbers."""
    plain = ("kind", "whole", "flag", "day")
    names = [n for n, e in ASKED.items() if _is_plain(MADE_RULES[n], e, plain)]
    assert len(names) >= 6
    data = rows(seed)
    _, mine = ours(MADE, data)
    told = [{c: str(r[c]) if c == "day" and r[c] else r[c] for c in plain} for r in data]
    folder = tmp_path / f"seed{seed}"
    folder.mkdir()
    theirs = judges.sqlite([ASKED[n] for n in names], told, folder)
    for name, found in theirs.items():
        assert not found.exception, (name, found.exception)
        assert found.success is mine[name].passed, name


def _is_plain(given: Any, entry: Mapping[str, Any], plain: tuple[str, ...]) -> bool:
    """Whether a table rule's query asks nothing that SQLite lacks."""
    query = entry["kwargs"]["unexpected_rows_query"]
    columns = given.arguments.get("columns", [given.column] if given.column else [])
    return given.scope == "table" and "regexp" not in query and set(columns) <= set(plain)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_plain_python_agrees(case: Case, seed: int, found: dict[int, Any]) -> None:
    data, mine = found[seed]
    result = mine[case.id]
    if case.holds is not None:
        assert result.breaches == sum(not case.holds(row) for row in data)
        assert result.passed is (result.breaches == 0)
        return
    assert case.number is not None
    number = Fraction(case.number(data))
    if case.rule.arguments.get("unit") == "percent":
        number = number * 100 / len(data)
    assert result.passed is compares(number, case.rule.arguments)
    if REGISTRY[case.rule.kind].name not in ("row_count", "sql"):
        assert result.breaches == case.number(data)


@pytest.fixture(scope="module")
def found() -> dict[int, Any]:
    """For each seed the rows and the gate's results."""
    made = {}
    for seed in SEEDS:
        data = rows(seed)
        made[seed] = data, ours(MADE, data)[1]
    return made


def compares(number: Fraction, given: Mapping[str, Any]) -> bool:
    """Whether a number is what a rule demands."""
    operator, value = given.get("operator", "mustBe"), given.get("value", 0)
    low, high = value if isinstance(value, list) else (value, value)
    return {
        "mustBe": number == low,
        "mustNotBe": number != low,
        "mustBeGreaterThan": number > Fraction(low),
        "mustBeLessThan": number < Fraction(low),
        "mustBeLessOrEqualTo": number <= Fraction(low),
        "mustBeBetween": Fraction(low) <= number <= Fraction(high),
    }[operator]


def test_an_empty_table_is_judged_alike(judges: Judges) -> None:
    _, mine = ours(MADE, [])
    theirs = judges.pandas(list(SPOKEN.values()), COLUMNS, [])
    differing = {n for n, f in theirs.items() if f.success is not mine[n].passed}
    # Of no rows nothing is absent, says the gate; they find no proportion, and the rule broken.
    assert differing == {"line.few"}
    assert mine["line.few"].passed and theirs["line.few"].observed == 0


def test_a_disagreement_would_be_noticed(judges: Judges) -> None:
    """The harness fails when a rule says something else than its expectation."""
    data = rows(1)
    wrong = contract(COLUMNS, rule("max_length", "line", value=3))
    _, mine = ours(wrong, data)
    (entry,) = gx.suite(contract(COLUMNS, rule("max_length", "line", value=2)))["expectations"]
    (theirs,) = judges.pandas([entry], COLUMNS, data).values()
    assert theirs.unexpected != mine["line.max_length"].breaches
