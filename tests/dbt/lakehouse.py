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
from headgate.orchestration import building, curating
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt.result import DbtResult
from headgate.orchestration.order import topological
from headgate.orchestration.project import Project

BRONZE = "bronze.irc.messages"
DISCORD = "bronze.chat.messages"
USERS = "bronze.chat.users"
CHANNELS = "bronze.chat.channels"
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


def profile(guild_id: str, user_id: str, **values: Any) -> Row:
    """An account of Discord, as a guild knows it."""
    usual = {
        "guild_id": guild_id, "user_id": user_id, "name": f"user{user_id}", "nickname": None,
        "is_bot": False, "exported_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    }  # fmt: skip
    return usual | values


def channel(channel_id: str, **values: Any) -> Row:
    """A channel of Discord."""
    usual = {
        "channel_id": channel_id, "guild_id": "1", "type": "GuildTextChat", "name": "general",
        "parent_id": None, "topic": None, "exported_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    }  # fmt: skip
    return usual | values


@dataclass
class Lakehouse:
    """One project in one run; ``lines``, ``posts``, ``users`` and ``channels`` are what its bronze
    tables must hold."""

    project: Project
    lines: dict[Key, Line] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)
    users: dict[tuple[str, str], Row] = field(default_factory=dict)
    channels: dict[str, Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.project.lake.make()
        session = Session(self.project.lake, connect(self.project.settings), ids.new_id())
        emitter = Emitter(self.project.lake.root / "events.jsonl", "test")
        self.context = RunContext(self.project, session, emitter)

    def close(self) -> None:
        """Let go of the engine."""
        self.context.session.con.close()

    def reopen(self) -> None:
        """Go on in another run, under contracts and code as they are now."""
        self.close()
        self.project = Project.open(self.project.settings.root)
        self.__post_init__()

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

    def put_users(self, users: Sequence[Row]) -> None:
        """Deliver accounts of Discord: new ones are inserted, known ones are edited."""
        self.users |= {(u["guild_id"], u["user_id"]): u for u in users}
        self._merge(USERS, users)

    def delete_users(self, keys: Sequence[tuple[str, str]]) -> None:
        """Take accounts of Discord away."""
        for key in keys:
            del self.users[key]
        gone = ", ".join(str(key) for key in keys)
        self._rewrite(USERS, f"(guild_id, user_id) NOT IN ({gone})")

    def put_channels(self, channels: Sequence[Row]) -> None:
        """Deliver channels of Discord: new ones are inserted, known ones are edited."""
        self.channels |= {c["channel_id"]: c for c in channels}
        self._merge(CHANNELS, channels)

    def delete_channels(self, ids: Sequence[str]) -> None:
        """Take channels of Discord away."""
        for one in ids:
            del self.channels[one]
        self._rewrite(CHANNELS, f"channel_id NOT IN ({', '.join(repr(i) for i in ids)})")

    def compact(self) -> None:
        """Write the same rows into one file a table."""
        for dataset in (BRONZE, DISCORD, USERS, CHANNELS):
            if self.table(dataset) is not None:
                self._rewrite(dataset, "TRUE")

    def build(self, *models: str) -> DbtResult:
        """Build models in their order, and test them; those of :data:`MODELS` if none is named."""
        wanted, contracts = models or MODELS, self.project.contracts
        order = topological(curating.graph_of(self.project))
        return building.build(self.context, [d for d in order if contracts[d].model in wanted])

    def curate(self) -> list[str]:
        """Build what is stale, transforms among the models; gives sentences for what failed."""
        graph = curating.graph_of(self.project)
        return curating.curate(self.context, curating.stale(self.context, graph, set(graph)))

    def table(self, dataset: str) -> Snapshot | None:
        """The dataset as this run sees it."""
        return self.context.snapshot(dataset)

    def rows(self, dataset: str, columns: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """The dataset's rows by key, in these columns.

        Without any, in those of the contract, and the first row names them.
        """
        table, contract = self.table(dataset), self.project.contracts[dataset]
        assert table is not None
        names = columns or [c.name for c in contract.columns]
        found = self.context.session.con.execute(
            f"SELECT {identifiers(names)} FROM {table.relation()} ORDER BY {identifiers(contract.key)}"
        ).fetchall()
        return found if columns or not found else [tuple(names), *found]

    def _merge(self, dataset: str, rows: Sequence[Row]) -> None:
        if not rows:
            return
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
