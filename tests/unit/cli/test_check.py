"""`headgate check` finds what is wrong before any data comes, and says what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.cli.main import invoke
from headgate.core import json as hjson
from headgate.orchestration.project import Project

#: Runs the check; gives its exit code and findings.
Told = Callable[[], tuple[int, list[dict[str, str]]]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Run the check; gives its exit code and findings."""

    def run() -> tuple[int, list[dict[str, str]]]:
        code = invoke(["check", "--json"])
        found = hjson.loads(capsys.readouterr().out)
        return code, found

    return run


def contract(project: Project, dataset: str = "bronze.irc.messages") -> Path:
    return project.contracts[dataset].path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1))


def only(findings: list[dict[str, str]], check: str, *words: str) -> None:
    assert [f["check"] for f in findings] == [check], findings
    for word in words:
        assert word in findings[0]["problem"] + findings[0]["place"]


def test_the_repository_is_well(project: Project, told: Told) -> None:
    assert told() == (0, [])


def test_an_unknown_property_is_found(project: Project, told: Told) -> None:
    change(contract(project), "headgate.personalData", "headgate.personaldata")
    code, findings = told()
    assert code == 1
    only(findings, "properties", "headgate.personaldata", "#/schema/0/properties/4")


def test_an_owner_whom_nobody_knows_is_found(project: Project, told: Told) -> None:
    tables = "".join(f"[owners.{o}]\n" for o in ("chat-platform", "community-insights"))
    with (project.settings.root / "headgate.toml").open("a") as settings:
        settings.write(tables)
    wrong = {c.id for c in project.contracts.sources if c.owner == "engineering-insights"}
    code, findings = told()
    assert code == 1
    found = [f for f in findings if f["check"] == "schedules"]
    assert found == findings and len(found) >= len(wrong) > 0
    assert any("'engineering-insights' is not known" in f["problem"] for f in found)
    assert all("contract.odcs.yaml:" in f["place"] for f in found)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{format: xml}", ["'xml'", "csv, json, jsonl, parquet"]),
        ("{format: jsonl, records: $, delimiter: ';'}", ["'delimiter'", "ignore, records"]),
        ("{format: csv, delimiter: '||'}", ["delimiter is '||'", "one ASCII character"]),
    ],
)
def test_a_source_that_nothing_reads_is_found(
    project: Project, told: Told, source: str, words: list[str]
) -> None:
    path = contract(project)
    text = path.read_text("utf-8")
    at = text.index("format: jsonl")
    start, end = text.rindex("{", 0, at), text.index("}", at) + 1
    path.write_text(text[:start] + source + text[end:])
    code, findings = told()
    assert code == 1
    only(findings, "sources", *words)


def test_a_pattern_that_re2_lacks_is_found(project: Project, told: Told) -> None:
    change(contract(project), '"^[#&+!][^ ,]+$"', '"^(?=#)[^ ,]+$"')
    code, findings = told()
    assert code == 1
    assert {f["check"] for f in findings} <= {"rules", "examples"}
    assert any("channel.pattern" in f["problem"] for f in findings)


def test_an_example_that_no_longer_fits_is_found(project: Project, told: Told) -> None:
    change(contract(project), "validValues: [message, action,", "validValues: [action,")
    code, findings = told()
    assert code == 1
    assert {f["check"] for f in findings} == {"examples"}
    assert any("type.accepted" in f["problem"] for f in findings)


def test_a_source_without_examples_is_found(project: Project, told: Told) -> None:
    folder = contract(project).parent / "examples"
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    code, findings = told()
    assert code == 1
    only(findings, "examples", "examples/valid.jsonl")


def test_a_contract_without_its_model_is_found(project: Project, told: Told) -> None:
    (project.settings.dbt_path / "models/marts/community/fct_messages.sql").unlink()
    code, findings = told()
    assert code == 1
    only(findings, "models", "no fct_messages.sql", "gold.community.fct_messages")


def test_a_mart_without_its_contract_is_found(project: Project, told: Told) -> None:
    path = project.settings.dbt_path / "models/marts/community/fct_more.sql"
    path.write_text("select 1 as n")
    code, findings = told()
    assert code == 1
    only(findings, "models", "headgate new model gold.community.fct_more")


def test_a_patched_contracted_model_is_found(project: Project, told: Told) -> None:
    path = project.settings.dbt_path / "models/marts/community/mine.yml"
    path.write_text("version: 2\nmodels: [{name: fct_messages, description: mine}]\n")
    code, findings = told()
    assert code == 1
    only(findings, "patches", "mine.yml", "gold_fct_messages/contract.odcs.yaml")
    path.write_text("version: 2\nsources: [{name: bronze_irc, tables: [{name: messages}]}]\n")
    only(told()[1], "patches", "generated from contracts")
    path.write_text("version: 2\nmodels: [{name: stg_irc__messages, description: mine}]\n")
    assert told() == (0, [])


def test_a_stale_reference_is_found(project: Project, told: Told) -> None:
    folder = project.settings.root / "docs" / "reference"
    folder.mkdir(parents=True)
    (folder / "settings.md").write_text("long ago")
    code, findings = told()
    assert code == 1
    assert {f["check"] for f in findings} == {"reference"}
    assert all("make docs" in f["problem"] for f in findings)


def test_a_contract_that_is_no_contract_stops_it(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    path = contract(project)
    change(path, "version: 1.0.0", "version: 1.0.0\nversion: 2.0.0")
    assert invoke(["check"]) == 2
    error = capsys.readouterr().err
    assert str(path) in error
    assert "given twice" in error
    assert error.count("\n") == 1


def test_a_transform_that_does_not_fit_its_contract_is_found(project: Project, told: Told) -> None:
    change(contract(project, "silver.chat.conversations"), "- name: depth", "- name: deepest")
    code, findings = told()
    assert code == 1
    only([f for f in findings if f["check"] == "transforms"], "transforms", "depth", "deepest")


def test_a_transform_that_is_not_there_is_found(project: Project, told: Told) -> None:
    path = contract(project, "silver.chat.conversations")
    change(path, "value: chat.conversations", "value: chat.monologues")
    code, findings = told()
    assert code == 1
    only([f for f in findings if f["check"] == "transforms"], "transforms", "chat.monologues")
