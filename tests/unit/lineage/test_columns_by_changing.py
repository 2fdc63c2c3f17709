"""Column lineage put to the test of data: what changes when an input column does must be told to follow.

DuckDB is the witness here, not a reading of the SQL: every column of every table is filled anew in
turn, and an output that gives other values although nothing says that it follows is a missing edge.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import duckdb
import pytest

from headgate.lineage.columns import of_sql
from tests.unit.lineage import column_truth as truth
from tests.unit.lineage.column_truth_queries import QUERIES

ROWS = 14
#: Random rows make circles, in which this one never ends.
LEFT_OUT = {"recursive"}
TRUTHS = [t for t in (*truth.EXPRESSIONS, *QUERIES) if t.name not in LEFT_OUT]
NAMES = {f"bronze_shop.{d.rpartition('.')[2]}": d for d in truth.DATASETS.values()}


def value(kind: str, rng: random.Random) -> str:
    """A SQL literal of that type: keys out of few, so that joins meet and groups have members;
    what rows are put in order by out of many, so that the order is plain."""
    if rng.random() < 0.1:
        return f"NULL::{kind}"
    few = rng.randrange(5)
    if kind.endswith("[]"):
        return f"[{', '.join(value(kind[:-2], rng) for _ in range(few))}]::{kind}"
    if kind.startswith("STRUCT"):
        return f"{{'city': 'c{few}', 'zip': 'z{rng.randrange(3)}'}}"
    return {
        "BIGINT": f"{few}::BIGINT",
        "DOUBLE": f"{rng.randrange(4000) / 100 - 5}::DOUBLE",
        "VARCHAR": f"'{['paid', 'SE', 'void', 'x', 'a'][few]}'",
        "DATE": f"DATE '2024-01-01' + {rng.randrange(1000)}",
        "TIMESTAMP": f"TIMESTAMP '2024-01-01' + INTERVAL {rng.randrange(10**6)} SECOND",
    }[kind]


def fill(con: Any, rng: random.Random) -> None:
    for table, columns in truth.SCHEMAS.items():
        con.execute(
            f"CREATE TABLE {table} (_n INT, {', '.join(f'{c} {t}' for c, t in columns.items())})"
        )
        for n in range(ROWS):
            given = ", ".join(value(t, rng) for t in columns.values())
            con.execute(f"INSERT INTO {table} VALUES ({n}, {given})")


def refill(con: Any, table: str, column: str, rng: random.Random) -> None:
    kind = truth.SCHEMAS[table][column]
    cases = " ".join(f"WHEN {n} THEN {value(kind, rng)}" for n in range(ROWS))
    # Written anew and not updated: rows stay where they are.
    con.execute(
        f"CREATE OR REPLACE TABLE {table} AS"
        f" SELECT * REPLACE (CASE _n {cases} END::{kind} AS {column}) FROM {table} ORDER BY _n"
    )


def outputs(con: Any, sql: str) -> list[Counter[str]]:
    """The values of each output column, however ordered."""
    found = con.execute(sql)
    width = len(found.description)
    rows = found.fetchall()
    return [Counter(repr(row[i]) for row in rows) for i in range(width)]


@pytest.mark.parametrize("seed", range(1))
def test_nothing_changes_that_is_not_told_to_follow(seed: int) -> None:
    rng = random.Random(seed)
    known = {t.name: of_sql(t.sql, truth.SCHEMAS) for t in TRUTHS}
    seen = 0
    with duckdb.connect() as con:
        con.execute("SET threads = 1; SET scalar_subquery_error_on_multiple_rows = false")
        con.execute("CREATE SCHEMA bronze_shop; CREATE SCHEMA was; CREATE SCHEMA shown")
        fill(con, rng)
        for table in truth.SCHEMAS:
            con.execute(f"CREATE TABLE was.{table.partition('.')[2]} AS FROM {table}")
            con.execute(f"CREATE VIEW shown.{table.partition('.')[2]} AS SELECT * EXCLUDE (_n) FROM {table}")  # fmt: skip
        sqls = {t.name: t.sql.replace("bronze_shop", "shown").replace("BRONZE_SHOP", "shown")
                for t in TRUTHS}  # fmt: skip
        before = {name: outputs(con, sql) for name, sql in sqls.items()}
        for table, column in ((t, c) for t, columns in truth.SCHEMAS.items() for c in columns):
            refill(con, table, column, rng)
            for name, sql in sqls.items():
                told, after = known[name], outputs(con, sql)
                place = (NAMES[table], column)
                if any(i[:2] == place for i in told.rows):
                    continue
                assert len(after) == len(told.columns), name
                for (output, inputs), old, new in zip(
                    told.columns.items(), before[name], after, strict=True
                ):
                    assert old == new or any(i[:2] == place for i in inputs), (name, output, place)
                    seen += old != new
            con.execute(f"CREATE OR REPLACE TABLE {table} AS FROM was.{table.partition('.')[2]}")
    assert seen > 100
