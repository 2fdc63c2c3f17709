"""What Spark is known not to give as DuckDB does; a mark that became untrue fails, and is to go."""

from __future__ import annotations

from typing import Any

import pytest

from headgate.lake.engines import EngineError
from headgate.lake.engines.spark.carrying import CannotCarryError, carried
from headgate.lake.engines.spark.connection import SparkConnection
from tests.conformance.spark.both import Both, plain

#: Expressions over the columns below that are refused before anything runs.
REFUSED = (
    "CAST(d AS VARCHAR)", "s || d", "TRY_CAST(d AS DECIMAL(38,10))", "CAST(li AS VARCHAR)",
    "regexp_matches(s, '\\B')", "regexp_matches(s, s)", "s LIKE s", "i << 2", "reverse(s)", "upper(s)",
    "round(d)", "date_sub('day', ts, ts)", "li < li", "CAST(s AS HUGEINT)", "list_has_all(ld, [1.0])",
    "json_extract_string(s, '$.a')", "strftime(ts, '%a')", "split_part(s, 'a', -1)", "li || li",
)  # fmt: skip
#: What Spark raises for where DuckDB has a value: a text, and what is made of it.
RAISED = (
    ("infinity", "TRY_CAST(s AS DATE)"),
    ("44-03-15 (BC)", "TRY_CAST(s AS DATE)"),
    ("2004-01-31 24:00:00", "TRY_CAST(s AS TIMESTAMPTZ)"),
    ("2004-01-31 12:00:00 Europe/Berlin", "TRY_CAST(s AS TIMESTAMPTZ)"),
    ("9:30:00", "TRY_CAST(s AS TIME)"),
)
#: What Spark gives another value for.
DIFFERENT = (
    ("NaN", "TRY(json_type(s))"),
    ("[1,]", "TRY(json_type(s))"),
    ("[-0.0,0.0]", "len(list_distinct(json_extract(s, '$[*]')))"),
)
COLUMNS = {
    "s": "string", "d": "double", "i": "integer", "ts": "timestamp", "li": "array<long>",
    "ld": "array<double>",
}  # fmt: skip


@pytest.mark.parametrize("expression", REFUSED)
def test_it_is_refused(expression: str) -> None:
    with pytest.raises(CannotCarryError):
        carried(f"SELECT {expression} FROM t", schema={"t": COLUMNS})


def one(text: str, **more: Any) -> list[dict[str, Any]]:
    return [{**dict.fromkeys(COLUMNS), "s": text, **more}]


@pytest.mark.parametrize(("text", "expression"), RAISED)
def test_it_is_an_error(engine: SparkConnection, text: str, expression: str) -> None:
    both = Both(engine, COLUMNS, one(text), "marked")
    query = f"SELECT {expression} IS NOT NULL FROM marked"
    assert both.duck.execute(query).fetchall() == [(True,)]
    with pytest.raises(EngineError):
        engine.execute(query).fetchall()


@pytest.mark.parametrize(("text", "expression"), DIFFERENT)
def test_it_is_another_value(engine: SparkConnection, text: str, expression: str) -> None:
    both = Both(engine, COLUMNS, one(text), "marked")
    query = f"SELECT {expression} FROM marked"
    ours, theirs = both.duck.execute(query).fetchall(), engine.execute(query).fetchall()
    assert plain(ours[0][0]) != plain(theirs[0][0])
