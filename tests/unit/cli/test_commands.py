"""Every command on a real lake: what it prints for programs is whole, and what it changes is right."""

from __future__ import annotations

import pytest

from headgate.cli import show
from headgate.cli.main import invoke
from headgate.orchestration.project import Project
from tests.unit.cli.conftest import DATASET, Answer, write

# One worker runs all of this file (and those that share its lake), so that it is made once.
pytestmark = pytest.mark.xdist_group("commands")


def test_a_second_run_changes_nothing(lake: Project, answer: Answer) -> None:
    found = answer("run", "--source", f"{DATASET}={lake.settings.root / 'day.jsonl'}")
    assert found["release_id"] is None
    assert found["exit_code"] == 0
    assert all(b["outcome"] == "unchanged" for b in found["batches"])


def test_status_tells_where_everything_stands(lake: Project, answer: Answer) -> None:
    found = {s["dataset"]: s for s in answer("status")}
    assert set(found) == {d for d, c in lake.contracts.items() if c.name.layer != "system"}
    bronze = found[DATASET]
    assert (bronze["rows"], bronze["open_quarantine"], bronze["fresh"]) == (40, 2, True)
    assert bronze["version"] == bronze["released_version"]


def test_sql_asks_any_release(lake: Project, answer: Answer) -> None:
    query = f"select count(*) as n from {DATASET}"
    assert answer("sql", query) == [{"n": 40}]
    assert answer("sql", query, "--release", "1") == [{"n": 25}]
    assert answer("sql", f"select count(*) as n from {DATASET}__quarantine") == [{"n": 4}]
    assert invoke(["sql", query, "--release", "9"]) == 1
    assert invoke(["sql", "from names"]) == 2, "a variable of ours was read"


def test_sql_prints_csv(lake: Project, capsys: pytest.CaptureFixture[str]) -> None:
    query = f"select line, text from {DATASET} order by line limit 2"
    capsys.readouterr()
    assert invoke(["sql", query, "--csv"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "line,text"
    assert [row.split(",")[0] for row in told[1:]] == ["0", "1"]


def test_a_long_answer_is_cut_for_people_only(
    lake: Project, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "select unnest(range(200)) as n"
    assert len(answer("sql", query)) == 200
    assert invoke(["sql", query]) == 0
    told = capsys.readouterr()
    assert "first 50 rows" in told.err
    assert "199" not in told.out


@pytest.mark.parametrize("what", list(show.SUBJECTS))
def test_everything_can_be_shown(
    lake: Project, answer: Answer, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for dataset in (DATASET, "gold.community.fct_messages", "system.ledger.runs"):
        assert answer("show", what, dataset) is not None
    assert invoke(["show", what, DATASET]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 3


def test_a_model_goes_by_its_name(lake: Project, answer: Answer) -> None:
    gold = "gold.community.fct_messages"
    for what in ("schema", "rules", "lineage", "dbt"):
        assert answer("show", what, "fct_messages") == answer("show", what, gold)
    found = answer("show", "sql", "fct_channel_activity_daily")
    assert found["reads"] == [gold]
    assert '"gold_community"."fct_messages"' in found["full"]
    assert "headgate_changed" in found["incremental"] and "headgate_changed" not in found["full"]
    assert answer("show", "sql", "gold.community.fct_channel_activity_daily") == found


def test_private_models_are_shown_too(
    lake: Project, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    model = "stg_irc__messages"
    schema = {r["column"]: r["type"] for r in answer("show", "schema", model)}
    assert schema["source_line"] == "BIGINT" and schema["answered_lines"] == "BIGINT[]"
    made = {(r["column"], r["made from"], r["how"]) for r in answer("show", "lineage", model)}
    assert ("", DATASET, model) in made
    assert ("source_line", f"{DATASET}.line", "direct identity") in made
    assert answer("show", "sql", model)["reads"] == [DATASET]
    assert model in answer("show", "sql", "int_chat__messages")["private"]
    for wrong in (
        ["rules", model], ["sql", DATASET], ["sql", "silver.chat.conversations"], ["sql", "stg_irc"],
        ["sql"], ["nothing", model],
    ):  # fmt: skip
        capsys.readouterr()
        assert invoke(["show", *wrong]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_accounting_balances(lake: Project, answer: Answer) -> None:
    found = answer("show", "accounting", DATASET)
    assert len(found) == 2
    for batch in found:
        parts = ("published", "quarantined", "deduplicated", "refused")
        assert batch["read"] == sum(batch[part] for part in parts)


def test_project_subjects_can_be_shown(lake: Project, answer: Answer) -> None:
    assert {s["setting"] for s in answer("show", "settings")} >= {"lake", "memory_limit"}
    assert len(answer("show", "datasets")) == len(lake.contracts)
    every = {*show.SUBJECTS, *show.MODEL_SUBJECTS, *show.PROJECT_SUBJECTS}
    assert {s["what"] for s in answer("show", "list")} == every


def test_quarantine_is_listed_and_waived(lake: Project, answer: Answer) -> None:
    found = answer("quarantine", "list", DATASET)
    assert len(found["rows"]) == 2
    codes = {reason["code"] for row in found["rows"] for reason in row["reasons"]}
    assert codes == {"malformed_json", "chat_has_time_and_author"}
    superseded = sum(c["rows"] for c in found["counts"] if c["state"] == "superseded")
    assert superseded == 2
    one = ["quarantine", "waive", DATASET, "--reason", "malformed_json", "--by", "ada"]
    assert answer(*one, "--why", "a test")["waived"] == 1
    (row,) = answer("quarantine", "list", DATASET)["rows"]
    assert answer("quarantine", "waive", DATASET, "--id", row["id"], "--by", "a", "--why", "b")
    assert answer("quarantine", "list", DATASET)["rows"] == []
    (waived,) = answer("quarantine", "list", DATASET, "--reason", "malformed_json",
                       "--state", "waived")["rows"]  # fmt: skip
    assert (waived["state_by"], waived["state_why"]) == ("ada", "a test")
    assert invoke(["quarantine", "waive", DATASET, "--all", "--by", "a", "--why", "b"]) == 1


def test_replay_takes_in_what_a_mended_rule_allows(lake: Project, answer: Answer) -> None:
    path = lake.contracts[DATASET].path
    text = path.read_text("utf-8")
    rule = "type NOT IN ('message', 'action') OR (time IS NOT NULL AND author IS NOT NULL)"
    assert rule in text
    path.write_text(text.replace(rule, "line >= 0"))
    for example in (path.parent / "examples").iterdir():
        example.unlink()
    found = answer("quarantine", "replay", DATASET, "--all")
    (batch,) = [b for b in found["batches"] if b["dataset"] == DATASET]
    assert (batch["read"], batch["published"], batch["quarantined"]) == (2, 1, 1)
    assert answer("sql", f"select author from {DATASET} where line = 1000") == [{"author": None}]


def test_releases_are_listed_compared_and_rolled_back(lake: Project, answer: Answer) -> None:
    assert [r["id"] for r in answer("release", "list")] == [2, 1]
    changes = {c["dataset"]: c for c in answer("release", "diff", "--rows")["changes"]}
    bronze = changes[DATASET]
    assert (bronze["added"], bronze["removed"], bronze["changed"]) == (15, 0, 0)
    daily = changes["gold.community.fct_channel_activity_daily"]
    assert (daily["added"], daily["removed"], daily["changed"]) == (0, 0, 1)
    backwards = answer("release", "diff", "2", "1", "--rows")["changes"]
    assert {c["dataset"]: c["removed"] for c in backwards}[DATASET] == 15
    assert answer("release", "rollback", "1")["id"] == 3
    assert answer("sql", f"select count(*) as n from {DATASET}") == [{"n": 25}]
    assert {c["added"] for c in answer("release", "diff", "1", "3", "--rows")["changes"]} <= {0}
    assert invoke(["release", "rollback", "9"]) == 1


def test_a_refused_batch_exits_1(lake: Project, answer: Answer) -> None:
    path = lake.settings.root / "bad.jsonl"
    write(path, 30, channel=None)
    found = answer("run", "--source", f"{DATASET}={path}", code=1)
    assert found["exit_code"] == 1
    assert found["batches"][0]["outcome"] == "refused"
    assert answer("sql", f"select count(*) as n from {DATASET}") == [{"n": 40}]


@pytest.mark.parametrize(
    "command",
    [["run", "--select", "gold.nothing.here"], ["run", "--source", f"{DATASET}=nowhere.jsonl"],
     ["run", "--source", "bronze.no.such=day.jsonl"], ["quarantine", "list", "bronze.no.such"],
     ["quarantine", "list", DATASET, "--state", "odd"], ["show", "schema", "bronze.no.such"]],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_name_is_told_in_one_line(
    lake: Project, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert invoke(command) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert told.err.startswith("headgate: ")
