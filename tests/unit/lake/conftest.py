"""A lake of one's own, and a short way to commit rows to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headgate.contracts import types
from headgate.core import clock, ids
from headgate.core import settings as core_settings
from headgate.lake.commit import commit
from headgate.lake.engines.duckdb import Connection, connect
from headgate.lake.lake import Lake
from headgate.lake.merge import Plan, merge_by_key
from headgate.lake.meta import CommitMeta
from headgate.lake.snapshot import Snapshot
from headgate.lake.stage import StagedFile, stage

DATASET = "bronze.test.things"
COLUMNS = {"id": "long", "day": "date", "text": "string", "n": "long", "_at": "long"}


@dataclass
class Bench:
    """A lake with a connection, and rows as plain tuples."""

    lake: Lake
    con: Connection

    def staged(
        self, rows: Sequence[tuple[Any, ...]], columns: dict[str, str] | None = None
    ) -> list[StagedFile]:
        """The rows, staged."""
        columns = columns or COLUMNS
        schema = pa.schema([(c, types.arrow_type(t)) for c, t in columns.items()])
        table = pa.Table.from_pylist([dict(zip(columns, r, strict=True)) for r in rows], schema)
        self.con.register("given", table)
        try:
            return stage(
                self.con, "SELECT * FROM given", columns, self.lake.staging("t"), self.lake.settings
            )
        finally:
            self.con.unregister("given")

    def meta(self, **values: Any) -> CommitMeta:
        """An account that balances."""
        given: dict[str, Any] = {
            "batch_id": ids.new_id(), "run_id": "t", "dataset": DATASET, "kind": "ingest",
            "mode": "merge", "source": "s", "content_hash": "", "contract_version": "1",
            "contract_hash": "h", "committed_at": clock.now(),
        }  # fmt: skip
        return CommitMeta(**(given | values))

    def write(
        self, plan: Plan, base: Snapshot | None, columns: dict[str, str] | None = None
    ) -> Snapshot:
        """Commit a plan."""
        return commit(self.lake, DATASET, base=base, columns=columns or COLUMNS, add=plan.add,
                      remove=plan.remove, meta=self.meta(), key=("id",))  # fmt: skip

    def merge(self, rows: Sequence[tuple[Any, ...]], order_column: str | None = None) -> Plan:
        """Merge rows by id and commit."""
        base = self.lake.snapshot(DATASET)
        plan = merge_by_key(self.con, base, self.staged(rows), columns=COLUMNS, key=("id",),
                            order_column=order_column, folder=self.lake.staging("t"),
                            settings=self.lake.settings)  # fmt: skip
        self.write(plan, base)
        return plan

    def rows(self, version: int | None = None) -> list[tuple[Any, ...]]:
        """The table's rows in order."""
        snapshot = self.lake.snapshot(DATASET, version)
        assert snapshot is not None
        return self.con.execute(f"SELECT * FROM {snapshot.relation()} ORDER BY ALL").fetchall()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An empty lake."""
    (tmp_path / "headgate.toml").write_text("")
    lake = Lake(core_settings.load(tmp_path, environ={}))
    lake.make()
    with connect(lake.settings) as con:
        yield Bench(lake, con)
