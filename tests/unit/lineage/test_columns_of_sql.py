"""Column lineage of SQL against what was written down by hand before it could be told."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pytest

from headgate.lineage.columns import ColumnLineage, UntraceableError, of_sql
from headgate.lineage.steps import ColumnInput
from tests.unit.lineage import column_truth as truth
from tests.unit.lineage.column_truth_queries import QUERIES

TRUTHS = [*truth.EXPRESSIONS, *QUERIES]
DIRECT = ("IDENTITY", "TRANSFORMATION", "AGGREGATION")


def inputs(text: str, datasets: Mapping[str, str]) -> set[tuple[str, str, str, str]]:
    """What a line of truth says: dataset, column, type and subtype of each way."""
    found = set()
    for place in filter(None, text.split(", ")):
        name, *ways = place.split(" ")
        short, column = name.split(".")
        assert ways, place
        found |= {
            (datasets[short], column, "DIRECT" if way in DIRECT else "INDIRECT", way)
            for way in ways
        }
    return found


@pytest.mark.parametrize("known", TRUTHS, ids=lambda t: t.name)
def test_every_column_and_the_rows_are_as_written_down(known: truth.Truth) -> None:
    told = of_sql(known.sql, truth.SCHEMAS)
    assert list(told.columns) == list(known.columns)
    for column, text in known.columns.items():
        assert set(told.columns[column]) == inputs(text, truth.DATASETS), column
    assert set(told.rows) == inputs(known.rows, truth.DATASETS)


def test_what_was_written_down_is_of_queries_that_duckdb_runs() -> None:
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA bronze_shop")
        for name, columns in truth.SCHEMAS.items():
            con.execute(
                f"CREATE TABLE {name} ({', '.join(f'{c} {t}' for c, t in columns.items())})"
            )
        for known in TRUTHS:
            given = [r[0] for r in con.execute(f"DESCRIBE {known.sql}").fetchall()]
            assert given == list(known.columns), known.name


@pytest.mark.parametrize("what", truth.REFUSED)
def test_what_cannot_be_followed_is_refused(what: str) -> None:
    with pytest.raises(UntraceableError):
        of_sql(truth.REFUSED[what], truth.SCHEMAS)


def test_a_refusal_names_the_construct_and_says_what_it_costs() -> None:
    with pytest.raises(UntraceableError) as refusal:
        of_sql(truth.REFUSED["a file"], truth.SCHEMAS)
    assert "read_parquet" in str(refusal.value)
    with pytest.raises(UntraceableError) as refusal:
        of_sql("select columns('c.*') from bronze_shop.rates", truth.SCHEMAS)
    assert "COLUMNS" in str(refusal.value)
    assert "built all the same" in str(refusal.value)


def test_lineage_comes_back_from_its_text_with_its_columns_in_order() -> None:
    way = ColumnInput("bronze.shop.rates", "rate", "INDIRECT", "FILTER")
    told = ColumnLineage({"b": (way,), "a": ()}, (way,))
    again = ColumnLineage.from_json(told.to_json())
    assert again == told
    assert list(again.columns) == ["b", "a"]
    with pytest.raises(ValueError, match="no column lineage"):
        ColumnLineage.from_json("[]")


#: What was met only after the extractor was there: a query, and its columns and rows as read by hand.
LATER = [
    (
        "select country, n from (select country from bronze_shop.customers),"
        " (select count(rate) as n from bronze_shop.rates)",
        {"country": "c.country IDENTITY", "n": "r.rate AGGREGATION"},
        "",
    ),
    (
        "select note->>'$.a' as a, placed_at at time zone 'UTC' as at from bronze_shop.orders",
        {"a": "o.note TRANSFORMATION", "at": "o.placed_at TRANSFORMATION"},
        "",
    ),
    (
        "select i.item, i.n from bronze_shop.orders as o, unnest(o.items) with ordinality as i (item, n)",
        {"item": "o.items TRANSFORMATION", "n": ""},
        "o.items JOIN",
    ),
    (
        "select status from bronze_shop.orders group by grouping sets ((status), ())",
        {"status": "o.status IDENTITY"},
        "o.status GROUP_BY",
    ),
    (
        "select country from headgate_changed.\"m|bronze.shop.rates|country\"",
        {"country": "r.country IDENTITY"},
        "",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "columns", "rows"), LATER)
def test_what_was_met_later_is_as_read_by_hand(
    sql: str, columns: dict[str, str], rows: str
) -> None:
    told = of_sql(sql, truth.SCHEMAS)
    assert {c: set(i) for c, i in told.columns.items()} == {
        c: inputs(text, truth.DATASETS) for c, text in columns.items()
    }
    assert set(told.rows) == inputs(rows, truth.DATASETS)


@pytest.mark.parametrize(
    "sql",
    [
        "select unnest(address) from bronze_shop.orders",
        "select unnest(items, recursive := true) as i from bronze_shop.orders",
        "select address.* from bronze_shop.orders",
        "select * like 'a%' from bronze_shop.orders",
        "select min(columns(*)) from bronze_shop.rates",
        "select * from (pivot bronze_shop.orders on status using sum(amount))",
        "select * from bronze_shop.orders unpivot (v for n in (amount, discount))",
        "select a.country, b.country from bronze_shop.rates as a, bronze_shop.rates as b",
        "select r.country from bronze_shop.rates as r, bronze_shop.customers as r",
        "select country from bronze_shop.rates union select country, rate from bronze_shop.rates",
        "select rate from bronze_shop.rates order by 2 limit 1",
        "select sum(rate) over w as s from bronze_shop.rates",
        "select x.* from bronze_shop.rates",
        "select country from bronze_shop.rates as r (a, b, c, d)",
        "select x'00' as x",
        "",
    ],
)
def test_nothing_is_guessed(sql: str) -> None:
    with pytest.raises(UntraceableError):
        of_sql(sql, truth.SCHEMAS)


def test_deep_nesting_is_refused_and_not_an_accident() -> None:
    sql = "select rate" + " + 1" * 20_000 + " as r from bronze_shop.rates"
    with pytest.raises(UntraceableError):
        of_sql(sql, truth.SCHEMAS)
