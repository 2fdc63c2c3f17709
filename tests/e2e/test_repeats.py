"""Repeated keys, within a delivery and across deliveries, against a plain dictionary."""

from __future__ import annotations

import json
import random
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
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
      - {name: text, logicalType: string, classification: internal, description: Text.}
      - {name: revision, logicalType: integer, classification: internal, description: Order.}
customProperties:
  - {property: headgate.source, value: {format: jsonl}}
  - {property: headgate.maxQuarantineShare, value: 1}
"""
Row = tuple[int, str | None, int | None]


class Model:
    """What must be in the table, and the account of each delivery."""

    def __init__(self, ordered: bool, last_stays: bool) -> None:
        self.ordered, self.last_stays = ordered, last_stays
        self.rows: dict[int, Row] = {}

    def take(self, batch: list[Row]) -> dict[str, int]:
        by_key: dict[int, list[Row]] = defaultdict(list)
        for row in batch:
            by_key[row[0]].append(row)
        account = {"published": 0, "quarantined": 0, "deduplicated": 0}
        for key, rows in by_key.items():
            standing = rows
            if self.ordered:
                newest = max((r[2] for r in rows if r[2] is not None), default=None)
                standing = [r for r in rows if r[2] == newest]
            if self.last_stays:
                standing = standing[-1:]
            account["deduplicated"] += len(rows) - len(standing)
            if len(set(standing)) > 1:
                account["quarantined"] += len(standing)
                continue
            account["deduplicated"] += len(standing) - 1
            new, old = standing[0], self.rows.get(key)
            older = (
                self.ordered
                and old is not None
                and None not in (new[2], old[2])
                and new[2] < old[2]  # type: ignore[operator]
            )
            if new == old or older:
                account["deduplicated"] += 1
            else:
                account["published"] += 1
                self.rows[key] = new
        return account


def lay_out(folder: Path, ordered: bool, last_stays: bool) -> Project:
    place = folder / "data_contracts" / "things"
    place.mkdir(parents=True)
    order = "  - {property: headgate.orderColumn, value: revision}\n" if ordered else ""
    last = "  - {property: headgate.lastStays, value: true}\n" if last_stays else ""
    (place / "contract.odcs.yaml").write_text(CONTRACT + order + last)
    shutil.copytree(REPOSITORY / "data_contracts" / "ledger", folder / "data_contracts" / "ledger")
    (folder / "headgate.toml").write_text("")
    return Project.open(folder)


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("last_stays", [True, False])
@pytest.mark.parametrize("seed", range(2))
def test_repeats_end_as_the_dictionary_says(
    tmp_path: Path, ordered: bool, last_stays: bool, seed: int
) -> None:
    chance = random.Random(seed)
    project, model = lay_out(tmp_path / "p", ordered, last_stays), Model(ordered, last_stays)
    for number in range(5):
        batch: list[Row] = [
            (chance.randrange(25), chance.choice(["a", "b", None]), chance.choice([1, 2, 3, None]))
            for _ in range(40)
        ]
        path = tmp_path / f"{number}.jsonl"
        names = ("id", "text", "revision")
        path.write_text("".join(json.dumps(dict(zip(names, r, strict=True))) + "\n" for r in batch))
        report = run(project, sources={DATASET: [str(path)]})
        assert not report.problems
        (outcome,) = report.batches
        found: dict[str, Any] = {
            n: getattr(outcome, n) for n in ("published", "quarantined", "deduplicated")
        }
        assert found == model.take(batch)
        assert outcome.read == len(batch) == sum(found.values())
        snapshot = project.lake.snapshot(DATASET)
        assert snapshot is not None
        with connect(project.settings) as con:
            rows = con.execute(f"SELECT id, text, revision FROM {snapshot.relation()}").fetchall()
        assert sorted(rows, key=str) == sorted(model.rows.values(), key=str)
