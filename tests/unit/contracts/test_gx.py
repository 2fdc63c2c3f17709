"""Suites and results are Great Expectations' own, and its engine agrees with ours on every count."""

from __future__ import annotations

import dataclasses
import random
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headgate.contracts import gx
from headgate.contracts.load import load_all
from headgate.contracts.model import Contract, Rule
from headgate.core import json as hjson
from headgate.quality.gx_results import validation_result
from headgate.quality.kinds import REGISTRY
from headgate.quality.predicates import compile_row_rules
from headgate.quality.table_rules import count_breaches, judge_table
from headgate.quality.verdict import RuleResult, Verdict
from tests.unit.quality.judging import contract, rule, table

# The library takes seconds to import: one worker does all that needs it.
pytestmark = pytest.mark.xdist_group("gx")

REPOSITORY = Path(__file__).resolve().parents[3]
COLUMNS = {
    "id": "string", "kind": "string", "text": "string", "n": "long", "x": "double", "day": "date",
    "at": "timestamp", "flag": "boolean",
}  # fmt: skip
PERCENT = {"unit": "percent"}
ROWS = {"unit": "rows"}


def per_column(kind: str, column: str, name: str, scope: str = "row", **arguments: Any) -> Rule:
    return dataclasses.replace(rule(kind, column, scope, **arguments), id=f"{column}.{name}")


#: What Great Expectations' own vocabulary says.
SPOKEN = (
    rule("required", "text"),
    rule("required", "n"),
    rule("max_length", "text", value=2),
    rule("min_length", "text", value=1),
    rule("pattern", "id", value="^[a-z]+$"),
    rule("format", "id", value="hostname"),
    rule("minimum", "n", value=2),
    per_column("minimum", "n", "exclusive_minimum", value=2, exclusive=True),
    rule("maximum", "x", value=0.5),
    per_column("maximum", "x", "exclusive_maximum", value=0.5, exclusive=True),
    rule("minimum", "day", value="2004-01-31"),
    rule("maximum", "at", value="2004-01-31T12:00:00Z"),
    rule("accepted_values", "kind", values=["message", "action"]),
    rule("accepted_values", "n", values=[1, 2, 3]),
    rule("accepted_values", "flag", values=[True]),
    rule("unique", "id", "table", columns=["id"]),
    rule("duplicate_count", "n", "table", columns=["n"], operator="mustBe", value=0, **ROWS),
    rule("duplicate_count", None, "table", columns=["kind", "n"], operator="mustBe", value=0, **ROWS),
    rule("row_count", None, "table", operator="mustBeBetween", value=[10, 500], **ROWS),
    per_column("row_count", "rows", "over", "table", operator="mustBeGreaterThan", value=60, **ROWS),
    rule("null_share", "n", "table", operator="mustBeLessThan", value=25, **PERCENT),
    per_column("null_share", "x", "some", "table", operator="mustBeBetween", value=[10, 40], **PERCENT),
)  # fmt: skip
#: What has to be asked for by a query.
ASKED = (
    rule("predicate", None, sql="text IS NULL OR regexp_matches(text, '^.{0,2}$') OR n > 3"),
    rule("foreign_key", "kind", columns=["kind"], parent="silver.test.kinds",
         parent_columns=["name"], missing="quarantine"),
    rule("sql", "n", "table", query="SELECT count(*) FROM {table} WHERE {property} > 3",
         operator="mustBeLessThan", value=5),
    rule("null_share", "text", "table", operator="mustBeLessOrEqualTo", value=9, **ROWS),
    rule("missing_share", "text", "table", missingValues=[None, "", "{}"], operator="mustBeLessThan",
         value=20, **PERCENT),
    rule("invalid_share", "kind", "table", validValues=["message"], operator="mustBeLessThan",
         value=60, **PERCENT),
    per_column("invalid_share", "kind", "letters", "table", pattern="^[a-z]{6}$", validValues=["action"],
               operator="mustNotBe", value=3, **ROWS),
    rule("duplicate_count", "id", "table", columns=["id"], operator="mustBeLessThan", value=40,
         **PERCENT),
    per_column("duplicate_count", "n", "few", "table", columns=["n", "kind"],
               operator="mustNotBeBetween", value=[30, 90], **ROWS),
    per_column("row_count", "rows", "other", "table", operator="mustNotBe", value=60, **ROWS),
)  # fmt: skip


def rows(seed: int, count: int = 60) -> list[dict[str, Any]]:
    import datetime as dt

    rng = random.Random(seed)
    days = [dt.date(2004, 1, 30), dt.date(2004, 1, 31), dt.date(2004, 2, 1)]
    noon = dt.datetime(2004, 1, 31, 12, tzinfo=dt.UTC)
    return [
        {
            "id": rng.choice(["a", "b", "Ab", "a-b", "-", "", "aaa", *map(str, range(40))]),
            "kind": rng.choice(["message", "action", "system", None]),
            "text": rng.choice([None, "", "x", "éé", "\U0001f44d\U0001f3fd", "long", "{}"]),
            "n": rng.choice([None, *range(6)]),
            "x": rng.choice([None, 0.0, -0.0, 0.5, 0.1, 1e300, -1.0]),
            "day": rng.choice([None, *days]),
            "at": rng.choice([None, noon, noon + dt.timedelta(microseconds=1), noon.min.replace(year=2003, tzinfo=dt.UTC)]),
            "flag": rng.choice([None, True, False]),
        }
        for _ in range(count)
    ]  # fmt: skip


def results(made: Contract, data: list[dict[str, Any]]) -> tuple[Any, Mapping[str, RuleResult]]:
    """Our engine's results by rule id, and the connection that the rows are in."""
    con = table(COLUMNS, data, "batch")
    con.execute("CREATE SCHEMA silver_test")
    con.execute("CREATE TABLE silver_test.kinds AS SELECT 'message' AS name")
    keys = {r.id: "(SELECT name AS k0 FROM silver_test.kinds)" for r in made.row_rules}
    found = [
        *count_breaches(con, compile_row_rules(made, parents=keys), "batch"),
        *judge_table(con, made, "batch"),
    ]
    return con, {r.rule_id: r for r in found}


def verdict(found: Mapping[str, RuleResult]) -> Verdict:
    return Verdict("silver.test.rows", "batch-1", "published", tuple(found.values()))


@pytest.fixture(scope="module")
def library() -> Any:
    """Great Expectations, imported once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations

    return great_expectations


@pytest.fixture(scope="module")
def judge(library: Any) -> Any:
    """A function that runs a suite on rows with the library's own pandas engine."""
    import pandas as pd

    context = library.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("rows")
    whole = asset.add_batch_definition_whole_dataframe("whole")

    def run(suite: dict[str, Any], data: list[dict[str, Any]]) -> Any:
        frame = pd.DataFrame(data, columns=list(COLUMNS))
        # Nullable types keep whole numbers whole; dates become instants, which pandas can compare.
        frame = frame.astype({"n": "Int64", "flag": "boolean", "x": "Float64"})
        for name in ("day", "at"):
            frame[name] = pd.to_datetime(frame[name], utc=True)
        batch = whole.get_batch({"dataframe": frame})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return batch.validate(_loaded(library, suite), result_format="BASIC")

    return run


def _loaded(library: Any, suite: dict[str, Any]) -> Any:
    from great_expectations.core.expectation_suite import expectationSuiteSchema

    return library.ExpectationSuite(**expectationSuiteSchema.load(suite))


def in_pandas(suite: dict[str, Any]) -> dict[str, Any]:
    """The suite with bounds of dates as instants, as the frame has them."""
    expectations = []
    for entry in suite["expectations"]:
        kwargs = dict(entry["kwargs"])
        for side in ("min_value", "max_value"):
            if kwargs.get("column") == "day" and side in kwargs:
                kwargs[side] += "T00:00:00+00:00"
        expectations.append({**entry, "kwargs": kwargs})
    return {**suite, "expectations": expectations}


@pytest.mark.parametrize("seed", range(3))
def test_the_librarys_engine_counts_what_ours_counts(judge: Any, seed: int) -> None:
    made = contract(COLUMNS, *SPOKEN)
    data = rows(seed)
    _, ours = results(made, data)
    theirs = judge(in_pandas(gx.suite(made)), data)
    reported = validation_result(made, verdict(ours), len(data))
    mine = {_rule(r["expectation_config"]): r for r in reported["results"]}
    seen = set()
    for entry in theirs.to_json_dict()["results"]:
        name = _rule(entry["expectation_config"])
        seen.add(name)
        assert not entry["exception_info"]["raised_exception"], (name, entry["exception_info"])
        assert entry["success"] is ours[name].passed, name
        for number in (
            "element_count", "unexpected_count", "missing_count", "unexpected_percent",
            "unexpected_percent_nonmissing", "unexpected_percent_total", "missing_percent",
        ):  # fmt: skip
            known = "missing_count" in mine[name]["result"] or number == "element_count"
            if known and number in entry["result"]:
                got, expected = mine[name]["result"][number], entry["result"][number]
                assert got == pytest.approx(expected), (name, number)
        if "unexpected_count" in entry["result"]:
            assert entry["result"]["unexpected_count"] == ours[name].breaches, name
        else:
            got, expected = (r["result"]["observed_value"] for r in (mine[name], entry))
            assert got == pytest.approx(expected), name
    assert seen == {r.id for r in SPOKEN}
    assert theirs.success is reported["success"]


def _rule(config: Mapping[str, Any]) -> str:
    return str(config["meta"]["headgate"]["rule"])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [0, 60])
def test_queries_find_the_rows_that_break_their_rule(seed: int, count: int) -> None:
    made = contract(COLUMNS, *ASKED)
    con, ours = results(made, rows(seed, count))
    for entry in gx.suite(made)["expectations"]:
        name = _rule(entry)
        assert entry["type"] == gx.QUERY, name
        query = entry["kwargs"]["unexpected_rows_query"].format(batch="batch")
        found = len(con.execute(query).fetchall())
        if ours[name].scope == "row":
            assert found == ours[name].breaches, name
        else:
            assert found == int(not ours[name].passed), (name, ours[name])


def test_what_is_said_loads(library: Any) -> None:
    made = contract(COLUMNS, *SPOKEN, *(dataclasses.replace(r, id=f"{r.id}.asked") for r in ASKED))
    suite = gx.suite(made)
    loaded = _loaded(library, suite)
    assert [e.expectation_type for e in loaded.expectations] == [
        e["type"] for e in suite["expectations"]
    ]
    back = loaded.to_json_dict()
    for before, after in zip(suite["expectations"], back["expectations"], strict=True):
        assert after["meta"] == before["meta"]
        # The library writes instants its own way.
        assert after["kwargs"] == {
            k: v.replace("00Z", "00+00:00") if isinstance(v, str) else v
            for k, v in before["kwargs"].items()
        }
    assert suite["meta"]["great_expectations_version"] == library.__version__


def test_kinds_name_the_expectation_that_they_become() -> None:
    made = contract(COLUMNS, *SPOKEN, *ASKED)
    said: dict[str, set[str]] = {}
    for entry, given in zip(gx.suite(made)["expectations"], made.rules, strict=True):
        said.setdefault(given.kind, set()).add(entry["type"])
    for name, expectations in said.items():
        assert REGISTRY[name].expectation in expectations, name


def test_a_kind_that_was_added_since_is_named_in_a_query() -> None:
    made = contract(COLUMNS, rule("lucky", "n"))
    (entry,) = gx.suite(made)["expectations"]
    assert "headgate_lucky" in entry["kwargs"]["unexpected_rows_query"]


def test_results_are_the_librarys_own(
    library: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.core.batch import IDDict
    from great_expectations.core.expectation_validation_result import (
        expectationSuiteValidationResultSchema,
    )
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    made = contract(COLUMNS, *SPOKEN, *(dataclasses.replace(r, id=f"{r.id}.asked") for r in ASKED))
    _, ours = results(made, rows(1))
    extra = RuleResult("read.malformed_json", "read", "quarantine", None, "row", False, 2,
                       "2 of 62 records", "readable records")  # fmt: skip
    made_result = validation_result(made, verdict({**ours, "extra": extra}), 60)
    made_result = hjson.loads(hjson.dumps(made_result))
    loaded = expectationSuiteValidationResultSchema.load(made_result)
    assert isinstance(loaded, ExpectationSuiteValidationResult)
    assert loaded.statistics["evaluated_expectations"] == len(made.rules)
    assert loaded.statistics["successful_expectations"] == sum(r.passed for r in ours.values())
    assert loaded.meta["headgate"]["beyond_rules"] == [
        {"rule": "read.malformed_json", "breaches": 2, "observed": "2 of 62 records"}
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = library.get_context(mode="file", project_root_dir=tmp_path)
        context.validation_results_store.add(
            ValidationResultIdentifier(
                expectation_suite_identifier=ExpectationSuiteIdentifier(made.id),
                run_id=RunIdentifier(run_name="a run"),
                batch_identifier=IDDict({"id": "batch-1"}).to_id(),
            ),
            loaded,
        )
        context.build_data_docs()
    pages = list(tmp_path.rglob("validations/**/*.html"))
    assert len(pages) == 1
    shown = pages[0].read_text("utf-8")
    # One sign for each expectation, and one for the whole suite, which failed.
    passed = sum(r["success"] for r in made_result["results"])
    assert shown.count("fa-check-circle text-success") == passed
    assert shown.count("fa-times text-danger") == len(made.rules) - passed + 1
    assert not [r for r in caplog.records if r.levelname == "ERROR"]


def test_a_query_that_failed_is_an_exception(library: Any) -> None:
    broken = rule(
        "sql", None, "table", query="SELECT nothing FROM {table}", operator="mustBe", value=0
    )
    made = contract(COLUMNS, broken)
    _, ours = results(made, rows(1))
    (entry,) = validation_result(made, verdict(ours), 60)["results"]
    assert entry["exception_info"]["raised_exception"]
    assert "nothing" in entry["exception_info"]["exception_message"]


def test_suites_of_the_contracts_here_load_and_are_deterministic(library: Any) -> None:
    again = load_all(REPOSITORY / "data_contracts")
    for made in load_all(REPOSITORY / "data_contracts").values():
        text = hjson.dumps(gx.suite(made))
        assert text == hjson.dumps(gx.suite(again[made.id]))
        assert len(_loaded(library, hjson.loads(text)).expectations) == len(made.rules)


def test_suites_and_results_are_made_without_the_library() -> None:
    code = (
        "import sys\nfrom headgate.contracts import gx\nfrom headgate.quality import gx_results\n"
        "sys.exit('great_expectations' in sys.modules or 'pandas' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
