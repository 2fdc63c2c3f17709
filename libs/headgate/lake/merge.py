"""Copy-on-write merges, planned before anything is written: what to add, and what to take away.

Only files that the log's statistics cannot rule out are looked into, and only those that really
hold a touched row are written again; the cost follows the change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.core.settings import Settings
from headgate.lake.engines.duckdb import Connection, identifier, identifiers, one
from headgate.lake.snapshot import DataFile, Snapshot, relation
from headgate.lake.stage import StagedFile, stage


@dataclass(frozen=True)
class Plan:
    """What a merge adds and removes. ``inserted``, ``updated`` and ``same`` count incoming rows:

    new keys, keys whose row changes, and keys whose row is in the table already or is newer
    there. ``deleted`` counts rows of the table that go without being replaced by key.
    """

    add: tuple[StagedFile, ...]
    remove: tuple[DataFile, ...]
    inserted: int
    updated: int = 0
    same: int = 0
    deleted: int = 0


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
) -> Plan:
    """Plan to put staged rows (unique by ``key``) into the table.

    A row equal to the table's (columns with a leading ``_`` aside), or older by
    ``order_column``, is the same; any other row of a known key replaces the table's.
    """
    rows = sum(f.rows for f in staged)
    files = _may_hold(con, base, staged, key) if base and staged else ()
    if base is None or not files:
        return Plan(tuple(staged), (), rows)
    incoming = relation([f.as_data_file() for f in staged], columns)
    existing = relation(files, {**columns, **base.columns}, with_file=True)
    content = [c for c in columns if not c.startswith("_") and c not in key]
    on = " AND ".join(f"i.{identifier(k)} = t.{identifier(k)}" for k in key)
    differs = (
        " OR ".join(f"i.{identifier(c)} IS DISTINCT FROM t.{identifier(c)}" for c in content)
        or "FALSE"
    )
    wins = f"({differs})"
    if order_column:
        ours, theirs = f"i.{identifier(order_column)}", f"t.{identifier(order_column)}"
        wins = f"(({differs}) AND NOT coalesce({ours} < {theirs}, FALSE))"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _matched AS SELECT {identifiers(key, 'i.')}, t._file,"
        f" {wins} AS _wins FROM {incoming} i JOIN {existing} t ON {on}"
    )
    matched, updated = one(con, "SELECT count(*), count(*) FILTER (WHERE _wins) FROM _matched")
    if not matched:
        return Plan(tuple(staged), (), rows)
    touched = {
        r[0] for r in con.execute("SELECT DISTINCT _file FROM _matched WHERE _wins").fetchall()
    }
    rewritten = tuple(f for f in files if f.uri in touched)
    # Rows that are the same stay where they are; the rest of the batch is written anew beside
    # what the touched files keep.
    fresh = (
        f"SELECT {identifiers(columns)} FROM {incoming} i ANTI JOIN"
        f" (FROM _matched WHERE NOT _wins) t ON {on}"
    )
    kept = (
        f"SELECT {identifiers(columns)} FROM {relation(rewritten, {**columns, **base.columns})} t"
        f" ANTI JOIN (FROM _matched WHERE _wins) i ON {on}"
    )
    add = stage(con, fresh, columns, folder, settings) if matched > updated else list(staged)
    if rewritten:
        add += stage(con, kept, columns, folder, settings)
    con.execute("DROP TABLE _matched")
    return Plan(tuple(add), rewritten, rows - matched, updated, matched - updated)


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
