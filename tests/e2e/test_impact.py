"""What a change reaches and where personal data flows, from end to end: a run, the commands, the plan."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import invoke
from headgate.lineage.questions.impact import Impact, impact
from headgate.lineage.questions.personal import personal
from headgate.orchestration import lineage_store, personal_flow
from headgate.orchestration.personal_flow import Place
from headgate.orchestration.planning.making import make
from headgate.orchestration.planning.plan import FAILS, WAITS
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from tests.conftest import make_project
from tests.e2e.test_lineage import DISCORD, EXPORT, IRC, LINES, USERS

SILVER, CONVERSATIONS = "silver.chat.messages", "silver.chat.conversations"
FACTS, PEOPLE, HEALTH = (
    "gold.community.fct_messages", "gold.community.dim_users", "gold.community.community_health_daily",
)  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after one run over a few lines of IRC and a small export of Discord."""
    folder = tmp_path_factory.mktemp("impact")
    project = make_project(folder / "project")
    irc, discord = folder / "irc.jsonl", folder / "discord.json"
    irc.write_text("".join(json.dumps(line) + "\n" for line in LINES), "utf-8")
    discord.write_text(json.dumps(EXPORT), "utf-8")
    report = run(project, sources={IRC: [str(irc)], DISCORD: [str(discord)], USERS: [str(discord)]})
    assert not report.problems
    return folder / "project"


@pytest.fixture
def branch(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of the project and its lake; HEADGATE_ROOT points there."""
    shutil.copytree(built, tmp_path / "project")
    monkeypatch.setenv("HEADGATE_ROOT", str(tmp_path / "project"))
    return Project.open(tmp_path / "project")


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def asked(capsys: pytest.CaptureFixture[str], *command: str) -> Any:
    capsys.readouterr()
    assert invoke([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def of(project: Project, column: str, **more: Any) -> Impact:
    return impact(lineage_store.reader_for(project), column, **more)


def test_what_the_store_says_is_what_the_contracts_declare(branch: Project) -> None:
    known = personal_flow.flows(branch)
    found = personal(lineage_store.reader_for(branch))
    landings = [(f, one) for f in found.flows for one in f.landings]
    assert {one.state for _, one in landings} == {"declared", "ended"}
    assert {one.column for _, one in landings if one.state == "ended"} == {
        (h.target.dataset, h.target.column)
        for hops in known.into.values()
        for h in hops
        if known.ended(h) and known.protected[h.source].personal
    }
    # Every direct step of a flow that a run recorded is one that is known without any run.
    steps = {pair for _, one in landings for pair in zip(one.path, one.path[1:], strict=False)}
    static = {(h.source, h.target) for hops in known.into.values() for h in hops}
    assert {(Place(*a), Place(*b)) for a, b in steps} <= static
    assert f"{IRC}._rescued" in {str(f.column) for f in found.flows}


def test_a_column_that_goes_breaks_at_least_what_the_plan_says(branch: Project) -> None:
    found = of(branch, f"{USERS}.nickname", change="goes")
    replaced(branch.contracts[USERS].path, "- name: nickname", "- name: called\n        physicalName: nickname")  # fmt: skip
    plan = make(Project.open(branch.settings.root))
    hows = {d: u.how for step in plan.steps for d, u in step.tables.items()}
    fails = {d for d, how in hows.items() if how == FAILS}
    assert fails == {PEOPLE}
    assert fails <= {one.dataset for one in found.affected if one.breaks}
    waits = {d for d, how in hows.items() if how == WAITS}
    assert waits and waits <= {one.dataset for one in found.affected if one.stale}


def test_a_changed_expression_reaches_at_least_what_the_plan_says(branch: Project) -> None:
    found = of(branch, f"{FACTS}.characters")
    path = branch.settings.dbt_path / "models/marts/community/fct_messages.sql"
    replaced(path, "length(messages.content) as", "length(messages.content) + 1 as")
    plan = make(Project.open(branch.settings.root))
    told = {t.dataset: set(t.influence.columns) for t in plan.tables}
    assert told.pop(FACTS) == {"characters"}
    reached = {(r.node.dataset, r.node.column) for one in found.affected for r in one.reached}
    assert told and {(d, c) for d, columns in told.items() for c in columns} <= reached


def test_the_command_tells_whom_to_tell(
    branch: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    found = asked(capsys, "impact", f"{SILVER}.author_id", "--goes")
    assert set(found["owners"]) == {"chat-platform", "community-insights"}
    by = {one["dataset"]: one for one in found["affected"]}
    assert by[FACTS]["breaks"] and by[CONVERSATIONS]["breaks"] and by[HEALTH]["stale"]
    assert by[FACTS]["release"] == {"release": 1, "version": "0"}
    assert "author_id.required" in {r["name"] for r in by[FACTS]["rules"]}
    assert [r["name"] for r in found["own"]["rules"]] == [
        "author_id.required", "author_id.pattern"
    ]  # fmt: skip
    assert invoke(["impact", "int_chat__messages.author_id"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"If {SILVER}.author_id (chat-platform, in release 1) changes:" in told
    assert "To tell: community-insights" in told and "9 are made of it" in told
    assert invoke(["impact", f"{SILVER}.autor_id"]) == 1
    assert "author_id" in capsys.readouterr().err


def test_the_command_tells_where_personal_data_is(
    branch: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    found = asked(capsys, "lineage", "personal-data", f"{IRC}.author")
    [flow] = found["flows"]
    by = {f"{one['dataset']}.{one['column']}": one for one in flow["landings"]}
    assert by[f"{PEOPLE}.user_id"]["state"] == "declared"
    ended = by[f"{HEALTH}.new_authors"]
    assert (ended["state"], ended["how"][:21]) == ("ended", "They are only counted")
    assert invoke(["lineage", "personal-data"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"{IRC}.author confidential yes 7 6 0 chat-platform" in told
    assert invoke(["lineage", "personal-data", "dim_users"]) == 0
    assert "gold.community.dim_users.name: personal, confidential, made of bronze.chat.users.name" in capsys.readouterr().out  # fmt: skip


def test_a_leak_is_found_before_any_run_and_on_the_map_after_one(
    branch: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    path = branch.settings.dbt_path / "models/marts/community/fct_messages.sql"
    replaced(
        path, "messages.platform,", "coalesce(messages.platform, messages.author_id) as platform,"
    )
    assert invoke(["check", "--json"]) == 1
    [finding] = [f for f in json.loads(capsys.readouterr().out) if f["check"] == "flows"]
    text = branch.contracts[FACTS].path.read_text("utf-8").splitlines()
    place, _, line = finding["place"].rpartition(":")
    assert place == str(branch.contracts[FACTS].path)
    assert text[int(line) - 1].strip() == "- name: platform"
    assert f"{SILVER}.author_id -> (identity) {FACTS}.platform. From" in finding["problem"]
    assert not run(Project.open(branch.settings.root)).problems
    found = personal(lineage_store.reader_for(branch), f"{SILVER}.author_id")
    states = {str(one.column): one.state for one in found.flows[0].landings}
    assert states[f"{FACTS}.platform"] == "undeclared"
    assert invoke(["lineage", "personal-data"]) == 0
    assert f"lands undeclared: {SILVER}.author_id -> {FACTS}.platform" in capsys.readouterr().out
