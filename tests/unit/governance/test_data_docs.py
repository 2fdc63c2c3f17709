"""Data Docs of a lake: every verdict has its page and its genuine result, and no value escapes."""

from __future__ import annotations

import html
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import invoke
from headgate.governance import data_docs
from headgate.governance.judgements import Judgement, judgements
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.quality import gx_library
from tests.judged_lake import DATASET, HOSTILE, PERSONAL, judged_lake

# The library takes seconds to import: one worker does all that needs it.
pytestmark = pytest.mark.xdist_group("gx")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return judged_lake(tmp_path_factory.mktemp("judged") / "project")


@pytest.fixture(scope="module")
def found(lake: Project) -> list[Judgement]:
    with connect(lake.settings) as con:
        return judgements(con, lake.lake, lake.contracts[DATASET], 10)


@pytest.fixture(scope="module")
def pages(lake: Project) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADGATE_ROOT", str(lake.settings.root))
        assert invoke(["docs"]) == 0
    return lake.settings.lake_path / "_docs"


def test_judgements_are_the_ledgers_newest_first(found: list[Judgement]) -> None:
    refused, partly = found
    assert (refused.outcome, partly.outcome) == ("refused", "published in part")
    assert (partly.batch["read"], partly.batch["quarantined"]) == (64, 4)
    rules = {r.rule_id: r for r in partly.verdict.results}
    assert rules["type.accepted"].breaches == 2
    assert not rules["read.malformed_json"].passed


def test_examples_come_from_quarantine_and_personal_values_stay_there(
    found: list[Judgement],
) -> None:
    result = found[1].result()
    by_rule = {r["expectation_config"]["meta"]["headgate"]["rule"]: r for r in result["results"]}
    shown = by_rule["type.accepted"]["result"]
    assert HOSTILE in shown["partial_unexpected_list"]
    assert [e["position"] for e in shown["unexpected_index_list"]] == [61, 62]
    assert by_rule["author.max_length"]["result"]["partial_unexpected_list"] == [
        "(not shown: personal data)"
    ]
    assert PERSONAL not in json.dumps(result)


def test_results_are_great_expectations_own(pages: Path, found: list[Judgement]) -> None:
    gx_library.library()
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.core.expectation_validation_result import (
        expectationSuiteValidationResultSchema,
    )

    for judgement in found:
        text = (pages / DATASET / f"{judgement.verdict.batch_id}.json").read_text("utf-8")
        document: dict[str, Any] = json.loads(text)
        loaded = expectationSuiteValidationResultSchema.load(document)
        assert isinstance(loaded, ExpectationSuiteValidationResult)
        assert ExpectationSuiteValidationResult(**document).success is loaded.success is False
        assert loaded.statistics["evaluated_expectations"] == len(document["results"]) > 15
        assert loaded.meta["headgate"]["outcome"] == judgement.batch["outcome"]
        assert len(loaded.get_failed_validation_results().results) == sum(
            not r["success"] for r in document["results"]
        )


def test_every_page_stands_alone(pages: Path) -> None:
    written = sorted(pages.rglob("*.html"))
    assert len(written) > 5
    for path in written:
        text = path.read_text("utf-8")
        assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|<[^>]*\son\w+=", text), path
        assert not re.search(r"<[^>]*(?:href|src)\s*=\s*[\"']?(?:https?:)?//", text), path
        for target in re.findall(r'href="([^"#]+)"', text):
            assert (path.parent / target).is_file(), (path, target)
        anchors = set(re.findall(r'id="([^"]+)"', text))
        assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors, path


def test_pages_show_values_as_they_are_and_account_for_the_batch(
    pages: Path, found: list[Judgement]
) -> None:
    text = (pages / DATASET / f"{found[1].verdict.batch_id}.html").read_text("utf-8")
    escaped = HOSTILE.replace("<", "&lt;").replace(">", "&gt;")
    assert escaped in text
    assert "read.malformed_json" in text
    assert PERSONAL not in text
    assert text.count('class="sign bad"') >= 3
    index = (pages / "index.html").read_text("utf-8")
    assert "refused" in index
    assert "gold.community.fct_messages" in index and "none yet" in index


def test_texts_of_a_contract_are_texts(found: list[Judgement], tmp_path: Path) -> None:
    import dataclasses

    told = f"{HOSTILE} & $value ${{v}} {{batch}} 100% <b>"
    made = found[1].contract
    rules = tuple(dataclasses.replace(r, description=told) for r in made.rules)
    made = dataclasses.replace(made, rules=rules, description=told, owner=told)
    judged = dataclasses.replace(found[1], contract=made)
    built = data_docs.build([made], {made.id: [judged]}, tmp_path / "docs", told)
    written = list((tmp_path / "docs").rglob("*.html"))
    assert len(written) == 4 and built.verdicts == 1
    for path in written:
        text = path.read_text("utf-8")
        assert "<script" not in text and "<img" not in text, path
        assert html.escape(told, quote=False) in text.replace("&#x27;", "'"), path


def test_a_rule_that_the_contract_lost_keeps_its_verdict(found: list[Judgement]) -> None:
    import dataclasses

    partly = found[1]
    kept = tuple(r for r in partly.contract.rules if r.id != "type.accepted")
    older = dataclasses.replace(partly, contract=dataclasses.replace(partly.contract, rules=kept))
    before, after = partly.result(), older.result()
    assert len(before["results"]) == len(after["results"])
    (told,) = [r for r in after["results"] if "no longer" in r["expectation_config"]["description"]]
    assert not told["success"] and told["result"] == {"observed_value": 2}


def test_other_folders_are_not_replaced(
    lake: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("HEADGATE_ROOT", str(lake.settings.root))
    (tmp_path / "mine.txt").write_text("mine")
    assert invoke(["docs", "--out", str(tmp_path)]) == 2
    assert "--out" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "mine"
    out = tmp_path / "reports"
    for _ in range(2):
        assert invoke(["docs", "--dataset", DATASET, "--out", str(out), "--batches", "1"]) == 0
    assert {p.name for p in out.iterdir()} == {".headgate-data-docs", "index.html", DATASET}
    assert len(list((out / DATASET).glob("*.json"))) == 1
    assert invoke(["docs", "--dataset", "bronze.irc.nothing"]) == 2


def test_without_great_expectations_the_remedy_is_told(
    lake: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("HEADGATE_ROOT", str(lake.settings.root))
    gx_library.library.cache_clear()
    monkeypatch.setitem(sys.modules, "great_expectations", None)
    assert invoke(["docs", "--out", str(tmp_path / "out")]) == 2
    assert "pip install 'headgate[gx]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    gx_library.library.cache_clear()
