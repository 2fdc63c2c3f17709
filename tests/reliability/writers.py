"""One writer of several: does seeded work on one dataset through the real doors, and keeps its account.

``python -m tests.reliability.writers FOLDER SEED NUMBER COUNT`` waits for a line on its input, then
works until it has tried ``COUNT`` commits, and writes what each piece of work was and what came of it
to ``FOLDER/NUMBER.jsonl``.
"""

from __future__ import annotations

import dataclasses
import json
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from headgate.contracts import types
from headgate.contracts.load import from_document, load
from headgate.contracts.model import Contract
from headgate.core import clock, ids
from headgate.core import settings as core_settings
from headgate.core.errors import ConflictError
from headgate.lake import checkpoint, ledger, unnamed
from headgate.lake.engines.duckdb import Connection, connect
from headgate.lake.lake import Lake
from headgate.lake.maintenance import compaction, history, sweeping
from headgate.lake.maintenance.releases import expired
from headgate.lake.merge import Plan, merge_by_key, replace_scope
from headgate.lake.release import FOLDER, ReleaseStore
from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot
from headgate.lake.stage import StagedFile, stage
from headgate.quality import gate, quarantine

DATASET = "bronze.test.things"
LEDGER = (
    Path(__file__).resolve().parents[2] / "data_contracts/ledger/system_runs/contract.odcs.yaml"
)
#: How many releases maintenance keeps here; their versions must stay readable.
KEPT_RELEASES = 50
#: What is done, and how often of a hundred times.
WORK = {
    "merge": 30, "race": 8, "append": 12, "scope": 6, "whole": 1, "compaction": 6, "upkeep": 6,
    "release": 32, "ledger": 5, "quarantine compaction": 3,
}  # fmt: skip
#: What an account has that is of a commit, to the dataset, its quarantine or a ledger.
COMMITS = ("version", "quarantine_version", "entered")
Row = tuple[int, int, str]


def contract() -> Contract:
    """A dataset of three columns, two of which are its key."""
    properties = [
        {"name": "part", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 1},
        {"name": "id", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 2},
        {"name": "value", "logicalType": "string"},
    ]
    for prop in properties:
        prop |= {"description": "Something.", "classification": "internal"}
    table = {"name": "t", "dataGranularityDescription": "One row is one.", "properties": properties}
    source = [{"property": "headgate.source", "value": {"format": "jsonl"}}]
    return from_document(Path("c.yaml"), {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "things", "name": DATASET,
        "version": "1.0.0", "status": "active", "team": {"name": "test"}, "schema": [table],
        "customProperties": source,
    })  # fmt: skip


def digest(rows: list[Row]) -> str:
    """What sorted rows are compared by."""
    return ids.digest(json.dumps(rows))


def lake_at(folder: Path) -> Lake:
    """The lake that all write to: what is history goes after half a second."""
    settings = dataclasses.replace(
        core_settings.load(folder, environ={}), threads=1, lock_wait_seconds=300.0,
        history_keep_days=0.5 / 86_400, orphan_keep_days=120 / 86_400, release_keep_days=0,
        release_keep_count=KEPT_RELEASES,
    )  # fmt: skip
    return Lake(settings)


@dataclass
class Writer:
    """One process's work."""

    lake: Lake
    con: Connection
    number: int
    rng: random.Random
    contract: Contract = field(default_factory=contract)
    step: int = 0
    tries: int = 0

    def __post_init__(self) -> None:
        self.session = Session(self.lake, self.con, f"writer-{self.number}")
        self.ledger = {ledger.RUNS: load(LEDGER)}

    def work(self) -> dict[str, Any]:
        """The next piece of work, and what came of it."""
        self.step, self.tries = self.step + 1, 0
        what = self.rng.choices(list(WORK), list(WORK.values()))[0]
        account: dict[str, Any] = {"what": what, "writer": self.number, "step": self.step}
        try:
            account |= getattr(self, f"do_{what.replace(' ', '_')}")()
        except ConflictError as error:
            account |= {"lost": str(error)}
        return account | {"tries": self.tries}

    def do_merge(self) -> dict[str, Any]:
        """Rows of keys that others write as well, some of them refused."""
        keys = self.rng.sample(
            [(p, i) for p in range(4) for i in range(20)], self.rng.randint(1, 6)
        )
        refused = self.rng.randint(1, 3) if self.rng.random() < 0.3 else 0
        return self._publish([(p, i, self._value()) for p, i in keys], self._by_key, refused)

    def do_race(self) -> dict[str, Any]:
        """A key that nobody has yet, and all try to add at about the same time."""
        return self._publish([(9, self.step // 8, self._value())], self._by_key)

    def do_append(self) -> dict[str, Any]:
        """Rows that only this writer has."""
        first = 1_000 + (self.number * 100_000 + self.step) * 10
        rows = [(self.rng.randrange(4), first + i, self._value()) for i in range(3)]
        return self._publish(rows, lambda staged: lambda base: Plan(tuple(staged), (), len(rows)))

    def do_scope(self) -> dict[str, Any]:
        """All rows of a part, replaced."""
        part = self.rng.randrange(4)
        rows = [(part, i, self._value()) for i in self.rng.sample(range(20), 5)]

        def planner(staged: list[StagedFile]) -> gate.Planner:
            return lambda base: replace_scope(
                self.con, base, staged, columns=self.contract.table_columns, column="part",
                values=f"(SELECT {part}::BIGINT AS part)", folder=self.session.staging,
                settings=self.lake.settings,
            )  # fmt: skip

        return self._publish(rows, planner) | {"part": part}

    def do_whole(self) -> dict[str, Any]:
        """The whole table, replaced."""
        rows = [(p, i, self._value()) for p in range(4) for i in self.rng.sample(range(20), 4)]

        def plan(staged: list[StagedFile], base: Snapshot | None) -> Plan:
            gone = base.files if base else ()
            return Plan(tuple(staged), gone, len(rows), deleted=base.rows if base else 0)

        return self._publish(rows, lambda staged: lambda base: plan(staged, base))

    def do_compaction(self, *, quarantined: bool = False) -> dict[str, Any]:
        """Small files put together."""
        done = compaction.compact(
            self.con, self.lake, DATASET, run_id=self.session.run_id,
            key=() if quarantined else self.contract.key, quarantine=quarantined,
        )  # fmt: skip
        if done is None:
            return {}
        found = {"batch": done.meta.batch_id, "version": done.snapshot.version}
        return {f"quarantine_{k}": v for k, v in found.items()} if quarantined else found

    def do_quarantine_compaction(self) -> dict[str, Any]:
        """The same of the quarantine."""
        return self.do_compaction(quarantined=True)

    def do_upkeep(self) -> dict[str, Any]:
        """Releases expired, the log cut short, and what nobody can read removed, as by maintenance."""
        lake, key, run = self.lake, self.lake.key(DATASET), self.session.run_id
        with lake.run_lock(run, "upkeep"):
            store = ReleaseStore(lake)
            old = expired(store, lake.settings)
            lake.storage.remove(FOLDER, [f"{r.id:020d}.json" for r in old])
            log = history.read(lake, key)
            if not log.entries:
                return {}
            if log.since_checkpoint >= history.WORTH:
                checkpoint.write(lake, key, log.entries[-1], run)
                log = history.read(lake, key)
            found = history.cut(lake, log, history.pinned(lake).get(key, set()))
            if found is not None:
                history.clean(lake, log, found, run)
            swept = sweeping.table(lake, key, unnamed.pins(lake))
            lake.storage.remove(key, swept.names)
        return {"cut": found.version if found else None, "swept": len(swept.names)}

    def do_release(self) -> dict[str, Any]:
        """The newest version, released."""
        with self.lake.run_lock(self.session.run_id, "release"):
            snapshot = self.lake.snapshot(DATASET)
            if snapshot is None:
                return {}
            store = ReleaseStore(self.lake)
            newest = store.newest()
            if newest and newest.versions[DATASET] == snapshot.version:
                return {}
            query = f"SELECT part, id, value FROM {snapshot.relation(['part', 'id', 'value'])}"
            rows = sorted(self.con.execute(query).fetchall())
            moved = {DATASET: (snapshot, "test")}
            made = store.publish(newest, moved, run_id=self.session.run_id)
        return {"release": made.id, "released": snapshot.version, "held": digest(rows)}

    def do_ledger(self) -> dict[str, Any]:
        """A row of one's own, and one that all enter."""
        names = [ids.new_id(), f"shared-{self.step // 4}"]
        rows = [
            {"run_id": n, "started_at": clock.now(), "ended_at": clock.now(), "outcome": "published",
             "release_id": None, "datasets": 1, "command": "test"} for n in names
        ]  # fmt: skip
        ledger.append(self.con, self.lake, self.ledger, ledger.RUNS, rows, self.session.run_id)
        return {"entered": names}

    def _publish(self, rows: list[Row], planner: Any, refused: int = 0) -> dict[str, Any]:
        batch_id, source = ids.new_id(), f"file-{self.rng.randrange(5)}"
        content = ids.digest(batch_id)
        staged = self._stage(rows, source, batch_id)
        set_aside = quarantine.Writer(
            self.con, self.contract, self.session, source, content, batch_id
        )
        for position in range(refused):
            set_aside.add(position, "{oops", [{"code": "test", "column": None, "detail": "x"}])
        intake = gate.Intake(len(rows) + refused, list(staged), set_aside)
        batch = gate.Batch(
            contract=self.contract, batch_id=batch_id, kind="ingest", mode="merge", source=source,
            content_hash=content, limited=False,
        )  # fmt: skip
        plan = planner(staged)

        def counted(base: Snapshot | None) -> Plan:
            self.tries += 1
            found: Plan = plan(base)
            return found

        self.session.refresh(DATASET)  # as a run that begins now
        outcome, meta = gate.publish(
            self.session, self.con, batch, intake, counted, supersedes=True
        )
        detail = {k: meta.detail[k] for k in ("inserted", "updated", "deleted")}
        return {"batch": batch_id, "version": outcome.version, "rows": rows, "source": source,
                "content": content, "set_aside": set_aside.row_ids, **detail}  # fmt: skip

    def _by_key(self, staged: list[StagedFile]) -> gate.Planner:
        return lambda base: merge_by_key(
            self.con, base, staged, columns=self.contract.table_columns, key=self.contract.key,
            order_column=None, folder=self.session.staging, settings=self.lake.settings,
            compared=self.contract.content,
        )  # fmt: skip

    def _stage(self, rows: list[Row], source: str, batch_id: str) -> list[StagedFile]:
        columns = self.contract.table_columns
        schema = pa.schema([(c, types.arrow_type(t)) for c, t in columns.items()])
        given = [
            {"part": p, "id": i, "value": v, "_source": source, "_position": n,
             "_batch_id": batch_id, "_ingested_at": clock.now()}
            for n, (p, i, v) in enumerate(rows)
        ]  # fmt: skip
        full = [{c: row.get(c) for c in columns} for row in given]
        self.con.register("_given", pa.Table.from_pylist(full, schema))
        try:
            return stage(
                self.con, "SELECT * FROM _given", columns, self.session.staging, self.lake.settings
            )
        finally:
            self.con.unregister("_given")

    def _value(self) -> str:
        return f"{self.number}.{self.step}.{self.rng.randrange(1_000_000)}"


def main(folder: str, seed: str, number: str, count: str) -> None:
    """Work, once told to begin."""
    history.WORTH = 8
    lake = lake_at(Path(folder))
    with connect(lake.settings) as con, open(Path(folder) / f"{number}.jsonl", "w") as out:
        writer = Writer(lake, con, int(number), random.Random(f"{seed}/{number}"))
        print("ready", flush=True)
        sys.stdin.readline()
        left = int(count)
        while left:
            account = writer.work()
            left -= any(account.get(k) is not None for k in COMMITS) or "lost" in account
            out.write(json.dumps(account) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
