"""Column lineage of SQL against what was written down by hand before it could be told."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pytest

from headgate.lineage.columns import ColumnLineage, UntraceableError, of_sql
from headgate.lineage.steps import ColumnInput
from tests.unit.lineage import column_truth as truth

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


@pytest.mark.parametrize("known", truth.TRUTHS, ids=lambda t: t.name)
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
        for known in truth.TRUTHS:
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
