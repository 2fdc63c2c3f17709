"""Records of a document that a contract refused come back by replay as a clean run gives them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.replay import replay
from headgate.orchestration.run import run
from headgate.quality.quarantine import list_rows
from tests.conftest import REPOSITORY

DATASET = "bronze.chat.votes"
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: votes
name: bronze.chat.votes
version: 1.0.0
status: active
description: {purpose: For tests.}
team: {name: tests}
schema:
  - name: votes
    dataGranularityDescription: One row is one vote.
    properties:
      - {name: vote_id, physicalName: "@.by.id", logicalType: string, primaryKey: true,
         classification: internal, description: Id.}
      - {name: message_id, physicalName: "$.messages[*].id", logicalType: string,
         classification: internal, description: Message.}
      - {name: meta, physicalName: "$.messages[*].meta", logicalType: object,
         classification: internal, description: About it.}
      - {name: guild, physicalName: "$.guild.name", logicalType: string,
         classification: internal, description: Guild.}
      - {name: tags, logicalType: object, classification: internal, description: Tags.}
      - name: count
        logicalType: integer
        physicalType: bigint
        classification: internal
        description: How many.
        logicalTypeOptions: {minimum: LEAST}
customProperties:
  - property: headgate.source
    value: {format: json, records: "$.messages[*].votes[*]"}
  - {property: headgate.maxQuarantineShare, value: 1}
"""
OWN = "vote_id, message_id, meta, guild, tags, count, _rescued, _source, _position"


def lay_out(root: Path, least: int) -> Project:
    folder = root / "data_contracts/chat/bronze_votes"
    folder.mkdir(parents=True, exist_ok=True)
    text = CONTRACT.replace("LEAST", str(least))
    (folder / "contract.odcs.yaml").write_text(text)
    if not (root / "headgate.toml").exists():
        shutil.copytree(REPOSITORY / "data_contracts/ledger", root / "data_contracts/ledger")
        (root / "headgate.toml").write_text('lake = "lake"\n')
    return Project.open(root)


def rows(project: Project) -> list[tuple[Any, ...]]:
    snapshot = project.lake.snapshot(DATASET)
    assert snapshot is not None
    with connect(project.settings) as con:
        return con.execute(f"SELECT {OWN} FROM {snapshot.relation()} ORDER BY _position").fetchall()


def test_replay_gives_what_a_clean_run_gives(tmp_path: Path) -> None:
    votes = [
        {"by": {"id": str(n), "new": {"b": 1.50, "a": [n]}} if n % 4 == 0 else {"id": str(n)},
         "tags": {"é": [1, {"x": "y"}]}, "count": 2**40 if n % 5 == 0 else n % 7 - 2}
        for n in range(60)
    ]  # fmt: skip
    messages = [
        {"id": f"m{n}", "meta": {"k": "ü \" \n"}, "secret": "other", "votes": votes[n * 3 : n * 3 + 3]}
        for n in range(20)
    ]  # fmt: skip
    path = tmp_path / "day.json"
    path.write_text(
        json.dumps({"guild": {"name": "G", "x": 1}, "messages": messages}, indent=2), "utf-8"
    )
    clean = lay_out(tmp_path / "clean", -9)
    assert not run(clean, sources={DATASET: [str(path)]}).problems
    expected = rows(clean)
    assert len(expected) == 60
    assert sum(row[6] is not None for row in expected) == 15

    project = lay_out(tmp_path / "strict", 0)
    (batch,) = run(project, sources={DATASET: [str(path)]}).batches
    assert batch.read == 60
    assert batch.published == len(rows(project)) == 60 - batch.quarantined < 60
    kept = list_rows(project.lake, project.contracts[DATASET], limit=None)
    assert all("other" not in row.raw for row in kept)
    project = lay_out(tmp_path / "strict", -9)
    assert not replay(project, DATASET).problems
    assert rows(project) == expected
    assert not list_rows(project.lake, project.contracts[DATASET], limit=None)
