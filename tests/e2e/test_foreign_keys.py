"""Foreign keys between sources: a missing parent is waited for, warned of or quarantined."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from headgate.quality.quarantine import counts, list_rows
from tests.conftest import REPOSITORY

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {id}
version: 1.0.0
status: active
description: {{purpose: For tests.}}
team: {{name: tests}}
schema:
  - name: t
    dataGranularityDescription: One row is one thing.
    properties:
      - {{name: id, logicalType: integer, primaryKey: true, classification: internal, description: Its id.}}
{more}
customProperties:
  - {{property: headgate.source, value: {{format: jsonl}}}}
  - {{property: headgate.maxQuarantineShare, value: 1}}
"""
CHILD = """      - name: parent
        logicalType: integer
        classification: internal
        description: Its parent.
        relationships:
          - to: bronze.test.parents.id
            customProperties: [{{property: headgate.missingParent, value: {policy}}}]"""


def lay_out(folder: Path, policy: str) -> Project:
    for name, more in (("parents", ""), ("children", CHILD.format(policy=policy))):
        place = folder / "data_contracts" / name
        place.mkdir(parents=True)
        text = CONTRACT.format(id=f"bronze.test.{name}", more=more)
        (place / "contract.odcs.yaml").write_text(text)
    shutil.copytree(REPOSITORY / "data_contracts" / "ledger", folder / "data_contracts" / "ledger")
    (folder / "headgate.toml").write_text("")
    return Project.open(folder)


def lines(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return str(path)


def rows(project: Project) -> list[tuple[int, int | None]]:
    snapshot = project.lake.snapshot("bronze.test.children")
    assert snapshot is not None
    with connect(project.settings) as con:
        return con.execute(f"SELECT id, parent FROM {snapshot.relation()} ORDER BY 1").fetchall()


CHILDREN: list[dict[str, object]] = [
    {"id": 1, "parent": 10},
    {"id": 2, "parent": 20},
    {"id": 3, "parent": None},
]


@pytest.mark.parametrize("policy", ["wait", "quarantine", "warn"])
def test_a_child_before_its_parent(tmp_path: Path, policy: str) -> None:
    project = lay_out(tmp_path / "p", policy)
    first = lines(tmp_path / "parents1.jsonl", [{"id": 10}])
    kids = lines(tmp_path / "kids.jsonl", CHILDREN)
    assert run(project, sources={"bronze.test.parents": [first]}).exit_code == 0
    report = run(project, sources={"bronze.test.children": [kids]})
    assert report.exit_code == 0, report.problems
    contract = project.contracts["bronze.test.children"]
    if policy == "warn":
        assert rows(project) == [(1, 10), (2, 20), (3, None)]
        (verdict,) = [
            r
            for b in report.batches
            if b.verdict
            for r in b.verdict.results
            if r.kind == "foreign_key"
        ]
        assert (verdict.severity, verdict.passed, verdict.breaches) == ("warn", False, 1)
        return
    assert rows(project) == [(1, 10), (3, None)]
    assert counts(project.lake, contract) == [("parent.foreign_key", "open", 1)]

    second = lines(tmp_path / "parents2.jsonl", [{"id": 20}])
    assert run(project, sources={"bronze.test.parents": [second]}).exit_code == 0

    waited = policy == "wait"
    assert rows(project) == [(1, 10), *([(2, 20)] if waited else []), (3, None)]
    assert bool(list_rows(project.lake, contract)) is not waited
    if waited:
        assert counts(project.lake, contract) == [("parent.foreign_key", "replayed", 1)]
