"""What DuckDB's functions, operators and casts give of edge values is what Spark gives of them."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from headgate.lake.engines.spark.carrying import CannotCarryError, carried
from headgate.lake.engines.spark.connection import SparkConnection
from tests.conformance.spark.both import Both, plain
from tests.conformance.spark.expressions import EXPRESSIONS, NESTED

COLUMNS = {
    "i1": "integer", "i2": "integer", "l1": "long", "l2": "long", "d1": "double", "d2": "double",
    "m1": "decimal(10,2)", "m2": "decimal(10,2)", "m3": "decimal(38,10)", "s1": "string",
    "s2": "string", "n1": "string", "b1": "boolean", "b2": "boolean", "dt1": "date", "dt2": "date",
    "ts1": "timestamp", "ts2": "timestamp", "li": "array<long>", "ls": "array<string>",
    "ld": "array<double>", "j": "json", "td": "string", "tt": "string",
}  # fmt: skip
_INSTANTS = (
    "2004-01-31T23:59:59.999999", "2004-02-29T12:00:00", "1970-01-01T00:00:00", "0001-01-01T00:00:00",
    "1969-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999", "2004-01-31T00:00:00.000001",
    "1582-10-04T01:02:03", "2020-02-03T04:05:06.123500", "1960-02-03T04:05:06.123499",
    "2262-04-11T23:47:16.854776", "1883-11-18T17:00:00", "2024-03-31T01:30:00", "2024-10-27T00:59:59",
)  # fmt: skip
EDGES: dict[str, Sequence[Any]] = {
    "integer": (0, 1, -1, 2, -2, 3, 7, -7, 10, 2**31 - 1, -(2**31)),
    "long": (0, 1, -1, 2, -2, 3, 7, 22, 63, 64, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)),
    "double": (
        0.0, -0.0, 1.0, -1.0, 0.1, 0.5, -0.5, 1.5, 2.5, -2.5, 0.3, 1e-7, 1e16, 1e20, 1e308, 5e-324,
        math.nan, math.inf, -math.inf, 2.0**53 + 2, 2.0**63, -(2.0**63), 2147483647.5, 9.5,
    ),
    "decimal(10,2)": tuple(map(Decimal, ("0", "0.01", "-0.01", "-1.5", "2.5", "99999999.99", "7"))),
    "decimal(38,10)": tuple(map(Decimal, ("0", "1E-10", "1.5", "9999999999999999999999999999.9999999999"))),
    "string": (
        "", "a", "b", "abc", "ABC", " a ", "a\0", "x" * 40_000, "a b", "Ä", "ß", "ﬀ", "İ", "K", "k", "Σ", "ΑΣ", "é", "e\u0301",
        "😀a", "a\nb", "\n", "a\\b", "%", "_", "a_c", "a%c", "'", '"', "0", "\u00a0x", "日本", "\u212a",
    ),
    "n1": (
        "0", "1", "-1", "+1", " 1", "1 ", "\t1\n", "1.5", "1.4999", "-0.5", "2.5", "1e3", "1E3", "1e-3",
        "1_000", "1__0", "_1", "0x1F", "0b1", "inf", "Infinity", "-inf", "nan", "+nan", "", " ", "abc",
        "1.", ".", ".5", "--1", "1,000", "9223372036854775808", "2147483648", "1e400", "1e-400", "1d",
        "1f", "true", "t", "F", "yes", "TRUE ", "1e", "e5", "１", "1\u00a0", "123456789.987654321",
    ),
    "boolean": (True, False),
    "date": tuple(map(dt.date.fromisoformat, (t[:10] for t in _INSTANTS))),
    "timestamp": tuple(dt.datetime.fromisoformat(t + "+00:00") for t in _INSTANTS),
    "array<long>": ([], [1], [1, 2], [2, 1, 1], [None], [1, None], [2**63 - 1]),
    "array<string>": ([], ["a"], ["a", "b"], ["a", "a"], [None], ["a", None], ["abc", "Ä"]),
    "array<double>": ([], [1.0], [math.nan, 1.0], [math.nan, math.nan], [None, 1.0], [math.inf]),
    "json": (
        "{}", "[]", '{"a":1}', '{"a":null,"b":2}', "[1,2,1]", '[1,"1"]', "[null,null]", '"x"', "1", "-1",
        "1.5", "null", "true", '{"a":{"b":1}}', "[1,1.0]", '[{"a":1},{"a":1}]', '{"a":1,"a":2}', "", "{",
        "[1,", "nul", '{"a":1} x', "[]]", "1],[2", '1,"b":7}', '{"":1}', '{"é":1}', "{'a':1}", '["\'"]',
        '[{"a":1,"b":2},{"b":2,"a":1}]', "[0.1,0.10]",
    ),
    "td": (
        "2004-01-31", "2004-1-3", " 2004-01-31", "2004-02-30", "0000-01-01", "0001-01-01", "-0001-01-01",
        "10000-01-01", "+10000-01-01", "2004/01/31", "2004-01-31 12:00:00", "2004-01", "2004", "20040131",
        "epoch", "now", "today", "", "abc", "2004-01-31x",
    ),
    "tt": (
        "2004-01-31 12:00:00", "2004-01-31T12:00:00Z", "2004-01-31 12:00:00+02", "2004-01-31 12:00",
        "2004-01-31 12:00:00+02:30", "2004-01-31 12:00:00.1234567", "2004-01-31 12", "2004-01-31",
        " 2004-01-31 12:00:00 ", "2004-01-31 23:59:60", "2004-01-31 12:00:00 UTC", "2004-1-3 1:2:3",
        "10000-01-01 00:00:00", "epoch", "", "12:00:00", "2004-01-31 12:00:00.", "T12:00",
    ),
}  # fmt: skip


def data(seed: int, count: int = 250) -> list[dict[str, Any]]:
    """Rows in which every edge value of each column occurs, beside others by chance."""
    rng = random.Random(seed)
    columns = {}
    for name, kind in COLUMNS.items():
        edges = [*EDGES.get(name, EDGES[kind]), None]
        values = edges + rng.choices(edges, k=count - len(edges))
        rng.shuffle(values)
        columns[name] = values
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@pytest.fixture(scope="module")
def edges(engine: SparkConnection) -> Both:
    return Both(engine, COLUMNS, data(1), "edges")


def test_expressions_give_the_same(edges: Both) -> None:
    assert edges.differences(EXPRESSIONS) == {}


def test_expressions_in_one_another_give_the_same(edges: Both) -> None:
    rng = random.Random(7)
    made = []
    while len(made) < 48:
        told = f"TRY({NESTED.condition(rng, 2)})"
        with suppress(CannotCarryError):
            carried(f"SELECT {told} FROM edges", schema={"edges": edges.spark.schemas["edges"]})
            made.append(told)
    assert edges.differences(made) == {}


def test_what_a_query_counts_is_the_same(edges: Both) -> None:
    query = (
        "SELECT {0} AS k, count(*), count(DISTINCT {1}), sum(l1 % 1000), avg(i1), median(i1), min(d1),"
        " max(d1), min(s1), max(s1), count(*) FILTER (WHERE b1), bool_and(b2), sum(m1), avg(m1),"
        " len(list(s1)) FROM edges GROUP BY ALL ORDER BY k"
    )
    for key, counted in (("b1", "d1"), ("s1", "l1"), ("d1", "s1"), ("i1 % 3", "ts1")):
        asked = query.format(key, counted)
        ours, theirs = edges.duck.execute(asked).fetchall(), edges.spark.execute(asked).fetchall()
        assert [[plain(v) for v in r] for r in ours] == [[plain(v) for v in r] for r in theirs]


def test_windows_and_orders_are_the_same(edges: Both) -> None:
    asked = (
        "SELECT _row, row_number() OVER (PARTITION BY b1 ORDER BY d1 DESC, _row),"
        " row_number() OVER (ORDER BY s1, _row), rank() OVER (ORDER BY d1), lag(l1) OVER (ORDER BY _row),"
        " sum(i1 % 100) OVER (PARTITION BY b2 ORDER BY _row ROWS BETWEEN 2 PRECEDING AND CURRENT ROW),"
        " max(m1) OVER (PARTITION BY b1) FROM edges QUALIFY row_number() OVER"
        " (PARTITION BY i1 ORDER BY s1 NULLS FIRST, _row) <= 3 ORDER BY _row"
    )
    ours, theirs = edges.duck.execute(asked).fetchall(), edges.spark.execute(asked).fetchall()
    assert ours == theirs
