"""One table as it stood when it was looked at: its log entry by entry, and the versions that follow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from headgate.core import json as hjson
from headgate.core.json import loads
from headgate.lake.engines.duckdb import Connection, literal
from headgate.lake.lake import Lake, log_key
from headgate.lake.lognames import CHECKPOINT, ENTRY
from headgate.lake.meta import CommitMeta
from headgate.lake.snapshot import DataFile, Snapshot, app_id
from headgate.orchestration.verifying.tablelog import (
    Entry,
    Live,
    State,
    from_checkpoint,
    parse,
)


@dataclass
class Pinned:
    """A dataset's table, or its quarantine, at the versions that its log had.

    ``begins`` is the version that the replay begins at: 0, or that of a checkpoint where earlier
    entries were cleaned away. ``rows_at`` and ``misfits`` tell rows, and actions that do not fit,
    by version, ``former`` every file that a version ever had; ``states`` hold the versions that were asked for, and the newest that can be read.
    """

    dataset: str
    key: str
    uri: str
    quarantine: bool
    entries: dict[int, Entry] = field(default_factory=dict)
    checkpoints: dict[int, State | str] = field(default_factory=dict)
    pointer: bytes | None = None
    begins: int = 0
    missing: tuple[int, ...] = ()
    rows_at: dict[int, int] = field(default_factory=dict)
    columns_at: dict[int, Mapping[str, str]] = field(default_factory=dict)
    misfits: dict[int, list[str]] = field(default_factory=dict)
    states: dict[int, State] = field(default_factory=dict)
    summed: dict[int, State] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    former: dict[str, Live] = field(default_factory=dict)
    last: int = -1

    @property
    def newest(self) -> int:
        """The newest version that the log names, readable or not; -1 if there is none."""
        return max((*self.entries, *self.checkpoints), default=-1)

    @property
    def whole(self) -> bool:
        """Whether every version up to the newest could be replayed."""
        return self.last == self.newest and self.last >= 0

    @property
    def head(self) -> State | None:
        """The newest version, if it could be replayed."""
        return self.states.get(self.last) if self.whole else None

    def place(self, version: int) -> str:
        """Where the log entry of a version lies."""
        return log_key(self.key, version)

    def metas(self) -> list[tuple[int, CommitMeta]]:
        """The commits of ours that can be read, oldest first, with their versions."""
        return [(v, e.meta) for v, e in sorted(self.entries.items()) if e.meta is not None]

    def snapshot(self, state: State, *, without: Collection[str] = ()) -> Snapshot:
        """A version as the other rooms read it, less some files."""
        meta = next((m for v, m in reversed(self.metas()) if v <= state.version), None)
        return Snapshot(
            self.dataset, state.version, state.columns,
            tuple(self.data_file(state, p) for p in sorted(state.files) if p not in without),
            meta, state.transactions.get(app_id(self.dataset), 0),
        )  # fmt: skip

    def data_file(self, state: State, path: str) -> DataFile:
        """A live file as engines open it."""
        live = state.files[path]
        nulls: Any = live.stats.get("nullCount") or {}
        return DataFile(path, f"{self.uri}/{path}", live.size, live.rows or 0, {}, {}, nulls)


def pin(lake: Lake, dataset: str, *, quarantine: bool = False) -> Pinned | None:
    """Read the table's log as it is now; None if there is no table."""
    key = lake.key(dataset, quarantine=quarantine)
    names = lake.storage.names(f"{key}/_delta_log")
    if not names:
        return None
    found = Pinned(dataset, key, lake.storage.uri(key), quarantine)
    for name in names:
        if entry := ENTRY.fullmatch(name):
            version = int(entry[1])
            found.entries[version] = parse(version, lake.storage.read(log_key(key, version)))
        elif checkpoint := CHECKPOINT.fullmatch(name):
            found.checkpoints[int(checkpoint[1])] = "it was not read"
    found.pointer = lake.storage.read(f"{key}/_delta_log/_last_checkpoint")
    return found


def replay(con: Connection, table: Pinned, wanted: Collection[int]) -> None:
    """Replay the log, keeping the states of the ``wanted`` versions and of the newest.

    Stops before the first entry that is missing or cannot be read.
    """
    for version in table.checkpoints:
        table.checkpoints[version] = _summed_up(con, table, version)
    oldest = min(table.entries, default=-1)
    state = State()
    if oldest != 0:
        ready = [v for v, s in sorted(table.checkpoints.items()) if isinstance(s, State)]
        later = [v for v in ready if all(n in table.entries for n in range(v + 1, table.newest))]
        if not (later or ready):
            table.missing = tuple(range(max(oldest, 0))) or (0,)
            return
        table.begins = (later or ready)[0]
        start = table.checkpoints[table.begins]
        assert isinstance(start, State)
        state = start.copy()
        _keep(table, state, wanted)
    first = 0 if oldest == 0 else table.begins + 1
    table.missing = tuple(v for v in range(first, table.newest + 1) if v not in table.entries)
    for version in range(first, table.newest + 1):
        entry = table.entries.get(version)
        if entry is None or entry.problem:
            break
        wrong = state.apply(entry)
        if wrong:
            table.misfits[version] = wrong
        _keep(table, state, wanted)
    if table.last >= 0:
        table.states[table.last] = state if state.version == table.last else state.copy()


def _keep(table: Pinned, state: State, wanted: Collection[int]) -> None:
    table.last = state.version
    table.rows_at[state.version] = state.rows
    table.columns_at[state.version] = state.columns
    for live in state.files.values():
        if live.since == state.version:
            table.former.setdefault(live.path, live)
            if live.checksum:
                table.checksums[live.path] = live.checksum
    if state.version in wanted:
        table.states[state.version] = state.copy()
    if state.version in table.checkpoints:
        table.summed[state.version] = state.copy()


def _summed_up(con: Connection, table: Pinned, version: int) -> State | str:
    """What the checkpoint holds, or why it cannot be read."""
    import duckdb

    path = f"{table.uri}/_delta_log/{version:020d}.checkpoint.parquet"
    try:
        found = con.execute(f"SELECT * FROM read_parquet({literal(path)})")
        names = [d[0] for d in found.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        return from_checkpoint(version, rows)
    except (duckdb.Error, ValueError, KeyError, TypeError) as error:
        return (str(error).splitlines() or ["it cannot be read"])[0]


def pointed(table: Pinned) -> int | None:
    """The version that ``_last_checkpoint`` names.

    Raises:
        ValueError: it names none.
    """
    if table.pointer is None:
        return None
    try:
        return int(loads(table.pointer)["version"])
    except (ValueError, KeyError, TypeError):
        raise ValueError("it does not name a version") from None


def canonical(value: object) -> str:
    """A JSON value as one text, for comparing."""
    return hjson.dumps(value)
