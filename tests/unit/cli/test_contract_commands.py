"""Contract changes at the command line: told, audited, rebuilt, for sources and for models."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.cli.main import invoke
from headgate.orchestration.project import Project
from tests.unit.cli.conftest import DATASET, Answer, write

GOLD = "gold.community.fct_messages"
pytestmark = pytest.mark.xdist_group("commands")


def edit(project: Project, dataset: str, *changes: tuple[str, str]) -> None:
    path = project.contracts[dataset].path
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)


def test_a_source_is_told_of_audited_and_goes_on(lake: Project, answer: Answer) -> None:
    assert answer("diff") == []
    edit(lake, DATASET, ("maxLength: 512", "maxLength: 20"), ("version: ", "version: 9"))

    (found,) = answer("diff", code=1)

    assert (found["dataset"], found["severity"]) == (DATASET, "needs-backfill")
    assert {c["severity"] for c in found["changes"]} == {"needs-backfill", "compatible"}
    assert f"headgate audit {DATASET}" in found["remedy"]
    assert answer("diff", DATASET, "--against", "release", code=1) == [found]
    # Every stored text is longer than that, and then nothing is released.
    fresh = lake.settings.root / "fresh.jsonl"
    write(fresh, 60)
    refused = answer("run", "--source", f"{DATASET}={fresh}", code=1)
    assert "40 stored rows break the contract" in refused["problems"][0]
    assert refused["release_id"] is None and refused["batches"] == []

    told = answer("audit", DATASET, "--limit", "2", code=1)

    broken = {r["rule_id"]: r["severity"] for r in told["results"] if not r["passed"]}
    assert broken == {"text.max_length": "quarantine", "file_names_the_date": "warn"}
    assert len(told["keys"]["text.max_length"]) == 2
    # So many are no few bad rows: nothing is touched.
    assert invoke(["audit", DATASET, "--apply"]) == 1
    assert answer("sql", f"select count(*) as n from {DATASET}") == [{"n": 40}]


def test_what_an_audit_sets_aside_is_missed_by_the_models_too(
    lake: Project, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = "      - {id: odd, type: custom, engine: headgate, implementation: line <> 7}\n"
    first = "      - id: chat_has_time_and_author\n"
    edit(lake, DATASET, (first, rule + first))
    count = f"select count(*) as n from {GOLD}"
    (before,) = answer("sql", count)

    assert invoke(["audit", DATASET]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "logs/harbour.log 7" in shown and f"headgate audit {DATASET} --apply" in shown
    done = answer("audit", DATASET, "--apply")

    assert [(b["read"], b["quarantined"]) for b in done["batches"]] == [(40, 1)]
    assert GOLD in {m["dataset"] for m in done["models"]}
    assert answer("sql", count) == [{"n": before["n"] - 1}]
    assert invoke(["diff"]) == 0
    assert "No contract changed." in capsys.readouterr().out
    assert invoke(["audit", DATASET]) == 0


def test_a_model_of_another_shape_is_rebuilt(
    lake: Project, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    model = lake.settings.dbt_path / "models/marts/community/fct_messages.sql"
    sql = model.read_text("utf-8")
    model.write_text(f"select * replace (words::varchar as words) from (\n{sql}\n)")
    reader = model.with_name("fct_user_activity_daily.sql")
    reader.write_text(reader.read_text("utf-8").replace("sum(words)", "sum(words::bigint)"))
    words = lake.contracts[GOLD].path.read_text("utf-8").partition("- name: words")[2]
    old = "- name: words" + words.partition("- name")[0]
    new = old.replace("integer", "string").replace(
        "logicalTypeOptions: {minimum: 0}", "unique: false"
    )
    edit(lake, GOLD, (old, new), ("words <= characters", "words::bigint <= characters"))

    refused = answer("run", code=1)

    assert refused["held"] == ["community"] and refused["release_id"] is None
    assert f"headgate rebuild {GOLD}" in refused["problems"][0]
    assert invoke(["diff", "--markdown"]) == 1
    page = capsys.readouterr().out
    assert f"## ❌ `{GOLD}`: breaking" in page and "Column words was long and is string." in page

    done = answer("rebuild", GOLD)

    assert next(m["dataset"] for m in done["models"]) == GOLD
    (row,) = answer("sql", f"select words from {GOLD} limit 1")
    assert row == {"words": "6"}
    assert answer("run")["problems"] == []
    assert answer("diff") == []


def test_a_contract_can_be_compared_with_an_older_file(
    lake: Project, answer: Answer, tmp_path: Path
) -> None:
    old = tmp_path / "old.odcs.yaml"
    old.write_text(lake.contracts[DATASET].path.read_text("utf-8"))
    edit(lake, DATASET, ("maxLength: 512", "maxLength: 20"))
    (found,) = answer("diff", DATASET, "--against", str(old), code=1)
    assert found["severity"] == "needs-backfill"
    assert answer("diff", "--against", str(lake.settings.contracts_path)) == []
    assert invoke(["diff", "--against", "nothing"]) == 2
