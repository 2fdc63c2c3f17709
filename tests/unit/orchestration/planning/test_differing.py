"""Which columns of a query differ: exact where it can be told, everything where it cannot, never less."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from headgate.orchestration.planning.binding import EmptyTables
from headgate.orchestration.planning.following import Following
from headgate.orchestration.planning.plan import Influence

THINGS, OTHERS = "bronze.test.things", "bronze.test.others"
SHAPES = {
    THINGS: {"id": "long", "kind": "string", "size": "long", "day": "date"},
    OTHERS: {"id": "long", "name": "string", "kind": "string"},
}
T, O = '"bronze_test"."things"', '"bronze_test"."others"'  # noqa: E741
EVERYTHING = "everything"
#: SQL before, SQL now, and the columns that differ, or everything.
CASES: list[tuple[str, str, tuple[str, ...] | str]] = [
    ("select id, size from {T}", "select id, size -- more\nfrom {T}", ()),
    ("select id, size from {T}", "select  id , size FROM {T} order by size", ()),
    ("select id, size from {T} order by size", "select id, size from {T}", ()),
    ("select id, size from {T}", "select id, size + 1 as size from {T}", ("size",)),
    ("select id, size from {T}", "select size, id from {T}", ()),
    ("select id, size from {T}", "select id, size, day from {T}", ("day",)),
    ("select id, size, day from {T}", "select id, size from {T}", ()),
    ("select id, size from {T}", "select id, size from {T} where size > 1", EVERYTHING),
    ("select distinct id, size from {T}", "select distinct id, size % 2 as size from {T}", EVERYTHING),
    ("select kind, sum(size) as n from {T} group by kind",
     "select kind, max(size) as n from {T} group by kind", ("n",)),
    ("select kind, sum(size) as n from {T} group by 1",
     "select upper(kind) as kind, sum(size) as n from {T} group by 1", EVERYTHING),
    ("select kind, sum(size) as n from {T} group by all",
     "select upper(kind) as kind, sum(size) as n from {T} group by all", EVERYTHING),
    ("select size + 1 as a, a * 2 as b, id from {T}",
     "select size + 2 as a, a * 2 as b, id from {T}", ("a", "b")),
    ("select size % 3 as g, count(*) as n from {T} group by g",
     "select size % 2 as g, count(*) as n from {T} group by g", EVERYTHING),
    ("with t as (select id, size, kind from {T}) select id, size, kind from t",
     "with t as (select id, size + 1 as size, kind from {T}) select id, size, kind from t", ("size",)),
    ("with t as (select id, size, kind from {T}) select id, upper(kind) as k from t",
     "with t as (select id, size + 1 as size, kind from {T}) select id, upper(kind) as k from t", ()),
    ("with t as (select id, size, kind from {T}) select * from t",
     "with t as (select id, size + 1 as size, kind from {T}) select * from t", ("size",)),
    ("with t as (select id, size, kind from {T}) select id, kind from t where size > 2",
     "with t as (select id, size + 1 as size, kind from {T}) select id, kind from t where size > 2",
     EVERYTHING),
    ("with t as (select id, size, kind from {T}), u as (select id, size as s, kind as k from t)"
     " select k, max(s) as m, count(*) as n from u group by k",
     "with t as (select id, -size as size, kind from {T}), u as (select id, size as s, kind as k from t)"
     " select k, max(s) as m, count(*) as n from u group by k", ("m",)),
    ("select i.id, i.s from (select id, size as s from {T}) as i",
     "select i.id, i.s from (select id, size * 2 as s from {T}) as i", ("s",)),
    ("select id, kind from {T} union all select id, name from {O}",
     "select id, kind from {T} union all select id, upper(name) from {O}", EVERYTHING),
    ("select id, kind from {T} union all select id, name from {O}",
     "select id, kind from {T} union all select id, upper(name) as name from {O}", ("kind",)),
    ("select id, kind from {T} union select id, name from {O}",
     "select id, kind from {T} union select id, upper(name) as name from {O}", EVERYTHING),
    ("select id, kind as a, kind as b from {T} union all select id, name, kind from {O}",
     "select id, kind as b, kind as a from {T} union all select id, name, kind from {O}", EVERYTHING),
    ("select t.id, o.name from {T} t left join {O} o on t.id = o.id",
     "select t.id, upper(o.name) as name from {T} t left join {O} o on t.id = o.id", ("name",)),
    ("select t.id, o.name from {T} t left join {O} o on t.id = o.id",
     "select t.id, o.name from {T} t inner join {O} o on t.id = o.id", EVERYTHING),
    ("select id, row_number() over (partition by kind order by size) as r, size from {T}",
     "select id, row_number() over (partition by kind order by size desc) as r, size from {T}", ("r",)),
    ("select id, size from {T} qualify row_number() over (partition by kind order by id) = 1",
     "select id, size from {T} qualify row_number() over (partition by kind order by id) = 2",
     EVERYTHING),
    ("select id, (select max(o.name) from {O} o where o.id = t.id) as n, kind from {T} t",
     "select id, (select min(o.name) from {O} o where o.id = t.id) as n, kind from {T} t", ("n",)),
    ("with t as (select id, name from {O}) select id, (select max(name) from t) as n, kind from {T}",
     "with t as (select id, upper(name) as name from {O})"
     " select id, (select max(name) from t) as n, kind from {T}", ("n",)),
    ("with t as (select id from {O}) select id, kind from {T} where id in (select id from t)",
     "with t as (select id + 1 as id from {O}) select id, kind from {T} where id in (select id from t)",
     EVERYTHING),
    ("select * from {T}", "select * exclude (size), size + 1 as size from {T}", EVERYTHING),
    ("with recursive t as (select id from {T} union select id + 1 from t where id < 9) select * from t",
     "with recursive t as (select id from {T} union select id + 2 from t where id < 9) select * from t",
     EVERYTHING),
]  # fmt: skip


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Some rows, with repeats and nothing in places."""
    with duckdb.connect(":memory:") as found:
        found.execute("CREATE SCHEMA bronze_test")
        found.execute(
            f"CREATE TABLE {T} AS SELECT i AS id, ['a', 'b', 'B', NULL][i % 4 + 1] AS kind,"
            " CASE WHEN i % 5 > 0 THEN (i * 7) % 11 END AS size, DATE '2020-01-01' + i::INT AS day"
            " FROM range(40) r(i)"
        )
        found.execute(
            f"CREATE TABLE {O} AS SELECT i // 2 AS id, 'n' || i % 7 AS name, 'K' || i % 3 AS kind"
            " FROM range(50) r(i)"
        )
        yield found


@pytest.fixture(scope="module")
def following() -> Iterator[Following]:
    with duckdb.connect(":memory:") as empty:
        yield Following(EmptyTables(empty, SHAPES))


@pytest.mark.parametrize(("old", "new", "expected"), CASES, ids=[f"{i}" for i in range(len(CASES))])
def test_what_differs_is_told_and_nothing_else_does(
    old: str, new: str, expected: tuple[str, ...] | str, following: Following,
    con: duckdb.DuckDBPyConnection,
) -> None:  # fmt: skip
    old, new = (sql.format(T=T, O=O) for sql in (old, new))
    found = following.differing(old, new, list(SHAPES))
    if expected == EVERYTHING:
        assert found.rows
    else:
        assert found == Influence(tuple(expected))
        same = [c for c in columns(con, new) if c in columns(con, old) and c not in found.columns]
        assert same
        assert kept(con, old, same) == kept(con, new, same)


def columns(con: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    return [row[0] for row in con.execute(f"DESCRIBE {sql}").fetchall()]


def kept(con: duckdb.DuckDBPyConnection, sql: str, names: list[str]) -> list[str]:
    """The rows in these columns, whatever their order."""
    return sorted(map(repr, con.execute(f"SELECT {', '.join(names)} FROM ({sql})").fetchall()))
