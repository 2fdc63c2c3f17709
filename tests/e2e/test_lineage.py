"""Lineage from end to end: a run records where every column comes from, and the command answers from it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from headgate.cli import lineage_view
from headgate.cli.main import invoke
from headgate.lineage import log, names
from headgate.lineage.graph_node import ROWS, Node
from headgate.orchestration import private_lakes
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from tests.conftest import make_project
from tests.e2e.oracle import STREAMED
from tests.unit.lineage.openlineage_spec import Spec

IRC = "bronze.irc.messages"
DISCORD = "bronze.chat.messages"
USERS = "bronze.chat.users"
LINES = [
    {"file": "log.txt", "line": n, "channel": "#ubuntu", "time": f"10:0{n}", "author": f"u_{n % 2}",
     "type": "message", "text": f"hello {n}", "date": "2008-01-07", "reply_to": [n - 1] if n else None}
    for n in range(4)
]  # fmt: skip
EXPORT = {
    "guild": {"id": "1", "name": "g", "iconUrl": ""},
    "channel": {"id": "2", "type": "GuildTextChat", "categoryId": "3", "category": "c", "name": "ch",
                "topic": None},
    "dateRange": {"after": None, "before": None},
    "exportedAt": "2024-01-02T00:00:00+00:00",
    "messages": [
        {"id": "10", "type": "Default", "timestamp": "2024-01-01T10:00:00+00:00",
         "timestampEdited": None, "callEndedTimestamp": None, "isPinned": False, "content": "hi",
         "author": {"id": "7", "name": "n", "discriminator": "0000", "nickname": "nick",
                    "color": None, "isBot": False, "roles": [], "avatarUrl": ""},
         "attachments": [], "embeds": [], "stickers": [], "reactions": [], "mentions": []}
    ],
    "messageCount": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project after one run over a few lines of IRC and a small export of Discord."""
    folder = tmp_path_factory.mktemp("lineage")
    project = make_project(folder / "project")
    irc, discord = folder / "irc.jsonl", folder / "discord.json"
    irc.write_text("".join(json.dumps(line) + "\n" for line in LINES), "utf-8")
    discord.write_text(json.dumps(EXPORT), "utf-8")
    report = run(project, sources={IRC: [str(irc)], DISCORD: [str(discord)], USERS: [str(discord)]})
    assert not report.problems
    assert not report.notes
    return project


@pytest.fixture
def asked(
    built: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Runs the command in that project, and gives its exit code and all that it prints."""
    monkeypatch.setenv("HEADGATE_ROOT", str(built.settings.root))

    def ask(*arguments: str) -> tuple[int, str]:
        code = invoke(arguments)
        told = capsys.readouterr()
        return code, told.out + told.err

    return ask


def events(project: Project) -> list[dict[str, Any]]:
    return list(log.read(project.lake.root / project.settings.lineage_file))


def test_every_curated_dataset_is_told_column_by_column(built: Project) -> None:
    told = {}
    for event in events(built):
        if event["eventType"] == "COMPLETE" and event["job"]["name"].endswith(".build"):
            told[event["outputs"][0]["name"]] = event
    curated = {c.id: c for c in built.contracts.curated}
    assert set(told) == set(curated) - STREAMED
    for dataset, event in told.items():
        fields = event["outputs"][0]["facets"]["columnLineage"]["fields"]
        assert set(fields) == set(curated[dataset].table_columns)
        assert ("sql" in event["job"]["facets"]) == (curated[dataset].model is not None)


def test_lineage_speaks_of_contracts_and_declared_sources_alone(built: Project) -> None:
    known = names.nodes(built.contracts.values(), built.settings.lake_name)
    found = set()
    for event in events(built):
        for side in ("inputs", "outputs"):
            for dataset in event.get(side, ()):
                found.add((dataset["namespace"], dataset["name"]))
                facet = dataset.get("facets", {}).get("columnLineage", {})
                inputs = [*facet.get("dataset", ())]
                for column in facet.get("fields", {}).values():
                    inputs += column["inputFields"]
                found |= {(i["namespace"], i["name"]) for i in inputs}
    assert found <= known
    assert {name for _, name in found} >= {c.id for c in built.contracts.curated}


def test_every_input_column_is_a_column_of_its_contract_and_of_an_input(built: Project) -> None:
    for event in events(built):
        read = {(i["namespace"], i["name"]) for i in event.get("inputs", ())}
        for output in event.get("outputs", ()):
            facet = output["facets"].get("columnLineage", {})
            inputs = [*facet.get("dataset", ())]
            for column in facet.get("fields", {}).values():
                inputs += column["inputFields"]
            for i in inputs:
                assert (i["namespace"], i["name"]) in read, i
                if i["namespace"] != names.FILE_NAMESPACE:
                    assert i["field"] in built.contracts[i["name"]].table_columns, i


def test_every_event_is_as_openlineage_asks(built: Project, real_data: Path) -> None:
    spec = Spec(real_data / "openlineage" / "spec")
    ended = [e for e in events(built) if e["eventType"] == "COMPLETE"]
    assert {e["job"]["name"].rpartition(".")[2] for e in ended} >= {
        "run",
        "ingest",
        "build",
        "gate",
    }
    for event in ended:
        assert spec.problems(event) == []


def test_the_command_leads_to_the_sources_and_to_what_follows(asked: Any) -> None:
    code, told = asked("lineage", "up", "dim_users.name")
    assert code == 0
    assert "bronze.chat.users.nickname  identity, conditional" in told
    assert "left out" in told
    code, told = asked("lineage", "down", "bronze.chat.messages.content", "--depth", "2")
    assert "gold.community.fct_messages.words  transformation" in told
    assert "fct_user_activity_daily" not in told
    code, told = asked("lineage", "down", "bronze.chat.users.exported_at", "--indirect")
    assert "gold.community.fct_user_retention_weekly (which rows)" in told
    code, told = asked("lineage", "up", "silver.chat.conversations")
    assert "bronze.irc.messages  build" in told


def test_programs_get_edges(asked: Any) -> None:
    code, told = asked("lineage", "up", "gold.community.dim_users.cohort_week", "--json")
    found = json.loads(told)
    assert code == 0
    assert found["start"] == {"dataset": "gold.community.dim_users", "column": "cohort_week"}
    assert found["untraced"] == []
    assert found["edges"][0] == {
        "from": {"dataset": "gold.community.fct_user_activity_daily", "column": "sent_date"},
        "to": found["start"],
        "ways": [{"type": "DIRECT", "subtype": "AGGREGATION"}],
        "job": "gold.community.dim_users.build",
        "depth": 1,
    }


def test_what_is_not_there_is_answered_with_the_nearest(asked: Any) -> None:
    code, told = asked("lineage", "up", "gold.community.dim_users.nam")
    assert code == 1
    assert "It has name" in told
    code, told = asked("lineage", "down", "gold.community.dim_user")
    assert code == 1
    assert "gold.community.dim_users" in told
    code, told = asked("lineage", "up", "bronze.engineering.github_events")
    assert code == 1
    assert "headgate run" in told


def test_before_any_run_the_command_says_what_makes_lineage(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["lineage", "up", "gold.community.dim_users"]) == 1
    assert "headgate run" in capsys.readouterr().err


def test_a_dataset_is_shown_with_what_each_column_is_made_from(asked: Any) -> None:
    code, told = asked("show", "lineage", "gold.community.fct_channel_activity_daily", "--json")
    rows = json.loads(told)
    assert code == 0
    assert {"column": "actions", "made from": "gold.community.fct_messages.is_action",
            "how": "indirect filter"} in rows  # fmt: skip
    assert rows[0] == {"column": "", "made from": "gold.community.fct_messages",
                       "how": "gold.community.fct_channel_activity_daily.build"}  # fmt: skip


def test_a_private_lake_answers_from_its_base_what_it_did_not_make(
    built: Project, asked: Any, tmp_path: Path
) -> None:
    mine = Project(dataclasses.replace(built.settings, lake=tmp_path / "mine", lake_name="mine"))
    private_lakes.begin(mine, "main")
    theirs = Project(dataclasses.replace(built.settings, lake=tmp_path / "x", lake_name="theirs"))
    own, base = lineage_view.graph_of(mine), lineage_view.graph_of(built)
    assert own.datasets == base.datasets
    for dataset in base.datasets:
        for column in ("", ROWS, *base.columns(dataset)):
            told = own.edges(Node(dataset, column), "up")
            assert told == base.edges(Node(dataset, column), "up"), (dataset, column)
    start = Node("gold.community.dim_users", "name")
    assert {str(f.edge.source) for f in own.walk(start, "up")} >= {"landing/discord.nickname"}
    assert own.named(start.dataset) == ("headgate://mine", start.dataset)
    assert lineage_view.graph_of(theirs).datasets == ()
