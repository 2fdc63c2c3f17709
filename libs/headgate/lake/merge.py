"""Copy-on-write merges, planned before anything is written: what to add, and what to take away.

Only files that the log's statistics cannot rule out are looked into, and only those that really
hold a touched row are written again; the cost follows the change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.core import json as hjson
from headgate.core.settings import Settings
from headgate.lake.deletes import GONE, Deletes, Gone, find
from headgate.lake.engines.duckdb import Connection, equal, identifier, identifiers, one
from headgate.lake.snapshot import DataFile, Snapshot, relation
from headgate.lake.stage import StagedFile, stage


@dataclass(frozen=True)
class Plan:
    """What a merge adds and removes. ``inserted``, ``updated`` and ``same`` count incoming rows:

    new keys, keys whose row changes or goes, and keys whose row is in the table already, is newer
    there, or is not there to go. ``deleted`` counts rows of the table that go without being
    replaced by key; ``tombstoned`` are those of them that the batch named, and counts as updates.
    """

    add: tuple[StagedFile, ...]
    remove: tuple[DataFile, ...]
    inserted: int
    updated: int = 0
    same: int = 0
    deleted: int = 0
    tombstoned: int = 0


def merge_by_key(
    con: Connection,
    base: Snapshot | None,
    staged: Sequence[StagedFile],
    *,
    columns: Mapping[str, str],
    key: Sequence[str],
    order_column: str | None,
    folder: Path,
    settings: Settings,
    compared: Sequence[str] | None = None,
    deletes: Deletes | None = None,
) -> Plan:
    """Plan to put staged rows (unique by ``key``) into the table, and to take out what ``deletes`` says.

    A row equal to the table's in the ``compared`` columns (by default all but those with a
    leading ``_``), or older by ``order_column``, is the same; any other row of a known key
    replaces the table's. A tombstone counts as an update if its row goes, else as the same.
    """
    rows = sum(f.rows for f in staged)
    named = deletes.named if deletes else 0
    if base is None:
        return Plan(tuple(staged), (), rows, same=named)
    gone = Gone()
    if deletes and (named or deletes.snapshot):
        gone = find(con, base, deletes, staged, columns=columns, key=key, order_column=order_column)
    files = _may_hold(con, base, staged, key) if staged else ()
    matched, updated, touched = _match(
        con, base, files, staged, columns, key, order_column,
        [c for c in columns if not c.startswith("_")] if compared is None else compared,
    )  # fmt: skip
    touched |= gone.files
    rewritten = tuple(f for f in base.files if f.uri in touched)
    # Rows that are the same stay where they are; the rest of the batch is written anew beside
    # what the touched files keep.
    add = list(staged)
    if matched > updated:
        incoming = relation([f.as_data_file() for f in staged], columns)
        fresh = (
            f"SELECT {identifiers(columns)} FROM {incoming} i ANTI JOIN"
            f" (FROM _matched WHERE NOT _wins) t ON {equal(key, 'i', 't')}"
        )
        add = stage(con, fresh, columns, folder, settings)
    if rewritten:
        left = []
        if updated:
            left.append(f"ANTI JOIN (FROM _matched WHERE _wins) i ON {equal(key, 'i', 't')}")
        if gone.files:
            left.append(f"ANTI JOIN {GONE} g ON {equal(key, 'g', 't')}")
        kept = (
            f"SELECT {identifiers(columns)} FROM"
            f" {relation(rewritten, {**columns, **base.columns})} t {' '.join(left)}"
        )
        add += stage(con, kept, columns, folder, settings)
    con.execute("DROP TABLE IF EXISTS _matched")
    con.execute(f"DROP TABLE IF EXISTS {GONE}")
    return Plan(
        tuple(add),
        rewritten,
        rows - matched,
        updated + gone.tombstoned,
        matched - updated + named - gone.tombstoned,
        gone.tombstoned + gone.absent,
        gone.tombstoned,
    )


def _match(
    con: Connection,
    base: Snapshot,
    files: Sequence[DataFile],
    staged: Sequence[StagedFile],
    columns: Mapping[str, str],
    key: Sequence[str],
    order_column: str | None,
    compared: Sequence[str],
) -> tuple[int, int, set[str]]:
    """How many staged rows have a key of the table, how many of them win, and in which files.

    Leaves the keys in the table ``_matched`` if there are any files to look into.
    """
    if not files:
        return 0, 0, set()
    incoming = relation([f.as_data_file() for f in staged], columns)
    existing = relation(files, {**columns, **base.columns}, with_file=True)
    differs = (
        " OR ".join(
            f"i.{identifier(c)} IS DISTINCT FROM t.{identifier(c)}"
            for c in compared
            if c not in key
        )
        or "FALSE"
    )
    wins = f"({differs})"
    if order_column:
        ours, theirs = f"i.{identifier(order_column)}", f"t.{identifier(order_column)}"
        wins = f"(({differs}) AND NOT coalesce({ours} < {theirs}, FALSE))"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _matched AS SELECT {identifiers(key, 'i.')}, t._file,"
        f" {wins} AS _wins FROM {incoming} i JOIN {existing} t ON {equal(key, 'i', 't')}"
    )
    matched, updated = one(con, "SELECT count(*), count(*) FILTER (WHERE _wins) FROM _matched")
    touched = con.execute("SELECT DISTINCT _file FROM _matched WHERE _wins").fetchall()
    return int(matched), int(updated), {f for (f,) in touched}


def replace_scope(
    con: Connection,
    base: Snapshot | None,
    staged: Sequence[StagedFile],
    *,
    columns: Mapping[str, str],
    column: str,
    values: str,
    folder: Path,
    settings: Settings,
) -> Plan:
    """Plan to replace the table's rows whose ``column`` is among ``values`` by the staged rows.

    ``values`` is a relation of one column of that name; NULL is a value like any other.
    """
    rows = sum(f.rows for f in staged)
    if base is None:
        return Plan(tuple(staged), (), rows)
    name = identifier(column)
    con.execute(f"CREATE OR REPLACE TEMP TABLE _scope AS SELECT DISTINCT {name} FROM {values}")
    files = _in_range(con, base, column)
    match = f"t.{name} IS NOT DISTINCT FROM s.{name}"
    everything = {**columns, **base.columns}
    touched = {
        r[0]
        for r in con.execute(
            f"SELECT DISTINCT _file FROM {relation(files, everything, with_file=True)} t"
            f" SEMI JOIN _scope s ON {match}"
        ).fetchall()
    }
    rewritten = tuple(f for f in files if f.uri in touched)
    add, kept = list(staged), 0
    if rewritten:
        rest = stage(
            con,
            f"SELECT {identifiers(columns)} FROM {relation(rewritten, everything)} t"
            f" ANTI JOIN _scope s ON {match}",
            columns,
            folder,
            settings,
        )
        kept = sum(f.rows for f in rest)
        add += rest
    con.execute("DROP TABLE _scope")
    return Plan(tuple(add), rewritten, inserted=rows, deleted=sum(f.rows for f in rewritten) - kept)


def _may_hold(
    con: Connection, base: Snapshot, staged: Sequence[StagedFile], key: Sequence[str]
) -> tuple[DataFile, ...]:
    """The table's files whose statistics do not rule the staged keys out."""
    bounds = _told_bounds(base, staged, key)
    if bounds is None:
        incoming = relation([f.as_data_file() for f in staged], {k: base.columns[k] for k in key})
        ends = ", ".join(f"min({identifier(k)}), max({identifier(k)})" for k in key)
        bounds = one(con, f"SELECT {ends} FROM {incoming}")
    kept = []
    for file in base.files:
        for index, name in enumerate(key):
            low, high = bounds[2 * index], bounds[2 * index + 1]
            least, most = file.minimum.get(name), file.maximum.get(name)
            if (most is not None and low > most) or (least is not None and high < least):
                break
        else:
            kept.append(file)
    return tuple(kept)


def _told_bounds(
    base: Snapshot, staged: Sequence[StagedFile], key: Sequence[str]
) -> tuple[Any, ...] | None:
    """The least and greatest of the staged keys, one after the other, if the files' own statistics
    say them as they are: a query costs Spark a second."""
    if any(base.columns[k] not in ("string", "long", "integer") for k in key):
        return None
    told = [hjson.loads(f.stats) for f in staged]
    found: list[Any] = []
    for name in key:
        low = [t["minValues"].get(name) for t in told]
        high = [t["maxValues"].get(name) for t in told]
        if None in low or None in high:
            return None
        found += [min(low), max(high)]
    return tuple(found)


def _in_range(con: Connection, base: Snapshot, column: str) -> tuple[DataFile, ...]:
    """The table's files that may hold a value of ``_scope``."""
    name = identifier(column)
    low, high, absent, count = one(
        con,
        f"SELECT min({name}), max({name}), count(*) FILTER (WHERE {name} IS NULL), count(*)"
        " FROM _scope",
    )
    if not count:
        return ()
    kept = []
    for file in base.files:
        least, most = file.minimum.get(column), file.maximum.get(column)
        outside = low is None or (
            (most is not None and low > most) or (least is not None and high < least)
        )
        if not outside or (absent and file.nulls.get(column, 1)):
            kept.append(file)
    return tuple(kept)
