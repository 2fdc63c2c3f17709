"""A contract's own Great Expectations rule: checked before any data, judged by the gate, reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from headgate.cli.main import invoke
from headgate.governance.judgements import judgements
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from tests.conftest import make_project
from tests.judged_lake import DATASET, record

# The library takes seconds to import: one worker does all that needs it.
pytestmark = pytest.mark.xdist_group("gx")
RULE = {
    "id": "short_logs",
    "type": "custom",
    "engine": "greatExpectations",
    "implementation": {
        "type": "expect_column_max_to_be_between",
        "kwargs": {"column": "line", "max_value": 99},
    },
    "severity": "fail",
    "description": "A log of this house has a hundred lines at most.",
}


def with_rule(folder: Path, **changes: Any) -> Project:
    """A project whose contract has the rule."""
    make_project(folder)
    path = folder / "data_contracts" / "irc" / "bronze_messages" / "contract.odcs.yaml"
    document = yaml.safe_load(path.read_text("utf-8"))
    document["schema"][0]["quality"].append({**RULE, **changes})
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    return Project.open(folder)


def deliver(project: Project, name: str, lines: range) -> Any:
    path = project.settings.root / name
    path.write_text("".join(json.dumps(record(n)) + "\n" for n in lines))
    return run(project, sources={DATASET: [str(path)]}, select=[DATASET])


def test_the_gate_holds_a_batch_to_an_expectation(tmp_path: Path) -> None:
    project = with_rule(tmp_path / "project")
    assert deliver(project, "short.jsonl", range(60)).exit_code == 0
    report = deliver(project, "long.jsonl", range(60, 140))
    (batch,) = report.batches
    assert (batch.outcome, batch.refused) == ("refused", 80)
    assert "short_logs" in batch.problems[0] and "found 139." in batch.problems[0]
    snapshot = project.lake.snapshot(DATASET)
    assert snapshot is not None and sum(f.rows for f in snapshot.files) == 60
    with connect(project.settings) as con:
        newest, before = judgements(con, project.lake, project.contracts[DATASET], 5)
    told = {
        r["expectation_config"]["type"]: (r["success"], r["result"])
        for judgement in (before, newest)
        for r in judgement.result()["results"]
        if r["expectation_config"]["type"] == "expect_column_max_to_be_between"
    }
    assert told == {"expect_column_max_to_be_between": (False, {"observed_value": 139})}


@pytest.mark.parametrize(
    ("implementation", "told"),
    [
        ({"type": "expect_wonders", "kwargs": {}}, "no expectation 'expect_wonders'"),
        ({"type": "expect_column_max_to_be_between", "kwargs": {"column": "lines"}}, "'lines'"),
        (
            {"type": "expect_column_max_to_be_between", "kwargs": {"column": "line", "max": 9}},
            "max: extra fields not permitted",
        ),
    ],
)
def test_a_wrong_expectation_is_found_before_any_data(
    implementation: Any, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    project = with_rule(tmp_path / "project", implementation=implementation)
    monkeypatch.setenv("HEADGATE_ROOT", str(project.settings.root))
    assert invoke(["check", "--json"]) == 1
    (finding,) = [f for f in json.loads(capsys.readouterr().out) if f["check"] == "rules"]
    assert told in finding["problem"]
    assert "bronze_messages/contract.odcs.yaml#/schema/0/quality" in finding["place"]
