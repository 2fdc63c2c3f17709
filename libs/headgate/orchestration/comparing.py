"""Two tables compared row by row: which rows are only in one, which columns differ, and by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.lake.engines.duckdb import Connection, identifier, identifiers, one
from headgate.lake.snapshot import Snapshot, relation

#: Doubles that differ by less than this share of themselves are the same, summed in another order.
ROUNDING = 1e-12
#: A database of its own, in memory, compressed; it spills like everything else.
_SCRATCH = "headgate_scratch"
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
            "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip


@dataclass(frozen=True)
class Side:
    """A table to compare: a DuckDB table expression, its columns and DuckDB types, and its rows if
    they are known."""

    relation: str
    columns: Mapping[str, str]
    rows: int | None = None


@dataclass(frozen=True)
class ColumnDifference:
    """How one column differs in rows that both tables have.

    ``became_null`` and ``was_null`` count the rows of those that have a value on one side only.
    For numbers ``least``, ``median`` and ``most`` are of the change, after minus before.
    """

    column: str
    rows: int
    became_null: int = 0
    was_null: int = 0
    least: float | None = None
    median: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Example:
    """A row that differs: its ``key``, and its columns as they were and are.

    ``before`` or ``after`` is None where the row is not there; of a row in both, only the columns
    that differ are given.
    """

    key: Mapping[str, Any]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True)
class TableDifference:
    """What two tables differ in. ``added`` rows are only in the second, ``removed`` only in the
    first, ``changed`` in both with another content.

    Columns that only one has are named and not compared. ``repeated`` are rows beyond the first of
    their key: then the key does not identify a row, and rows of one key are paired in order.
    """

    key: tuple[str, ...]
    rows_before: int
    rows_after: int
    added: int = 0
    removed: int = 0
    changed: int = 0
    repeated: int = 0
    columns: tuple[ColumnDifference, ...] = ()
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()
    examples: tuple[Example, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.added or self.removed or self.changed or self.columns_added
                    or self.columns_removed or self.retyped)  # fmt: skip


def of_versions(con: Connection, before: Snapshot, after: Snapshot) -> tuple[Side, Side]:
    """Two versions of one table, without the files that both have: their rows are the same."""
    old, new = {f.path for f in before.files}, {f.path for f in after.files}
    sides = []
    for snapshot, other in ((before, new), (after, old)):
        files = [f for f in snapshot.files if f.path not in other]
        columns = {c: t for c, t in snapshot.columns.items() if not c.startswith("_")}
        rows = relation(files, columns)
        sides.append(Side(rows, columns_of(con, rows), snapshot.rows))
    return sides[0], sides[1]


def columns_of(con: Connection, table: str) -> dict[str, str]:
    """Columns and DuckDB types of a table expression."""
    return {row[0]: row[1] for row in con.execute(f"DESCRIBE (FROM {table})").fetchall()}


def compare(
    con: Connection, before: Side, after: Side, key: Sequence[str], *, examples: int = 5
) -> TableDifference:
    """Compare two tables by ``key``; if either lacks a column of it, by all that both have.

    Memory stays bounded: what does not fit is spilled.
    """
    shared = [c for c in after.columns if c in before.columns]
    by = [c for c in key if c in shared] if set(key) <= set(shared) else []
    by = by or shared
    repeated = _repeated(con, before, by) + _repeated(con, after, by)
    work = _Comparison(con, before, after, by, [c for c in shared if c not in by], repeated > 0)
    work.find()
    added, removed, changed = work.counts()
    return TableDifference(
        key=tuple(by),
        rows_before=_rows(con, before),
        rows_after=_rows(con, after),
        added=added,
        removed=removed,
        changed=changed,
        repeated=repeated,
        columns=work.columns() if changed else (),
        columns_added=tuple(c for c in after.columns if c not in before.columns),
        columns_removed=tuple(c for c in before.columns if c not in after.columns),
        retyped=tuple(
            (c, before.columns[c], after.columns[c])
            for c in shared
            if before.columns[c] != after.columns[c]
        ),
        examples=tuple(work.examples(examples)) if examples else (),
    )


def _rows(con: Connection, side: Side) -> int:
    if side.rows is not None:
        return side.rows
    return int(one(con, f"SELECT count(*) FROM {side.relation}")[0])


def _repeated(con: Connection, side: Side, key: Sequence[str]) -> int:
    found = one(
        con,
        f"SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM {side.relation}"
        f" GROUP BY {identifiers(key)} HAVING n > 1)",
    )
    return int(found[0])


class _Comparison:
    """One comparison going on: the rows that differ, kept in a table of the scratch database."""

    def __init__(
        self, con: Connection, before: Side, after: Side, key: Sequence[str],
        content: Sequence[str], repeated: bool,
    ) -> None:  # fmt: skip
        self.con, self.before, self.after = con, before, after
        self.key, self.content, self.repeated = list(key), list(content), repeated
        self.table = f"{_SCRATCH}.main.differing"

    def find(self) -> None:
        """Join both sides and keep the rows that differ.

        Columns are called by their place: ``k0`` of the key, ``b0`` and ``a0`` before and after.
        """
        joins = [f"b.k{i} IS NOT DISTINCT FROM a.k{i}" for i in range(len(self.key))]
        keys = [f"coalesce(b.k{i}, a.k{i}) AS k{i}" for i in range(len(self.key))]
        if self.repeated:
            joins.append("b.n = a.n")
        places = range(len(self.content))
        taken = [*keys, "b.here AS b_here", "a.here AS a_here",
                 *(f"b.b{i}, a.a{i}" for i in places)]  # fmt: skip
        differ = " OR ".join(
            ["b.here IS NULL", "a.here IS NULL", *(self._differs(i, "b.b", "a.a") for i in places)]
        )
        self.con.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {_SCRATCH} (COMPRESS)")
        self.con.execute(
            f"CREATE OR REPLACE TABLE {self.table} AS SELECT {', '.join(taken)}"
            f" FROM ({self._side(self.before, 'b')}) b FULL JOIN ({self._side(self.after, 'a')}) a"
            f" ON {' AND '.join(joins)} WHERE {differ}"
        )

    def _side(self, side: Side, letter: str) -> str:
        columns = [f"{identifier(c)} AS k{i}" for i, c in enumerate(self.key)]
        columns += [f"{identifier(c)} AS {letter}{i}" for i, c in enumerate(self.content)]
        if self.repeated:
            order = identifiers(self.content) or "1"
            columns.append(
                f"row_number() OVER (PARTITION BY {identifiers(self.key)} ORDER BY {order}) AS n"
            )
        return f"SELECT TRUE AS here, {', '.join(columns)} FROM {side.relation}"

    def _kinds(self, place: int) -> tuple[str, str]:
        name = self.content[place]
        return self.before.columns[name], self.after.columns[name]

    def _numeric(self, place: int) -> bool:
        return all(kind.startswith(_NUMBERS) and "[" not in kind for kind in self._kinds(place))

    def _differs(self, place: int, before: str = "b", after: str = "a") -> str:
        old, new = f"{before}{place}", f"{after}{place}"
        kinds = self._kinds(place)
        if self._numeric(place) and {"DOUBLE", "FLOAT"} & set(kinds):
            near = f"abs({old} - {new}) <= {ROUNDING} * greatest(abs({old}), abs({new}))"
            return f"NOT coalesce({old} IS NOT DISTINCT FROM {new} OR {near}, FALSE)"
        if kinds[0] != kinds[1] and not self._numeric(place):
            return f"({old}::VARCHAR IS DISTINCT FROM {new}::VARCHAR)"
        return f"({old} IS DISTINCT FROM {new})"

    def counts(self) -> tuple[int, int, int]:
        """Rows added, removed and changed."""
        found = one(
            self.con,
            "SELECT count(*) FILTER (b_here IS NULL), count(*) FILTER (a_here IS NULL),"
            f" count(*) FILTER (b_here AND a_here) FROM {self.table}",
        )
        return int(found[0]), int(found[1]), int(found[2])

    def columns(self) -> tuple[ColumnDifference, ...]:
        """How each column differs, those that differ most first."""
        asked = []
        for place in range(len(self.content)):
            differs = self._differs(place)
            change = f"(a{place}::DOUBLE - b{place}::DOUBLE)" if self._numeric(place) else "NULL"
            asked += [
                f"count(*) FILTER ({differs})",
                f"count(*) FILTER (b{place} IS NOT NULL AND a{place} IS NULL)",
                f"count(*) FILTER (b{place} IS NULL AND a{place} IS NOT NULL)",
                f"min({change}) FILTER ({differs})",
                f"max({change}) FILTER ({differs})",
            ]
        if not asked:
            return ()
        row = one(self.con, f"SELECT {', '.join(asked)} FROM {self.table} WHERE b_here AND a_here")
        found = []
        for place, name in enumerate(self.content):
            rows, became_null, was_null, least, most = row[5 * place : 5 * place + 5]
            if rows:
                median = self._median(place) if least is not None else None
                found.append(
                    ColumnDifference(name, rows, became_null, was_null, least, median, most)
                )
        return tuple(sorted(found, key=lambda c: -c.rows))

    def _median(self, place: int) -> float | None:
        # A median holds all its values in memory, so one column is asked after the other.
        found = one(
            self.con,
            f"SELECT median(a{place}::DOUBLE - b{place}::DOUBLE) FROM {self.table}"
            f" WHERE b_here AND a_here AND {self._differs(place)}",
        )
        return None if found[0] is None else float(found[0])

    def examples(self, most: int) -> list[Example]:
        """The first rows by key of each kind: changed, added, removed."""
        found: list[Example] = []
        order = ", ".join(f"k{i}" for i in range(len(self.key)))
        for kind in ("b_here AND a_here", "b_here IS NULL", "a_here IS NULL"):
            rows = self.con.execute(
                f"SELECT * FROM {self.table} WHERE {kind} ORDER BY {order} LIMIT {most}"
            )
            names = [d[0] for d in rows.description or ()]
            for row in rows.fetchall():
                found.append(self._example(dict(zip(names, row, strict=True))))
        return found

    def _example(self, row: Mapping[str, Any]) -> Example:
        key = {name: row[f"k{i}"] for i, name in enumerate(self.key)}
        both = row["b_here"] and row["a_here"]
        places = [
            (i, name)
            for i, name in enumerate(self.content)
            if not both or not _equal(row[f"b{i}"], row[f"a{i}"])
        ]
        before = {name: row[f"b{i}"] for i, name in places} if row["b_here"] else None
        after = {name: row[f"a{i}"] for i, name in places} if row["a_here"] else None
        return Example(key, before, after)


def _equal(before: Any, after: Any) -> bool:
    if isinstance(before, float) and isinstance(after, float):
        near = abs(before - after) <= ROUNDING * max(abs(before), abs(after))
        return near or before == after or (before != before and after != after)
    return bool(before == after)
