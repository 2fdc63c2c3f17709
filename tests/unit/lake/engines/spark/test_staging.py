"""Statistics read from footers are those that the embedded engine tells of the files that it writes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from headgate.core import settings
from headgate.lake.engines.duckdb import connect
from headgate.lake.engines.spark.staging import staged
from headgate.lake.stage import stage

COLUMNS = {
    "i": "integer", "n": "long", "s": "string", "l": "array<long>", "e": "array<string>",
    "d": "decimal(9,2)", "w": "decimal(38,6)", "t": "timestamp", "day": "date", "f": "double",
    "b": "boolean", "j": "json",
}  # fmt: skip
ROWS = """SELECT k::INTEGER AS i, -k * 10000000000 AS n, 'é' || k AS s,
CASE WHEN k % 3 > 0 THEN [k, NULL] END AS l, ['a'] AS e, (k * 1.5)::DECIMAL(9,2) AS d,
k::DECIMAL(38,6) / 3 AS w, TIMESTAMPTZ '1902-01-01 01:02:03.123456+00' + k * INTERVAL 1 DAY AS t,
DATE '0001-01-01' + k::INTEGER AS day, {double} AS f, k % 2 = 0 AS b, '{{"x":1}}' AS j
FROM range(5000) r(k)"""


@pytest.mark.parametrize(
    "double", ["k / 3.0", "CASE WHEN k = 7 THEN 'nan'::DOUBLE ELSE k END", "NULL::DOUBLE",
               "CASE WHEN k = 7 THEN 'inf'::DOUBLE ELSE -k END"]
)  # fmt: skip
def test_footers_say_what_the_embedded_engine_says(tmp_path: Path, double: str) -> None:
    own = dataclasses.replace(settings.load(tmp_path), lake=tmp_path / "lake")
    with connect(own) as con:
        query = f"SELECT * REPLACE (w::DECIMAL(38,6) AS w) FROM ({ROWS.format(double=double)})"
        (written,) = stage(con, query, COLUMNS, tmp_path / "lake" / "staging", own)
    found = staged(written.path, COLUMNS)
    assert found is not None
    assert (found.stats, found.nulls) == (written.stats, written.nulls)
    assert (found.rows, found.size) == (5000, written.size)


def test_a_file_without_rows_is_none(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "empty.parquet"
    pq.write_table(pa.table({"n": pa.array([], pa.int64())}), path)
    assert staged(path, {"n": "long"}) is None
    assert not path.exists()
