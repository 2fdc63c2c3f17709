"""Discord exports beside the IRC corpus, against accounts that import nothing of ours."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from headgate.core import json as hjson
from headgate.lake.engines.duckdb import connect
from headgate.lineage import log
from headgate.lineage.names import nodes
from headgate.orchestration.project import Project
from headgate.orchestration.report import RunReport
from headgate.orchestration.run import run
from headgate.quality.outcome import BatchOutcome
from tests.e2e import oracle, oracle_discord, released
from tests.e2e.test_corpus import headgate

IRC = "bronze.irc.messages"
GITHUB = "bronze.engineering.github_events"
MESSAGES = "bronze.chat.messages"
DISCORD = tuple(oracle_discord.KEYS)
Export = dict[str, Any]


@pytest.fixture
def fixtures(real_data: Path) -> list[Path]:
    """Seven exports of two guilds: real ones of version 2.47, and synthetic ones of earlier forms."""
    return sorted((real_data / "discord_export_fixtures").rglob("*.json"))


def rows(project: Project, dataset: str, columns: list[str]) -> list[dict[str, Any]]:
    """The table's rows by these columns; JSON as what it means."""
    snapshot = project.lake.snapshot(dataset)
    assert snapshot is not None, dataset
    with connect(project.settings) as con:
        found = con.execute(
            f"SELECT {', '.join(columns)} FROM {snapshot.relation()} ORDER BY ALL"
        ).fetchall()
    return [_meant(dict(zip(columns, row, strict=True))) for row in found]


def _meant(row: dict[str, Any]) -> dict[str, Any]:
    nested = oracle_discord.NESTED & row.keys()
    return row | {n: None if row[n] is None else json.loads(row[n]) for n in nested}


def _by_text(row: dict[str, Any]) -> str:
    return json.dumps(row, default=str, sort_keys=True)


def check_bronze(project: Project, exports: list[Path]) -> None:
    """Every table of Discord holds what the exports, taken in this order, say."""
    for dataset, expected in oracle_discord.bronze(exports).items():
        columns = [c.name for c in project.contracts[dataset].columns]
        found = rows(project, dataset, [*columns, "_rescued"]) if expected else []
        assert sorted(found, key=_by_text) == sorted(
            ({**row, "_rescued": None} for row in expected), key=_by_text
        ), dataset


@pytest.mark.xdist_group("corpus")
def test_discord_irc_and_github_in_one_run(
    project: Project,
    irc_corpus: Path,
    corpus_account: dict[str, oracle.Table],
    fixtures: list[Path],
    real_data: Path,
) -> None:
    events = real_data / "events_github" / "github_events_2021-07-21.jsonl"
    with gzip.open(irc_corpus, "rb") as source:
        read = {IRC: sum(1 for _ in source), GITHUB: len(events.read_bytes().splitlines())}
    assert read == {IRC: 220_463, GITHUB: 800}
    for dataset in DISCORD:
        read[dataset] = sum(oracle_discord.counted(path)[dataset] for path in fixtures)
    given = [f"{IRC}={irc_corpus}", f"{GITHUB}={events}"]
    given += [f"{dataset}={path}" for dataset in DISCORD for path in fixtures]

    report = hjson.loads(
        headgate(project, "run", *(part for g in given for part in ("--source", g)), "--json")
    )

    assert not report["problems"]
    found = dict.fromkeys(read, 0)
    for batch in report["batches"]:
        found[batch["dataset"]] += batch["read"]
        assert (batch["quarantined"], batch["refused"]) == (0, 0), batch
    assert found == read
    for entry in (*report["batches"], *report["models"]):
        counted = [entry[k] for k in ("published", "quarantined", "deduplicated", "refused")]
        assert entry["read"] == sum(counted)
    check_bronze(project, fixtures)
    discord = discord_account(fixtures)
    assert len(discord[oracle.SILVER]) == 1 + 24
    released.agrees(project, oracle.together(corpus_account, discord))
    _check_lineage(project)


def discord_account(exports: list[Path]) -> dict[str, oracle.Table]:
    """Every curated table that the exports, taken in this order, must give."""
    bronze = oracle_discord.bronze(exports)
    return oracle.gold(
        others=oracle_discord.silver(bronze[MESSAGES]),
        users=bronze["bronze.chat.users"],
        channels=bronze["bronze.chat.channels"],
    )


def _check_lineage(project: Project) -> None:
    """No node is neither a contract nor a source that one declares."""
    known = nodes(project.contracts.values(), project.settings.lake_name)
    seen = {
        (end["namespace"], end["name"])
        for event in log.read(project.lake.root / project.settings.lineage_file)
        for end in (*event.get("inputs", ()), *event.get("outputs", ()))
    }
    assert seen and seen <= set(known)


class Exporter:
    """Exports of one channel, written beside each other; ``change`` is what one differs in."""

    def __init__(self, project: Project, form: Path) -> None:
        self.project, self.folder = project, project.settings.root / "exports"
        self.folder.mkdir()
        self.form: Export = json.loads(form.read_text("utf-8"))
        self.taken: list[Path] = []

    def write(self, name: str, at: str, **values: Any) -> Path:
        """An export made at ``at``; ``values`` replace parts of the document."""
        document = copy.deepcopy(self.form) | {"exportedAt": at} | values
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False), "utf-8")
        return path

    def take(self, *paths: Path, models: bool = False) -> RunReport:
        """Run over these exports."""
        self.taken += paths
        sources = {"bronze.chat.*": [str(p) for p in paths]}
        return run(self.project, sources=sources, select=() if models else DISCORD)

    def messages(self) -> list[Export]:
        """The messages of the form, to be changed."""
        found: list[Export] = copy.deepcopy(self.form["messages"])
        return found


@pytest.fixture
def exporter(project: Project, fixtures: list[Path]) -> Exporter:
    """Exports of a channel with a reply, an edit, a file, an embed, and reactions of both kinds."""
    (form,) = (p for p in fixtures if p.name == "simple_channel.json")
    return Exporter(project, form)


def batch_of(report: RunReport, dataset: str) -> BatchOutcome:
    """The one batch of a dataset."""
    (found,) = (b for b in report.batches if b.dataset == dataset)
    return found


def warned(batch: BatchOutcome) -> dict[str, int]:
    """Breaches by rule."""
    assert batch.verdict is not None
    return {r.rule_id: r.breaches for r in batch.verdict.results if r.breaches}


def test_an_export_taken_again_changes_nothing(exporter: Exporter) -> None:
    first = exporter.write("first", "2024-06-15T10:30:00+00:00")
    taken = exporter.take(first).batches
    # What is referred to is taken first, so that nothing seems to lack what it refers to.
    assert [b.dataset.rpartition(".")[2] for b in taken] == [
        "guilds", "channels", "messages", "attachments", "reactions", "users",
    ]  # fmt: skip
    assert not any(rule.endswith("foreign_key") for b in taken for rule in warned(b))
    assert not exporter.take(first).batches

    later = exporter.write("later", "2024-06-16T10:30:00+00:00")
    report = exporter.take(later)

    assert {b.dataset: b.published for b in report.batches} == dict.fromkeys(DISCORD, 0)
    assert all(b.read == b.deduplicated for b in report.batches)
    check_bronze(exporter.project, exporter.taken)


def test_a_newer_export_wins_whenever_it_comes(exporter: Exporter) -> None:
    """An edit, a late message, a new name and more reactions reach gold; older exports do not."""
    edited = exporter.messages()
    edited[0] |= {"content": "Hello all!", "timestampEdited": "2024-06-16T08:00:00+02:00"}
    edited[1]["reactions"][0]["count"] = 4
    edited[3]["author"]["nickname"] = "Robert"
    late = copy.deepcopy(edited[1]) | {"id": "900000000000000006", "content": "And again"}
    late["timestamp"] = "2024-01-17T00:00:00.5+00:00"
    late["author"] = edited[3]["author"]
    older = exporter.messages()
    older[0]["content"] = "Helo"
    ways = [
        exporter.write("first", "2024-06-15T10:30:00+00:00"),
        exporter.write(
            "newer", "2024-06-17T10:30:00+00:00", messages=[*edited, late], messageCount=6
        ),
        exporter.write("older", "2024-06-14T10:30:00+00:00", messages=older),
    ]

    for way in ways:
        assert not exporter.take(way, models=way.stem != "older").problems

    check_bronze(exporter.project, exporter.taken)
    (nickname,) = (
        r["nickname"]
        for r in rows(exporter.project, "bronze.chat.users", ["user_id", "nickname"])
        if r["user_id"] == "400000000000000002"
    )
    assert nickname == "Robert"
    released.agrees(exporter.project, discord_account(exporter.taken))


def test_ids_and_kinds_may_be_numbers(exporter: Exporter) -> None:
    """Beyond 2**53, where a reader that makes floats of them gives other ids."""
    messages = exporter.messages()
    for number, message in enumerate(messages):
        message["id"] = 1506019502616477787 + number
        message["author"]["id"] = int(message["author"]["id"]) + 2**60 + 1
    messages[1] |= {"type": 19}
    messages[1]["reference"]["messageId"] = 1506019502616477787
    channel = exporter.form["channel"] | {"id": 1506019498094891121, "type": 11}
    path = exporter.write("numbers", "2026-06-15T10:30:00Z", messages=messages, channel=channel)

    report = exporter.take(path)

    assert all(b.quarantined == b.refused == 0 for b in report.batches)
    check_bronze(exporter.project, [path])
    ids = [r["message_id"] for r in rows(exporter.project, MESSAGES, ["message_id"])]
    assert ids == [f"15060195026164777{n}" for n in range(87, 92)]


def test_kinds_that_nobody_knows_are_taken_and_told(exporter: Exporter) -> None:
    messages = exporter.messages()
    messages[0]["type"], messages[2]["type"] = "HologramCall", 99
    channel = exporter.form["channel"] | {"type": "GuildHologram"}
    path = exporter.write("kinds", "2024-06-15T10:30:00Z", messages=messages, channel=channel)

    report = exporter.take(path)

    assert warned(batch_of(report, MESSAGES))["type.known"] == 2
    assert warned(batch_of(report, "bronze.chat.channels"))["type.known"] == 1
    check_bronze(exporter.project, [path])


def test_fields_that_nobody_knows_are_kept_and_told(exporter: Exporter) -> None:
    """Each where it belongs: a new field of the author is the users', one of an emoji the reactions'."""
    messages = exporter.messages()
    messages[1]["poll"] = {"question": "Tea?", "answers": ["yes", "no"]}
    messages[1]["reference"]["isCrosspost"] = False
    messages[1]["author"]["pronouns"] = "they"
    messages[1]["reactions"][0]["emoji"]["isSuper"] = True
    path = exporter.write("fields", "2024-06-15T10:30:00Z", messages=messages, theme="dark")

    report = exporter.take(path)

    rescued = {
        dataset: [
            json.loads(r["_rescued"]) for r in rows(exporter.project, dataset, ["_rescued"])
            if r["_rescued"]
        ]
        for dataset in DISCORD
    }  # fmt: skip
    assert {d: r for d, r in rescued.items() if r} == {
        MESSAGES: [
            {
                "poll": {"question": "Tea?", "answers": ["yes", "no"]},
                "reference": {"isCrosspost": False},
            }
        ],
        "bronze.chat.reactions": [{"emoji": {"isSuper": True}}],
    }
    told = {b.dataset: warned(b).get("read.unknown_field") for b in report.batches}
    # The author is told of with every message, and the last of them says nothing of pronouns.
    assert {d: n for d, n in told.items() if n} == {
        MESSAGES: 2, "bronze.chat.reactions": 1, "bronze.chat.users": 1,
    }  # fmt: skip


def test_an_export_whose_count_is_wrong_is_refused_as_a_whole(exporter: Exporter) -> None:
    path = exporter.write("short", "2024-06-15T10:30:00Z", messageCount=6)

    report = exporter.take(path)

    refused = batch_of(report, MESSAGES)
    assert (refused.outcome, refused.read, refused.refused) == ("refused", 5, 5)
    assert refused.verdict is not None
    (broken,) = (r for r in refused.verdict.failed if r.severity == "fail")
    assert broken.rule_id == "control_total"
    assert exporter.project.lake.snapshot(MESSAGES) is None
    assert batch_of(report, "bronze.chat.reactions").published == 2


def test_a_channel_without_messages_is_a_channel(exporter: Exporter) -> None:
    path = exporter.write("empty", "2024-06-15T10:30:00Z", messages=[], messageCount=0)

    report = exporter.take(path)

    assert not report.problems
    assert [b.outcome for b in report.batches if b.outcome == "refused"] == []
    check_bronze(exporter.project, [path])


def test_where_exports_are_whole_what_one_lacks_is_deleted(exporter: Exporter) -> None:
    """One property of the contract; messages of other channels stay."""
    path = exporter.project.contracts[MESSAGES].path
    whole = "{snapshot: true, scope: [channel_id]}"
    path.write_text(f"{path.read_text()}  - {{property: headgate.delivery, value: {whole}}}\n")
    exporter.project = Project.open(exporter.project.settings.root)
    others = [m | {"id": f"8{m['id'][1:]}"} for m in exporter.messages()]
    channel = exporter.form["channel"] | {"id": "222222222222222299"}
    exporter.take(
        exporter.write("first", "2024-06-15T10:30:00Z"),
        exporter.write("other", "2024-06-15T10:30:00Z", messages=others, channel=channel),
    )
    left = exporter.messages()[2:]

    report = exporter.take(
        exporter.write("later", "2024-06-16T10:30:00Z", messages=left, messageCount=3)
    )

    assert not report.problems
    assert [r["message_id"] for r in rows(exporter.project, MESSAGES, ["message_id"])] == sorted(
        m["id"] for m in (*left, *others)
    )
