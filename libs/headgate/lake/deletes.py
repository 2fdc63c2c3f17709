"""Which rows of a table a delivery deletes: those its tombstones name, and those a snapshot lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headgate.lake.engines.duckdb import Connection, equal, identifier, identifiers, one
from headgate.lake.snapshot import Snapshot, relation
from headgate.lake.stage import StagedFile

#: The temporary table of the rows that go: their keys, and the file that each is in.
GONE = "_gone"


@dataclass(frozen=True)
class Deletes:
    """What a delivery says of rows that are no more.

    ``tombstones`` are staged rows, one a key, whose keys are deleted. ``snapshot``: rows of the
    table that the delivery lacks are deleted, within the values of the ``scope`` columns that
    occur in it (all rows, if there are no such columns). ``present`` names a relation of keys
    that were delivered but set aside: their rows stay.
    """

    tombstones: Sequence[StagedFile] = ()
    snapshot: bool = False
    scope: tuple[str, ...] = ()
    present: str | None = None

    @property
    def named(self) -> int:
        """How many tombstones there are."""
        return sum(f.rows for f in self.tombstones)


@dataclass(frozen=True)
class Gone:
    """Rows that go by a tombstone, rows that go because they are absent, and the files of all."""

    tombstoned: int = 0
    absent: int = 0
    files: frozenset[str] = frozenset()


def find(
    con: Connection,
    base: Snapshot,
    deletes: Deletes,
    staged: Sequence[StagedFile],
    *,
    columns: Mapping[str, str],
    key: Sequence[str],
    order_column: str | None,
) -> Gone:
    """Find the rows of ``base`` that go, and leave their keys in the table :data:`GONE`.

    A row that is newer by ``order_column`` than its tombstone, or than all that the snapshot
    holds, stays. A snapshot without a single row deletes nothing: an empty file is more often an
    accident than news.
    """
    existing = relation(base.files, {**columns, **base.columns}, with_file=True)
    keys, order = identifiers(key, "t."), identifier(order_column) if order_column else ""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {GONE} AS"
        f" SELECT {keys}, t._file, FALSE AS _named FROM {existing} t WHERE FALSE"
    )
    if deletes.tombstones:
        named = relation([f.as_data_file() for f in deletes.tombstones], columns)
        newer = f" AND NOT coalesce(t.{order} > d.{order}, FALSE)" if order else ""
        con.execute(
            f"INSERT INTO {GONE} SELECT {keys}, t._file, TRUE FROM {existing} t"
            f" JOIN {named} d ON {equal(key, 't', 'd')}{newer}"
        )
    if deletes.snapshot and staged:
        delivered = relation([f.as_data_file() for f in staged], columns)
        where = [f"NOT EXISTS (FROM {delivered} d WHERE {equal(key, 't', 'd')})"]
        if deletes.scope:
            # NULL is a value like any other: rows without one are replaced by rows without one.
            same = " AND ".join(
                f"t.{identifier(c)} IS NOT DISTINCT FROM d.{identifier(c)}" for c in deletes.scope
            )
            scope = f"(SELECT DISTINCT {identifiers(deletes.scope)} FROM {delivered})"
            where.append(f"EXISTS (FROM {scope} d WHERE {same})")
        if deletes.present:
            where.append(f"NOT EXISTS (FROM {deletes.present} d WHERE {equal(key, 't', 'd')})")
        if order:
            newest = f"(SELECT max({order}) FROM {delivered})"
            where.append(f"NOT coalesce(t.{order} > {newest}, FALSE)")
        named_already = f"NOT EXISTS (FROM {GONE} d WHERE {equal(key, 't', 'd')})"
        con.execute(
            f"INSERT INTO {GONE} SELECT {keys}, t._file, FALSE FROM {existing} t"
            f" WHERE {' AND '.join([*where, named_already])}"
        )
    named_count, absent = one(
        con,
        f"SELECT count(*) FILTER (WHERE _named), count(*) FILTER (WHERE NOT _named) FROM {GONE}",
    )
    files = con.execute(f"SELECT DISTINCT _file FROM {GONE}").fetchall()
    return Gone(int(named_count), int(absent), frozenset(f for (f,) in files))
