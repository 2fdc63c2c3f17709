"""GitHub's events, polymorphic and nested, against the standard library's reading of the lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.run import run

DATASET = "bronze.engineering.github_events"
COLUMNS = ("event_id", "type", "actor_id", "actor_login", "actor_display_login", "repo_id",
           "repo_name", "org_id", "org_login", "is_public", "created_at", "payload",
           "_rescued", "_position")  # fmt: skip


@pytest.fixture
def events(real_data: Path) -> Path:
    """800 events of three hours, 15 kinds, some with an organisation."""
    return real_data / "events_github" / "github_events_2021-07-21.jsonl"


def expected(event: dict[str, Any], position: int) -> dict[str, Any]:
    """What the table must say of an event."""
    org = event.get("org") or {}
    return {
        "event_id": event["id"],
        "type": event["type"],
        "actor_id": event["actor"]["id"],
        "actor_login": event["actor"]["login"],
        "actor_display_login": event["actor"]["display_login"],
        "repo_id": event["repo"]["id"],
        "repo_name": event["repo"]["name"],
        "org_id": org.get("id"),
        "org_login": org.get("login"),
        "is_public": event["public"],
        "created_at": datetime.strptime(event["created_at"], "%Y-%m-%dT%H:%M:%SZ").replace(
            tzinfo=UTC
        ),
        "payload": event["payload"],
        "_rescued": None,
        "_position": position,
    }


def stored(project: Project) -> list[dict[str, Any]]:
    """The table's rows in the order of the file, payloads as what they mean."""
    snapshot = project.lake.snapshot(DATASET)
    assert snapshot is not None
    with connect(project.settings) as con:
        rows = con.execute(
            f"SELECT {', '.join(COLUMNS)} FROM {snapshot.relation()} ORDER BY _position"
        ).fetchall()
    found = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    return [{**row, "payload": json.loads(row["payload"])} for row in found]


def test_every_event_is_there_with_its_values(project: Project, events: Path) -> None:
    given = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
    assert len(given) == 800

    report = run(project, sources={DATASET: [str(events)]}, select=[DATASET])

    (batch,) = report.batches
    assert (batch.read, batch.published, batch.quarantined) == (800, 800, 0)
    assert stored(project) == [expected(event, at) for at, event in enumerate(given, 1)]


def test_a_payload_is_one_text_without_white_space(project: Project, events: Path) -> None:
    """Names and numbers as they were written; what stands between them does not count."""
    path = project.settings.root / "events.jsonl"
    line = events.read_text("utf-8").splitlines()[0]
    payload = '{ "z": 1.50, "a": "\\u00e9 \\"x\\"", "deep": [ {"b" : [ ] } , null ] }'
    written = json.dumps({**json.loads(line), "payload": 0}).replace(
        '"payload": 0', '"payload": ' + payload
    )
    path.write_text(written + "\n")

    run(project, sources={DATASET: [str(path)]}, select=[DATASET])

    snapshot = project.lake.snapshot(DATASET)
    assert snapshot is not None
    with connect(project.settings) as con:
        (found,) = con.execute(f"SELECT payload FROM {snapshot.relation()}").fetchone() or ("",)
    assert found == '{"z":1.50,"a":"\\u00e9 \\"x\\"","deep":[{"b":[]},null]}'


def test_what_is_new_in_an_event_is_kept_and_told(project: Project, events: Path) -> None:
    lines = events.read_text("utf-8").splitlines()[:3]
    strange = json.loads(lines[0]) | {"id": "1", "reactions": {"rocket": 3}}
    strange["actor"] |= {"badge": "gold"}
    kind = json.loads(lines[1]) | {"id": "2", "type": "TeleportEvent"}
    path = project.settings.root / "events.jsonl"
    path.write_text("".join(json.dumps(e) + "\n" for e in (strange, kind)) + lines[2] + "\n")

    report = run(project, sources={DATASET: [str(path)]}, select=[DATASET])

    (batch,) = report.batches
    assert (batch.read, batch.published) == (3, 3)
    warned = {r.rule_id: r.breaches for r in batch.verdict.results if r.breaches}
    assert warned == {"read.unknown_field": 2, "type.known": 1}
    rescued = [row["_rescued"] for row in stored(project)]
    assert json.loads(rescued[0]) == {"actor": {"badge": "gold"}, "reactions": {"rocket": 3}}
    assert rescued[1:] == [None, None]
