"""What queries become on Spark, and what is refused; that both give the same is asked of Spark itself
in tests/conformance/spark."""

from __future__ import annotations

import pytest

from headgate.core.errors import UsageError
from headgate.lake.engines.spark.carrying import (
    CannotCarryError,
    FilesRead,
    carried,
    carried_condition,
)

SCHEMA = {"t": {"a": "long", "b": "string", "x": "array<string>", "d": "double", "ts": "timestamp"}}


def files(read: FilesRead) -> str:
    files.read = read  # type: ignore[attr-defined]
    return "files_1"


def read() -> FilesRead:
    found: FilesRead = files.read  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("FROM t WHERE a > 1", "SELECT `a`, `b`, `x`, `d`, `ts` FROM `t` AS `t` WHERE (`a` > CAST('1' AS BIGINT))"),
        ("SELECT * EXCLUDE (x, d, ts) REPLACE (lower(b) AS b) FROM t",
         "SELECT `a`, lower(translate(`b`, 'Σİ', 'σi')) AS `b` FROM `t` AS `t`"),
        ("SELECT A FROM t ORDER BY a DESC, b", "SELECT `a` FROM `t` AS `t` ORDER BY `a` DESC NULLS LAST, `b` ASC NULLS LAST"),
        ("FROM u SEMI JOIN v ON u.a = v.a", "SELECT * FROM `u` AS `u` LEFT SEMI JOIN `v` AS `v` ON (`u`.`a` = `v`.`a`)"),
        ("(FROM u) EXCEPT ALL (FROM v)", "(SELECT * FROM `u` AS `u`) EXCEPT ALL (SELECT * FROM `v` AS `v`)"),
        ("SELECT count(*) FILTER (WHERE a IS NULL) FROM t", "SELECT count(*) FILTER (WHERE (`a` IS NULL)) FROM `t` AS `t`"),
        ("SELECT a IS DISTINCT FROM 1 FROM t", "SELECT (NOT (`a` <=> CAST('1' AS BIGINT))) FROM `t` AS `t`"),
        ("SELECT 'it''s \\d'", "SELECT 'it\\'s \\\\d'"),
    ],
)  # fmt: skip
def test_a_query_becomes(query: str, told: str) -> None:
    assert carried(query, schema=SCHEMA) == told


def test_rows_kept_by_a_window_leave_nothing_behind() -> None:
    told = carried(
        "SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY b ORDER BY a) = 1", schema=SCHEMA
    )
    assert told.startswith("SELECT `a` FROM (SELECT `a`, ")
    assert told.endswith("WHERE `_kept`")


def test_files_are_read_by_what_is_told() -> None:
    told = carried(
        "SELECT a, filename AS _file FROM read_parquet(['/x/a''b', '/y'], hive_partitioning=false, filename=true)",
        files=files,
    )
    assert told == "SELECT `a`, `filename` AS `_file` FROM files_1"
    assert read() == FilesRead(("/x/a'b", "/y"), by_name=False, with_file=True)


def test_types_of_files_are_known_as_soon_as_they_are_asked_for() -> None:
    schema: dict[str, dict[str, str]] = {}
    asked = []

    def shown(read: FilesRead) -> str:
        asked.append(read.paths)
        name = f"files_{read.paths[0][1:]}"
        schema[name] = {"a": "double", "b": "long"}
        return name

    query = (
        "WITH one AS (SELECT TRY_CAST(a AS INTEGER) AS a, b FROM read_parquet(['/x'], hive_partitioning=false))"
        " SELECT b::VARCHAR FROM one WHERE a IN (SELECT b + 1 FROM read_parquet(['/y'], hive_partitioning=false))"
    )
    told = carried(query, files=shown, schema=schema)
    assert asked == [("/x",), ("/y",)]
    assert told == carried(query, files=lambda r: f"files_{r.paths[0][1:]}", schema=schema)
    schema.clear()
    with pytest.raises(CannotCarryError, match="a cast of DOUBLE to VARCHAR"):
        carried(query.replace("b::", "a::").replace("TRY_CAST(a AS INTEGER) AS", ""), files=shown,
                schema=schema)  # fmt: skip


def test_files_of_different_ages_get_the_columns_that_the_union_names() -> None:
    told = carried(
        "SELECT a, b FROM (SELECT *, 'p' AS b FROM read_parquet(['/x'], union_by_name=true, hive_partitioning=false)"
        " UNION ALL BY NAME SELECT NULL::BIGINT AS a, NULL::VARCHAR AS b WHERE FALSE)",
        files=files,
    )
    assert "(SELECT `a`, CAST('p' AS STRING) AS `b` FROM files_1) UNION ALL " in told
    assert read() == FilesRead(("/x",), by_name=True, columns=(("a", "BIGINT"),))


def test_a_failure_within_try_is_null_for_the_whole() -> None:
    told = carried("SELECT TRY(a + 1 > 2) FROM t", schema=SCHEMA)
    assert "try_add" in told
    assert told.startswith("SELECT (CASE WHEN (`a` IS NOT NULL")


def test_a_condition_stands_alone() -> None:
    assert carried_condition("b LIKE 'a%' -- who knows", {"b": "string"}).startswith(
        "(`b` LIKE 'a%' ESCAPE"
    )


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("SELECT soundex(b) FROM t", "soundex"),
        ("SELECT CAST(d AS VARCHAR) FROM t", "DOUBLE to VARCHAR"),
        ("SELECT CAST(y AS BIGINT) FROM u", "not known"),
        ("SELECT arg_max(a, b) FROM t", "arg_max"),
        ("SELECT list(a ORDER BY b) FROM t", "ORDER BY"),
        ("SELECT DISTINCT ON (a) a, b FROM t", "DISTINCT ON"),
        ("SELECT a FROM t USING SAMPLE 3", "sample"),
        ("SELECT date_sub('day', ts, ts) FROM t", "date_sub"),
        ("SELECT b || d FROM t", "DOUBLE"),
        ("SELECT regexp_matches(b, b) FROM t", "computed"),
        ("SELECT regexp_matches(b, '\\B') FROM t", "\\B"),
        ("SELECT * REPLACE (1 AS a) FROM u", "REPLACE"),
        ("FROM u UNION ALL BY NAME FROM v", "UNION BY NAME"),
        ("FROM read_csv('x')", "read_csv"),
        ("SELECT CASE WHEN a > 1 THEN b ELSE a END FROM t", "VARCHAR and BIGINT"),
        ("SELECT 1::UBIGINT", "UBIGINT"),
    ],
)  # fmt: skip
def test_what_is_not_known_to_be_equal_is_refused_by_name(query: str, named: str) -> None:
    with pytest.raises(CannotCarryError) as refused:
        carried(query, schema=SCHEMA)
    assert named in str(refused.value)
    assert "engine duckdb" in refused.value.remedy


def test_no_query_is_no_query() -> None:
    with pytest.raises(UsageError):
        carried("DROP TABLE t")
