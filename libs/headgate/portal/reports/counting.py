"""What the ledgers add up to, day by day, kept in memory: no page reads a ledger from its beginning."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import duckdb

from headgate.core.settings import Settings
from headgate.lake import ledger
from headgate.lake.engines.duckdb import Connection, connect
from headgate.lake.lake import Lake
from headgate.lake.snapshot import DataFile, Snapshot, relation

#: Files beyond which a ledger is read in the background while pages show what was there before.
_FEW_FILES = 50
#: What every contract has is told only where it was broken, so that no share can be made of it.
UNWRITTEN = ("read", "conflicting_key", "control_total", "max_quarantine_share", "snapshot_deletes")
_WRITTEN = (
    f"rule_kind NOT IN ({', '.join(repr(k) for k in UNWRITTEN)}) AND rule_id <> 'primary_key'"
)
#: Sums have a dataset's number, which groups fast and takes little room; views have its name.
_TABLES = """
CREATE TABLE names (dataset VARCHAR, n INT);
CREATE TABLE day_batches (n INT, day DATE, batches INT, refused_batches INT, read BIGINT,
  published BIGINT, quarantined BIGINT, deduplicated BIGINT, refused BIGINT);
CREATE TABLE day_judged (n INT, day DATE, judged INT, held INT);
CREATE TABLE day_broken (n INT, rule VARCHAR, kind VARCHAR, severity VARCHAR, field VARCHAR,
  written BOOLEAN, day DATE, times INT, breaches BIGINT, last_at TIMESTAMPTZ);
CREATE TABLE runs (run_id VARCHAR, started_at TIMESTAMPTZ, ended_at TIMESTAMPTZ, outcome VARCHAR,
  release_id BIGINT, datasets BIGINT, command VARCHAR);
CREATE TABLE working (run_id VARCHAR, first_at TIMESTAMPTZ, last_at TIMESTAMPTZ, batches INT,
  refused_batches INT);
CREATE VIEW batches AS SELECT dataset, b.* EXCLUDE n FROM day_batches b JOIN names ON names.n = b.n;
CREATE VIEW judged AS SELECT dataset, j.* EXCLUDE n FROM day_judged j JOIN names ON names.n = j.n;
CREATE VIEW broken AS SELECT dataset, r.* EXCLUDE n FROM day_broken r JOIN names ON names.n = r.n;
"""
#: By table: the ledger that it follows, the columns that it reads, and how.
_FOLLOWS: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "day_batches": (
        ledger.BATCHES,
        ("dataset", "committed_at", "outcome", "kind", "read", "published", "quarantined",
         "deduplicated", "refused"),
        "SELECT dataset, committed_at::DATE AS day, count(*), count(*) FILTER (WHERE outcome = 'refused'),"
        " sum(read), sum(published), sum(quarantined), sum(deduplicated), sum(refused) FROM {rows}"
        # What brings nothing new would count rows a second time.
        f" WHERE kind NOT IN ({', '.join(repr(k) for k in ledger.NOT_NEWS)}) GROUP BY 1, 2",
    ),
    "day_judged": (
        ledger.VERDICTS,
        ("dataset", "judged_at", "rule_id", "rule_kind", "passed"),
        "SELECT dataset, judged_at::DATE AS day, count(*), count(*) FILTER (WHERE passed) FROM {rows}"
        f" WHERE {_WRITTEN} GROUP BY 1, 2",
    ),
    "day_broken": (
        ledger.VERDICTS,
        ("dataset", "judged_at", "rule_id", "rule_kind", "severity", "column_name", "passed",
         "breaches"),
        "SELECT dataset, rule_id, any_value(rule_kind), any_value(severity), any_value(column_name),"
        f" bool_and({_WRITTEN}), judged_at::DATE AS day, count(*), sum(breaches), max(judged_at)"
        " FROM {rows} WHERE NOT passed GROUP BY dataset, rule_id, judged_at::DATE",
    ),
    "runs": (
        ledger.RUNS,
        ("run_id", "started_at", "ended_at", "outcome", "release_id", "datasets", "command"),
        "SELECT * FROM {rows}",
    ),
    "working": (
        ledger.BATCHES,
        ("run_id", "committed_at", "outcome"),
        "SELECT run_id, min(committed_at), max(committed_at), count(*),"
        " count(*) FILTER (WHERE outcome = 'refused') FROM {rows} GROUP BY 1",
    ),
}  # fmt: skip


class Counts:
    """Sums of a lake's ledgers in tables of an engine in memory; any thread may ask.

    ``batches`` and ``judged`` are by dataset and day, ``broken`` by rule besides (``day_batches`` and
    so on the same by the dataset's number in ``names``); ``runs`` are the ledger's, and ``working``
    has every run that judged a batch. What is asked must add rows up: a day may have several.
    """

    def __init__(self, settings: Settings) -> None:
        # A lake of its own: tables that are open are not for several threads.
        self._settings, self._lake = settings, Lake(settings)
        self._files: dict[str, dict[str, DataFile]] = {t: {} for t in _FOLLOWS}
        self._versions: dict[str, int | None] = {}
        self._seen: dict[str, Snapshot] = {}
        self._lock = threading.Lock()
        self._con: Connection | None = None
        self._numbers: Mapping[str, int] = {}
        self._behind: threading.Thread | None = None

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query over the tables, which are brought up to the ledgers first.

        Raises:
            LakeError: a ledger cannot be read.
        """
        con = self._brought_up()
        return con.cursor().execute(query, list(parameters)).fetchall()

    def entries(
        self,
        name: str,
        columns: Sequence[str],
        where: str,
        given: Sequence[Any] = (),
        *,
        between: tuple[str, str, str] | None = None,
        order: str = "1",
        limit: int = 1000,
    ) -> list[dict[str, Any]]:
        """Rows of a ledger itself, of the one that the sums are of.

        ``between`` is a column and the least and greatest value that are meant of it: files that
        have none of these are not opened. Ids of runs and batches sort by time, so that few are.

        Raises:
            LakeError: a ledger cannot be read.
        """
        con = self._brought_up()
        snapshot = self._seen.get(name)
        if snapshot is None:
            return []
        files = [f for f in snapshot.files if between is None or _may_have(f, *between)]
        source = relation(files, {c: snapshot.columns[c] for c in columns})
        asked = f"SELECT * FROM {source} WHERE {where} ORDER BY {order} LIMIT {int(limit)}"
        found = con.cursor().execute(asked, list(given)).fetchall()
        return [dict(zip(columns, row, strict=True)) for row in found]

    def bring_up(self) -> None:
        """Add up what is new in the ledgers: the first time all of it, so that no request waits.

        Raises:
            LakeError: a ledger cannot be read.
        """
        self._brought_up()

    @property
    def version(self) -> tuple[int | None, ...]:
        """What tells one state of the sums from another."""
        self._brought_up()
        return tuple(self._versions.get(name) for name in ledger.ALL)

    @property
    def numbers(self) -> Mapping[str, int]:
        """The number that stands for a dataset in the sums, of each that anything was counted of."""
        # Names are added and never go, so that as many are the same.
        if self.rows("SELECT count(*) FROM names")[0][0] != len(self._numbers):
            self._numbers = dict(self.rows("SELECT dataset, n FROM names"))
        return self._numbers

    def _brought_up(self) -> Connection:
        if self._con is None:
            with self._lock:
                self._follow()
        elif self._lock.acquire(blocking=False):
            # Who finds it taken shows what is there: somebody is bringing it up.
            try:
                todo = self._todo()
                if sum(len(s.files) - len(self._files[t]) for t, s in todo) <= _FEW_FILES:
                    # A file that was put together with others meanwhile is gone: the next look tells.
                    with suppress(duckdb.IOException):
                        self._take(todo)
                elif self._behind is None or not self._behind.is_alive():
                    self._behind = threading.Thread(target=self._later, daemon=True)
                    self._behind.start()
            finally:
                self._lock.release()
        assert self._con is not None
        return self._con

    def _later(self) -> None:
        with self._lock:
            self._follow()

    def _follow(self) -> None:
        if self._con is None:
            con = connect(self._settings)
            con.execute(_TABLES)
            self._take(self._todo(), con)
            self._con = con
        else:
            self._take(self._todo())

    def _todo(self) -> list[tuple[str, Snapshot]]:
        found, seen = [], dict[str, Snapshot | None]()
        for table, (name, _, _) in _FOLLOWS.items():
            if name not in seen:
                seen[name] = self._lake.snapshot(name)
            snapshot = seen[name]
            if snapshot is not None and self._versions.get(table) != snapshot.version:
                found.append((table, snapshot))
        return found

    def _take(self, todo: Sequence[tuple[str, Snapshot]], con: Connection | None = None) -> None:
        con = con or self._con
        assert con is not None
        for table, snapshot in todo:
            name, columns, query = _FOLLOWS[table]
            known, files = self._files[table], {f.path: f for f in snapshot.files}
            kinds = {c: snapshot.columns[c] for c in columns}
            fresh = [f for p, f in files.items() if p not in known]
            cursor = con.cursor()
            cursor.execute("BEGIN")
            if known.keys() - files.keys():
                # Files were put together: what they hold cannot be told from what was counted.
                cursor.execute(f"DELETE FROM {table}")
                fresh = list(files.values())
            if fresh:
                _insert(cursor, table, query.format(rows=relation(fresh, kinds)))
            cursor.execute("COMMIT")
            self._files[table] = files
            self._versions[table] = self._versions[name] = snapshot.version
            self._seen[name] = snapshot


def _insert(cursor: Connection, table: str, query: str) -> None:
    """Put the rows of a query into a table, with the number of their dataset where they have one."""
    if not table.startswith("day_"):
        cursor.execute(f"INSERT INTO {table} {query}")
        return
    cursor.execute(f"CREATE TEMP TABLE fresh AS {query}")
    cursor.execute(
        "INSERT INTO names SELECT dataset, (SELECT coalesce(max(n), 0) FROM names) + row_number()"
        " OVER (ORDER BY dataset) FROM (SELECT DISTINCT dataset FROM fresh"
        " WHERE dataset NOT IN (SELECT dataset FROM names))"
    )
    # By day: who asks for a month of a year then reads a twelfth of the table, and not all of it.
    cursor.execute(
        f"INSERT INTO {table} SELECT n, f.* EXCLUDE dataset FROM fresh f"
        " JOIN names ON names.dataset = f.dataset ORDER BY day, n"
    )
    cursor.execute("DROP TABLE fresh")


def _may_have(file: DataFile, column: str, least: str, greatest: str) -> bool:
    low, high = file.minimum.get(column), file.maximum.get(column)
    return low is None or high is None or (low <= greatest and high >= least)
