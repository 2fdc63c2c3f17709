"""What of Spark's long traces is told, and what a temporary table's definition means; without Spark."""

from __future__ import annotations

import pytest

from headgate.lake.engines.spark import connection
from headgate.lake.engines.spark.failures import sentence


@pytest.mark.parametrize(
    ("trace", "told"),
    [
        ("[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012", "DIVIDE_BY_ZERO: Division by zero."),
        ("[PATH_NOT_FOUND] Path does not exist: file:/x", "No such file or directory: Path"),
        (
            "Job aborted\n[FAILED_READ_FILE.NO_HINT] while reading\n\tat x\nCaused by: y\n"
            "[CAST_OVERFLOW] The value 1 overflows\n\tat z",
            "CAST_OVERFLOW: The value 1 overflows",
        ),
        (
            "a\n java.io.IOException: No space left on device\n\tat b",
            "java.io.IOException: No space",
        ),
        ("x\njava.lang.OutOfMemoryError: Java heap space\n at", "java.lang.OutOfMemoryError: Java"),
        ("An error occurred while calling o1.x\nmore", "An error occurred while calling o1.x"),
        ("", "it gave no reason"),
    ],
)
def test_one_sentence_of_a_trace(trace: str, told: str) -> None:
    assert sentence(trace).startswith(told)
    assert "\n" not in sentence(trace)


def test_a_table_that_is_defined_is_a_query_of_no_rows() -> None:
    found = connection._nothing('("a, b" DECIMAL(9,2), k BIGINT, "l" VARCHAR[])')
    assert found == (
        'SELECT CAST(NULL AS DECIMAL(9,2)) AS "a, b", CAST(NULL AS BIGINT) AS k,'
        ' CAST(NULL AS VARCHAR[]) AS "l" WHERE FALSE'
    )


@pytest.mark.parametrize(
    ("statement", "kind", "name"),
    [
        ("CREATE OR REPLACE TEMP TABLE _matched AS SELECT 1", "_MADE", "_matched"),
        ("CREATE OR REPLACE TEMP TABLE _present (k BIGINT)", "_MADE", "_present"),
        ("INSERT INTO _gone SELECT 1", "_ADDED", "_gone"),
        ("DROP TABLE IF EXISTS _gone", "_DROPPED", "_gone"),
        ("DROP TABLE _scope", "_DROPPED", "_scope"),
    ],
)
def test_statements_are_known(statement: str, kind: str, name: str) -> None:
    found = getattr(connection, kind).match(statement)
    assert found and found[1] == name
    assert not connection._ASKED.match(statement)


def test_queries_are_known() -> None:
    for query in ("SELECT 1", " FROM t", "WITH a AS (SELECT 1) FROM a", "(SELECT 1)"):
        assert connection._ASKED.match(query)
