"""Column lineage of the project's own models against what was written down by hand; and its keeping."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from headgate.cli import check
from headgate.core import json as hjson
from headgate.lineage.columns import UntraceableError
from headgate.orchestration import column_lineage
from headgate.orchestration.dbt.compile import Compiled, compile_models
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from tests.conftest import make_project
from tests.unit.lineage import column_truth_models as truth
from tests.unit.lineage.test_columns_of_sql import inputs


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, Compiled]]:
    project = make_project(tmp_path_factory.mktemp("models") / "project")
    return project, compile_models(project, list(truth.MODELS))


@pytest.mark.parametrize("model", truth.MODELS)
def test_every_column_of_a_model_is_as_written_down(
    models: tuple[Project, dict[str, Compiled]], model: str
) -> None:
    project, compiled = models
    contract = project.contracts.by_model(model)
    assert contract is not None
    told = column_lineage.of_model(project, contract, compiled[model].full)
    columns, rows = truth.MODELS[model]
    assert list(told.columns) == list(contract.table_columns)
    assert set(told.columns) == set(columns)
    for column, text in columns.items():
        assert set(told.columns[column]) == inputs(text, truth.DATASETS), column
    assert set(told.rows) == inputs(rows, truth.DATASETS)


def test_every_model_with_a_contract_is_written_down(
    models: tuple[Project, dict[str, Compiled]],
) -> None:
    assert {c.model for c in models[0].contracts.models} == set(truth.MODELS)


def test_what_an_incremental_build_reads_says_the_same_of_the_columns(
    models: tuple[Project, dict[str, Compiled]],
) -> None:
    project, compiled = models
    contract = project.contracts["gold.community.dim_users"]
    full = column_lineage.of_model(project, contract, compiled["dim_users"].full)
    part = column_lineage.of_model(project, contract, compiled["dim_users"].incremental)
    assert compiled["dim_users"].incremental != compiled["dim_users"].full
    assert part.columns == full.columns
    assert set(part.rows) > set(full.rows) or set(part.rows) == set(full.rows)


def test_what_was_traced_is_kept_until_the_sql_or_a_contract_changes(
    models: tuple[Project, dict[str, Compiled]], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, compiled = models
    contract = project.contracts["gold.community.fct_user_activity_daily"]
    sql = compiled["fct_user_activity_daily"].full
    told = column_lineage.of_model(project, contract, sql)

    def traced_again(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(column_lineage, "of_sql", traced_again)
    assert column_lineage.of_model(project, contract, sql) == told
    with pytest.raises(AssertionError):
        column_lineage.of_model(project, contract, sql + " -- said otherwise")
    read = project.contracts["gold.community.fct_messages"]
    other = dataclasses.replace(read, columns=read.columns[:-1])
    changed = {**project.contracts, read.id: other}
    monkeypatch.setattr(type(project), "contracts", property(lambda _: changed))
    with pytest.raises(AssertionError):
        column_lineage.of_model(project, contract, sql)


def test_relations_may_be_named_with_their_database_and_without_quotes(
    models: tuple[Project, dict[str, Compiled]],
) -> None:
    project, compiled = models
    contract = project.contracts["gold.community.fct_user_activity_daily"]
    sql = compiled["fct_user_activity_daily"].full
    told = column_lineage.of_model(project, contract, sql)
    for name in ('"memory"."gold_community"."fct_messages"', "gold_community . fct_messages"):
        other = sql.replace('"gold_community"."fct_messages"', name)
        assert other != sql
        assert column_lineage.of_model(project, contract, other) == told


def test_sql_that_gives_other_columns_than_the_contract_is_not_traced(
    models: tuple[Project, dict[str, Compiled]],
) -> None:
    project, _ = models
    contract = project.contracts["gold.community.fct_messages"]
    with pytest.raises(UntraceableError, match="other columns"):
        column_lineage.of_model(
            project, contract, 'select message_id from "silver_chat"."messages"'
        )


def test_lineage_is_plain_text_in_the_cache(
    models: tuple[Project, dict[str, Compiled]],
) -> None:
    project, compiled = models
    contract = project.contracts["gold.community.fct_messages"]
    told = column_lineage.of_model(project, contract, compiled["fct_messages"].full)
    assert hjson.loads(told.to_json())["columns"][0] == [
        "message_id", [["silver.chat.messages", "message_id", "DIRECT", "IDENTITY"]],
    ]  # fmt: skip


def test_a_model_that_cannot_be_followed_is_told_by_check_and_by_the_run_and_fails_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path / "project")
    model = project.settings.dbt_path / "models/marts/community/fct_user_activity_daily.sql"
    model.write_text(
        model.read_text("utf-8").replace(
            "count(*) as messages,",
            "(select count(*) from (pivot (select 1 as a) on a in (1))) as messages,",
        ),
        "utf-8",
    )
    found = [f for f in check.judge(project) if f.check == "lineage"]
    assert [(f.place, f.to_say) for f in found] == [(str(model), True)]
    assert "Pivot" in found[0].problem
    lines = tmp_path / "irc.jsonl"
    lines.write_text(hjson.dumps(
        {"file": "log.txt", "line": 0, "channel": "#ubuntu", "time": "10:00", "author": "u_1",
         "type": "message", "text": "hello", "date": "2008-01-07"}
    ) + "\n", "utf-8")  # fmt: skip
    report = run(
        project,
        sources={"bronze.irc.messages": [str(lines)]},
        select=["bronze.irc.messages", "silver.chat.messages", "gold.community.fct_messages",
                "gold.community.fct_user_activity_daily"],
    )  # fmt: skip
    assert (report.exit_code, report.problems) == (0, ())
    assert len(report.notes) == 1
    assert "gold.community.fct_user_activity_daily cannot be traced" in report.notes[0]
