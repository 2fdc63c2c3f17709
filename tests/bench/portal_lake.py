"""Fills the lake of the measured portal: tables, quarantines, ledgers of a year, releases, lineage."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from headgate.contracts.model import Contract
from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.lake.commit import commit
from headgate.lake.engines.duckdb import Connection, connect, identifier, literal
from headgate.lake.meta import CommitMeta
from headgate.lake.release import FOLDER, Release, ReleasedTable
from headgate.lake.session import Session
from headgate.lake.stage import stage
from headgate.lineage.store.opening import open_store
from headgate.orchestration import lineage_store
from headgate.orchestration.project import Project
from headgate.quality import quarantine
from tests.bench.lineage_databases import Place
from tests.bench.lineage_platform import Platform
from tests.bench.lineage_stream import stream
from tests.bench.lineage_taking import fill as fill_store

ROWS = 200
#: Each so many-th dataset has a table that can be opened; of the others ledgers and releases tell.
EACH = 5
#: Of a thousand datasets so many have rows in quarantine.
_QUARANTINED = 30
_KEPT_RELEASES = 8
_VALUES = {
    "string": "'value ' || (i % 17)", "long": "i", "integer": "i::INTEGER", "double": "i / 8.0",
    "boolean": "i % 2 = 0", "json": "NULL::VARCHAR",
    "timestamp": "TIMESTAMPTZ '2026-01-01' + to_seconds(i)",
}  # fmt: skip


def fill(root: Path, whole: Platform, *, events: int) -> datetime:
    """Fill the lake of the project at ``root`` but its ledgers; gives when it is now there."""
    now = clock.now()
    names = [d for d in Project.open(root).contracts if not d.startswith("system.")]
    with_table = opened(names)
    said("tables", len(with_table))
    size = -(-len(with_table) // (os.cpu_count() or 1))
    parts = [(root, with_table[n : n + size]) for n in range(0, len(with_table), size)]
    with ProcessPoolExecutor(len(parts)) as pool:
        made = {d: f for found in pool.map(_tables, parts) for d, f in found.items()}
    files = {d: made.get(d, ()) for d in names}
    said("releases", _KEPT_RELEASES)
    _releases(Project.open(root), files, now)
    said("events of lineage", events)
    where = lineage_store.where(Project.open(root).settings)
    Path(where).parent.mkdir(exist_ok=True)
    with closing(open_store(where)) as store:
        fill_store([Place("sqlite", str(where), store)], islice(stream(whole), events), events)
    return now


def said(what: str, count: int) -> None:
    """Tell what is being made."""
    print(f"{time.strftime('%H:%M:%S')} {count:,} {what}", file=sys.stderr, flush=True)


@contextmanager
def unsynced() -> Iterator[None]:
    """Within the block nothing waits for the disk: a lake to measure need not last."""
    real, os.fsync = os.fsync, lambda fd: None
    try:
        yield
    finally:
        os.fsync = real


def opened(datasets: Sequence[str]) -> list[str]:
    """Those that have a table."""
    return list(datasets[::EACH])


def _tables(part: tuple[Path, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Write some of the tables; gives their data files."""
    root, datasets = part
    project = Project.open(root)
    found = {}
    with unsynced(), connect(project.settings) as con:
        session = Session(project.lake, con, ids.new_id())
        for number, contract in enumerate(project.contracts[d] for d in datasets):
            found[contract.id] = _table(session, con, contract)
            if number * 7 % 1000 < _QUARANTINED * EACH:
                _refuse(session, con, contract, 1 + number % 200)
    return found


def _table(session: Session, con: Connection, contract: Contract) -> tuple[str, ...]:
    columns = dict(contract.table_columns)
    listed = ", ".join(
        f"{_VALUES[t].replace('i %', 'i * 1 %')} AS {identifier(c)}" for c, t in columns.items()
    )
    files = stage(con, f"SELECT {listed} FROM range({ROWS}) t(i)", columns,
                  session.staging, session.lake.settings)  # fmt: skip
    snapshot = commit(session.lake, contract.id, base=None, columns=columns, add=files, remove=(),
                      meta=meta_of(contract), key=contract.key)  # fmt: skip
    return tuple(f.path for f in snapshot.files)


def meta_of(contract: Contract) -> CommitMeta:
    """What a commit of made-up rows to a dataset says of itself."""
    kind = "ingest" if contract.source else "model"
    return CommitMeta(
        batch_id=ids.new_id(), run_id=ids.new_id(), dataset=contract.id, kind=kind, mode="append",
        source="made up", content_hash="", contract_version=contract.version,
        contract_hash=contract.hash, committed_at=clock.now(), read=ROWS, published=ROWS,
    )  # fmt: skip


def _refuse(session: Session, con: Connection, contract: Contract, rows: int) -> None:
    writer = quarantine.Writer(con, contract, session, "made_up.jsonl", "0" * 64, ids.new_id())
    column = contract.columns[1].name
    for position in range(1, rows + 1):
        reason = {"code": "required", "column": column, "detail": "is missing"}
        writer.add(position, hjson.dumps({column: None, "at": position}), [reason])
    writer.flush()
    quarantine.put(session, con, contract, writer.files, meta_of(contract))


def _releases(project: Project, files: dict[str, tuple[str, ...]], now: datetime) -> None:
    """The newest releases, one a day, as files; the ledger has those of a year."""
    last = 365
    for number in range(last - _KEPT_RELEASES + 1, last + 1):
        tables = {
            d: ReleasedTable(
                0 if number == last else number % 2 + 1, d.split(".")[1],
                ROWS if number == last or n % 500 else ROWS * 3, "1.2", f,
            )
            for n, (d, f) in enumerate(files.items())
        }  # fmt: skip
        release = Release(number, number - 1, ids.new_id(), "publish",
                          now - timedelta(days=last - number, minutes=5), tables)  # fmt: skip
        with unsynced():
            project.lake.storage.put(f"{FOLDER}/{number:020d}.json", release.to_json().encode())


def ledger_rows(
    con: Connection, project: Project, ledger: str, query: str, run_id: str, ordered: str
) -> None:
    """Append the rows of a query (columns by name) to a ledger, as one commit."""
    contract = project.contracts[ledger]
    columns: dict[str, Any] = dict(contract.table_columns)
    listed = ", ".join(identifier(c) for c in columns)
    folder = project.lake.staging(run_id)
    staged = stage(con, f"SELECT {listed} FROM ({query}) ORDER BY {ordered}", columns, folder,
                   project.settings)  # fmt: skip
    count = sum(f.rows for f in staged)
    meta = CommitMeta(
        batch_id=ids.new_id(), run_id=run_id, dataset=ledger, kind="ledger", mode="append",
        source="run", content_hash="", contract_version=contract.version,
        contract_hash=contract.hash, committed_at=clock.now(), read=count, published=count,
    )  # fmt: skip
    base = project.lake.snapshot(ledger)
    commit(project.lake, ledger, base=base, columns=columns, add=staged, remove=(), meta=meta,
           key=contract.key)  # fmt: skip


def at_literal(at: datetime) -> str:
    """A moment as SQL."""
    return f"{literal(clock.iso(at))}::TIMESTAMPTZ"
