"""A project with chat lines in its bronze table, changed as real deliveries change it, and dbt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from headgate.contracts import types
from headgate.core import clock, ids
from headgate.lake.commit import commit
from headgate.lake.engines.duckdb import connect, identifiers
from headgate.lake.merge import Plan, merge_by_key
from headgate.lake.meta import CommitMeta
from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot, relation
from headgate.lake.stage import StagedFile, stage
from headgate.lineage.emitter import Emitter
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt import runner
from headgate.orchestration.dbt.runner import DbtResult
from headgate.orchestration.project import Project

BRONZE = "bronze.irc.messages"
DISCORD = "bronze.chat.messages"
SILVER = "silver.chat.messages"
MESSAGES = "gold.community.fct_messages"
DAILY = "gold.community.fct_channel_activity_daily"
MODELS = ("int_chat__messages", "fct_messages", "fct_channel_activity_daily")

Line = dict[str, Any]
Key = tuple[str, int]
Post = dict[str, Any]
Row = dict[str, Any]


def line(file: str, number: int, date: dt.date, **values: Any) -> Line:
    """A log line, a plain message unless ``values`` say otherwise."""
    usual = {
        "file": file, "line": number, "channel": "#ubuntu", "time": "10:00", "author": "u_1",
        "type": "message", "text": "hello", "reply_to": None, "date": date,
    }  # fmt: skip
    return usual | values


def post(message_id: str, sent_at: dt.datetime, **values: Any) -> Post:
    """A message of Discord, a plain one unless ``values`` say otherwise."""
    usual = {
        "message_id": message_id, "guild_id": "1", "channel_id": "2", "author_id": "3",
        "type": "Default", "sent_at": sent_at, "edited_at": None, "is_pinned": False,
        "content": "hello", "reference_type": None, "reference_message_id": None,
        "exported_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    }  # fmt: skip
    return usual | values


@dataclass
class Lakehouse:
    """One project in one run; ``lines`` and ``posts`` are what its bronze tables must hold."""

    project: Project
    lines: dict[Key, Line] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.project.lake.make()
        session = Session(self.project.lake, connect(self.project.settings), ids.new_id())
        emitter = Emitter(self.project.lake.root / "events.jsonl", "test")
        self.context = RunContext(self.project, session, emitter)

    def close(self) -> None:
        """Let go of the engine."""
        self.context.session.con.close()

    def put(self, lines: Sequence[Line]) -> None:
        """Deliver lines: new ones are inserted, known ones are edited."""
        self.lines |= {(r["file"], r["line"]): r for r in lines}
        self._merge(BRONZE, lines)

    def put_posts(self, posts: Sequence[Post]) -> None:
        """Deliver messages of Discord: new ones are inserted, known ones are edited."""
        self.posts |= {p["message_id"]: p for p in posts}
        self._merge(DISCORD, posts)

    def delete(self, keys: Sequence[Key]) -> None:
        """Take lines away."""
        for key in keys:
            del self.lines[key]
        gone = ", ".join(f"('{file}', {number})" for file, number in keys)
        self._rewrite(BRONZE, f"(file, line) NOT IN ({gone})")

    def delete_posts(self, ids: Sequence[str]) -> None:
        """Take messages of Discord away."""
        for one in ids:
            del self.posts[one]
        self._rewrite(DISCORD, f"message_id NOT IN ({', '.join(repr(i) for i in ids)})")

    def compact(self) -> None:
        """Write the same rows into one file a table."""
        for dataset in (BRONZE, DISCORD):
            if self.table(dataset) is not None:
                self._rewrite(dataset, "TRUE")

    def build(self, *models: str) -> DbtResult:
        """Build models with dbt; all of them if none is named."""
        return runner.build(self.context, models=models or MODELS)

    def table(self, dataset: str) -> Snapshot | None:
        """The dataset as this run sees it."""
        return self.context.snapshot(dataset)

    def rows(self, dataset: str) -> list[tuple[Any, ...]]:
        """The dataset's rows by key, in the contract's columns; the first row names them."""
        table, contract = self.table(dataset), self.project.contracts[dataset]
        assert table is not None
        names = [c.name for c in contract.columns]
        found = self.context.session.con.execute(
            f"SELECT {identifiers(names)} FROM {table.relation()} ORDER BY {identifiers(contract.key)}"
        ).fetchall()
        return [tuple(names), *found] if found else []

    def _merge(self, dataset: str, rows: Sequence[Row]) -> None:
        base, contract = self.table(dataset), self.project.contracts[dataset]
        plan = merge_by_key(
            self.context.session.con, base, self._stage(dataset, rows),
            columns=contract.table_columns, key=contract.key, order_column=None,
            folder=self.context.session.staging, settings=self.project.settings,
        )  # fmt: skip
        self._commit(dataset, base, plan)

    def _stage(self, dataset: str, rows: Sequence[Row]) -> list[StagedFile]:
        columns = self.project.contracts[dataset].table_columns
        schema = pa.schema([(c, types.arrow_type(t)) for c, t in columns.items()])
        own: Mapping[str, Any] = {"_batch_id": ids.new_id(), "_ingested_at": clock.now()}
        table = pa.Table.from_pylist([{**dict.fromkeys(columns), **own, **r} for r in rows], schema)
        con = self.context.session.con
        con.register("given", table)
        try:
            folder = self.context.session.staging
            return stage(con, "SELECT * FROM given", columns, folder, self.project.settings)
        finally:
            con.unregister("given")

    def _rewrite(self, dataset: str, kept: str) -> None:
        base, con = self.table(dataset), self.context.session.con
        assert base is not None
        columns = self.project.contracts[dataset].table_columns
        files = stage(
            con, f"SELECT * FROM {relation(base.files, columns)} WHERE {kept}",
            columns, self.context.session.staging, self.project.settings,
        )  # fmt: skip
        self._commit(dataset, base, Plan(tuple(files), base.files, 0))

    def _commit(self, dataset: str, base: Snapshot | None, plan: Plan) -> None:
        contract = self.project.contracts[dataset]
        meta = CommitMeta(
            batch_id=ids.new_id(), run_id=self.context.run_id, dataset=dataset, kind="ingest",
            mode="merge", source="test", content_hash=ids.new_id(), contract_hash=contract.hash,
            contract_version=contract.version, committed_at=clock.now(),
        )  # fmt: skip
        snapshot = commit(
            self.project.lake, dataset, base=base, columns=contract.table_columns, add=plan.add,
            remove=plan.remove, meta=meta, key=contract.key,
        )  # fmt: skip
        self.context.session.advance(snapshot)
