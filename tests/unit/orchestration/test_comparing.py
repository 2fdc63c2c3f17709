"""Comparing tables: every difference that was made is found, counted and shown, and nothing else."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from headgate.orchestration import comparing, error_places
from headgate.orchestration.comparing import Side, TableDifference

Rows = list[dict[str, Any]]
KINDS = pa.schema(
    [("a", pa.string()), ("b", pa.int64()), ("n", pa.int64()), ("share", pa.float64()),
     ("tags", pa.list_(pa.string()))]
)  # fmt: skip


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def compared(
    con: duckdb.DuckDBPyConnection, before: Rows, after: Rows, *key: str, schema: pa.Schema = KINDS
) -> TableDifference:
    sides = []
    for name, rows in (("before", before), ("after", after)):
        con.register(f"{name}_rows", pa.Table.from_pylist(rows, schema))
        con.execute(f"CREATE OR REPLACE TABLE {name}_side AS FROM {name}_rows")
        table = f"{name}_side"
        sides.append(Side(table, comparing.columns_of(con, table)))
    return comparing.compare(con, sides[0], sides[1], key or ("a", "b"))


def row(number: int, draw: random.Random) -> dict[str, Any]:
    return {
        "a": f"k{number % 13}", "b": number, "n": draw.choice([None, 0, 1, draw.randrange(10**12)]),
        "share": draw.choice([None, draw.random(), 0.0]),
        "tags": draw.choice([None, [], ["x"], ["x", None]]),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_what_was_changed_is_what_is_found(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    draw = random.Random(seed)
    before = [row(i, draw) for i in range(draw.randrange(60))]
    after, told = [], {"n": 0, "share": 0, "tags": 0}
    removed = changed = 0
    for old in before:
        if draw.random() < 0.2:
            removed += 1
            continue
        new = dict(old)
        if draw.random() < 0.4:
            other = row(old["b"], draw)
            for column in draw.sample(sorted(told), draw.randrange(4)):
                new[column] = other[column]
        edited = [c for c in told if new[c] != old[c]]
        for column in edited:
            told[column] += 1
        changed += bool(edited)
        after.append(new)
    added = [row(1000 + i, draw) for i in range(draw.randrange(5))]
    after += added
    draw.shuffle(after)

    found = compared(con, before, after)

    assert (found.added, found.removed, found.changed) == (len(added), removed, changed)
    assert (found.rows_before, found.rows_after) == (len(before), len(after))
    assert {c.column: c.rows for c in found.columns} == {c: n for c, n in told.items() if n}
    assert found.same == (before == after or not (added or removed or changed))
    old_rows = {(r["a"], r["b"]): r for r in before}
    new_rows = {(r["a"], r["b"]): r for r in after}
    for example in found.examples:
        at = (example.key["a"], example.key["b"])
        for shown, rows in ((example.before, old_rows), (example.after, new_rows)):
            if shown is None:
                assert at not in rows
            else:
                assert shown.items() <= rows[at].items()
        if example.before is not None and example.after is not None:
            assert all(example.before[c] != example.after[c] for c in example.before)


def test_numbers_are_summarised(con: duckdb.DuckDBPyConnection) -> None:
    values = [(1, 2), (1, None), (None, 5), (10, 3), (4, 4), (0, 100)]
    before = [{"a": "x", "b": i, "n": old} for i, (old, _) in enumerate(values)]
    after = [{"a": "x", "b": i, "n": new} for i, (_, new) in enumerate(values)]
    (column,) = compared(con, before, after).columns
    assert (column.rows, column.became_null, column.was_null) == (5, 1, 1)
    assert (column.least, column.median, column.most) == (-7.0, 1.0, 100.0)


def test_a_sum_in_another_order_is_the_same(con: duckdb.DuckDBPyConnection) -> None:
    before: Rows = [{"a": "x", "b": 1, "share": 0.1 + 0.2}, {"a": "x", "b": 2, "share": 1.0}]
    assert compared(con, before, [{**before[0], "share": 0.3}, before[1]]).same
    found = compared(con, before, [before[0], {**before[1], "share": 1.0 + 1e-9}])
    assert found.changed == 1 and found.columns[0].column == "share"


def test_columns_that_come_go_and_turn_are_told(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE x AS SELECT 1 AS a, 2 AS old, '7' AS turned, 3 AS same")
    con.execute("CREATE TABLE y AS SELECT 1 AS a, 2 AS new, 7 AS turned, 3::BIGINT AS same")
    sides = [Side(t, comparing.columns_of(con, t)) for t in ("x", "y")]
    found = comparing.compare(con, *sides, ["a"])
    assert (found.columns_added, found.columns_removed) == (("new",), ("old",))
    assert found.retyped == (("turned", "VARCHAR", "INTEGER"), ("same", "INTEGER", "BIGINT"))
    assert found.changed == 0 and not found.same


def test_a_key_that_repeats_is_told_and_rows_are_paired(con: duckdb.DuckDBPyConnection) -> None:
    rows: Rows = [{"a": "x", "b": 1, "n": n} for n in (1, 2, 2)]
    found = compared(con, rows, rows)
    assert (found.same, found.repeated) == (True, 4)
    found = compared(con, rows, [*rows, {"a": "x", "b": 1, "n": 3}])
    assert (found.added, found.removed, found.changed) == (1, 0, 0)


def test_without_a_key_rows_are_compared_whole(con: duckdb.DuckDBPyConnection) -> None:
    rows: Rows = [{"a": "x", "b": None, "n": 1}, {"a": None, "b": 2, "n": 1}]
    assert compared(con, rows, list(reversed(rows)), "not_there").same
    found = compared(con, rows, rows[:1], "not_there")
    assert (found.added, found.removed, found.changed) == (0, 1, 0)


def test_a_missing_key_is_a_key_of_its_own(con: duckdb.DuckDBPyConnection) -> None:
    rows: Rows = [{"a": None, "b": 2, "n": 1}]
    assert compared(con, rows, rows).same
    assert compared(con, rows, [{**rows[0], "n": 2}]).changed == 1


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ("select\n    a,\n    {{ one() }} + wrong as b\nfrom {{ ref('t') }}", 3),
        ("{# c #}\nselect a\nfrom {{ ref('nothing') }}\n", 3),
        ("select wrong from x union all\nselect wrong from x union all\nselect 1", None),
    ],
)
def test_an_error_is_placed_in_the_file(sql: str, line: int | None) -> None:
    con = duckdb.connect()
    con.execute("CREATE TABLE t AS SELECT 1 AS a")
    rendered = sql.replace("{{ one() }}", "1").replace("{{ ref('t') }}", '"t"')
    rendered = rendered.replace("{{ ref('nothing') }}", '"nothing"').replace("{# c #}", "")
    query = f"SELECT * FROM (\n{rendered}\n)"
    with pytest.raises(duckdb.Error) as caught:
        con.execute(query)
    place = error_places.place(caught.value, query, [(Path("m.sql"), sql)])
    assert place == (f"m.sql:{line}" if line else "m.sql")
    assert "LINE" not in error_places.told(caught.value)
