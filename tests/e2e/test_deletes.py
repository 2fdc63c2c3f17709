"""What deliveries delete, by tombstones and by absence from a snapshot, against a plain dictionary."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from headgate.core.errors import ContractError
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from headgate.quality.outcome import BatchOutcome
from tests.conftest import REPOSITORY

DATASET = "bronze.test.things"
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: things
name: bronze.test.things
version: 1.0.0
status: active
description: {purpose: For tests.}
team: {name: tests}
schema:
  - name: things
    dataGranularityDescription: One row is one thing.
    properties:
      - {name: id, logicalType: integer, primaryKey: true, classification: internal, description: Id.}
      - {name: room, logicalType: string, required: true, classification: internal, description: Room.}
      - name: size
        logicalType: integer
        classification: internal
        description: Size.
        logicalTypeOptions: {minimum: 0}
      - {name: op, logicalType: string, classification: internal, description: What happened.}
      - name: exported_at
        logicalType: integer
        classification: internal
        description: When it was delivered.
        customProperties: [{property: headgate.ofDelivery, value: true}]
customProperties:
  - {property: headgate.source, value: {format: jsonl}}
  - {property: headgate.maxQuarantineShare, value: 1}
  - {property: headgate.orderColumn, value: exported_at}
"""
Row = dict[str, Any]


def lakehouse(folder: Path, delivery: str) -> Project:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data_contracts" / "things").mkdir(parents=True)
    (folder / "data_contracts" / "things" / "contract.odcs.yaml").write_text(
        CONTRACT + f"  - {{property: headgate.delivery, value: {delivery}}}\n"
    )
    ledger = REPOSITORY / "data_contracts" / "ledger"
    shutil.copytree(ledger, folder / "data_contracts" / "ledger")
    (folder / "headgate.toml").write_text("")
    return Project.open(folder)


def deliver(project: Project, name: str, rows: list[Row | str]) -> BatchOutcome:
    file = project.settings.root / name
    file.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    (batch,) = run(project, sources={DATASET: [str(file)]}).batches
    assert batch.read == batch.published + batch.quarantined + batch.deduplicated + batch.refused
    return batch


def stored(project: Project) -> dict[int, Row]:
    snapshot = project.lake.snapshot(DATASET)
    if snapshot is None:
        return {}
    names = ("id", "room", "size", "op")
    with connect(project.settings) as con:
        rows = con.execute(f"SELECT {', '.join(names)} FROM {snapshot.relation()}").fetchall()
    found = {r[0]: dict(zip(names, r, strict=True)) for r in rows}
    assert len(found) == len(rows)
    return found


def thing(chance: random.Random, key: int, at: int) -> Row:
    return {"id": key, "room": chance.choice("abc"), "size": chance.randrange(9), "op": None,
            "exported_at": at}  # fmt: skip


def content(row: Row) -> Row:
    return {k: v for k, v in row.items() if k != "exported_at"}


@pytest.mark.parametrize("seed", range(3))
def test_tombstones_equal_a_dictionary(tmp_path: Path, seed: int) -> None:
    project = lakehouse(tmp_path / "p", "{tombstone: \"op = 'gone'\"}")
    chance, model = random.Random(seed), dict[int, Row]()
    for step in range(7):
        rows: list[Row | str] = []
        published = repeated = 0
        for key in chance.sample(range(30), 12):
            row = thing(chance, key, step)
            if key in model and chance.random() < 0.3:
                row = {**model[key], "exported_at": step}
            if chance.random() < 0.4:
                # A tombstone says its key and no more: what is required of rows is not of it.
                row = {"id": key, "op": "gone", "exported_at": step}
            rows.append(row)
            if row["op"] == "gone":
                effective = model.pop(key, None) is not None
            else:
                effective = model.get(key) != content(row)
                model[key] = content(row)
            published, repeated = published + effective, repeated + (not effective)
        batch = deliver(project, f"{step}.jsonl", rows)
        assert (batch.published, batch.deduplicated) == (published, repeated)
        assert stored(project) == model


@pytest.mark.parametrize("scope", ["", "room"])
@pytest.mark.parametrize("seed", range(2))
def test_snapshots_equal_a_dictionary(tmp_path: Path, seed: int, scope: str) -> None:
    project = lakehouse(tmp_path / "p", f"{{snapshot: true, scope: [{scope}]}}")
    chance, model = random.Random(seed), dict[int, Row]()
    for step in range(7):
        rooms = chance.sample("abc", 2)
        rows = [thing(chance, k, step) for k in chance.sample(range(40), 15)]
        rows = [{**r, "room": chance.choice(rooms)} for r in rows]
        faulty = [{**r, "size": -1} for r in rows[:2]] if step % 2 else []
        batch = deliver(project, f"{step}.jsonl", [*faulty, *rows[len(faulty) :]])
        assert batch.quarantined == len(faulty)
        # What was set aside was delivered: the row of its key stays as it was.
        delivered = {r["id"] for r in rows}
        taken = rows[len(faulty) :]
        touched = {r["room"] for r in taken}
        model = {
            k: v for k, v in model.items() if k in delivered or (scope and v["room"] not in touched)
        }
        model |= {r["id"]: content(r) for r in taken}
        assert stored(project) == model


def test_a_snapshot_that_cannot_be_read_in_full_deletes_nothing(tmp_path: Path) -> None:
    project = lakehouse(tmp_path / "p", "{snapshot: true}")
    chance = random.Random(1)
    rows = [thing(chance, k, 1) for k in range(10)]
    deliver(project, "a.jsonl", list(rows))
    batch = deliver(project, "b.jsonl", [*rows[:4], "{not json"])
    assert batch.quarantined == 1
    assert len(stored(project)) == 10
    assert batch.verdict is not None
    (told,) = [r for r in batch.verdict.results if r.rule_id == "snapshot_deletes"]
    assert (told.severity, told.passed, told.breaches) == ("warn", False, 1)
    deliver(project, "b.jsonl", list(rows[:4]))  # mended, and delivered again
    assert sorted(stored(project)) == [0, 1, 2, 3]


def test_what_is_older_deletes_nothing_that_is_newer(tmp_path: Path) -> None:
    chance = random.Random(2)
    for delivery, late in (
        ("{tombstone: \"op = 'gone'\"}", {"id": 1, "op": "gone", "exported_at": 3}),
        ("{snapshot: true}", thing(chance, 7, 3)),
    ):
        project = lakehouse(tmp_path / "p", delivery)
        deliver(project, "new.jsonl", [thing(chance, 1, 5), thing(chance, 2, 5)])
        deliver(project, "late.jsonl", [late])
        assert {1, 2} <= stored(project).keys()


def test_an_empty_snapshot_deletes_nothing(tmp_path: Path) -> None:
    project = lakehouse(tmp_path / "p", "{snapshot: true}")
    chance = random.Random(3)
    deliver(project, "a.jsonl", [thing(chance, k, 1) for k in range(5)])
    deliver(project, "b.jsonl", [])
    assert len(stored(project)) == 5


@pytest.mark.parametrize(
    ("delivery", "told"),
    [
        ("{snapshots: true}", "headgate.delivery"),
        ("{snapshot: true, scope: [rooms]}", "scope names no column: rooms"),
        ("{scope: [room]}", "scope is for snapshots"),
    ],
)
def test_a_delivery_that_means_nothing_is_refused(tmp_path: Path, delivery: str, told: str) -> None:
    with pytest.raises(ContractError, match=told):
        _ = lakehouse(tmp_path / "p", delivery).contracts
