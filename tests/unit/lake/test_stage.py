"""Statistics of staged files, as the log has them, at the ends of what a timestamp may be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.core import json as hjson
from headgate.core import settings
from headgate.lake.engines.duckdb import connect
from headgate.lake.stage import stage


@pytest.mark.parametrize(
    ("at", "low", "high"),
    [
        ("0033-04-03 15:00:00.000001", "0033-04-03T15:00:00.000Z", "0033-04-03T15:00:00.001Z"),
        ("0001-01-01 00:00:00", "0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z"),
        # There is no millisecond after the last one: no bound is better than a wrong one.
        ("9999-12-31 23:59:59.999999", "9999-12-31T23:59:59.999Z", None),
    ],
)
def test_bounds_have_four_digits_of_the_year(
    tmp_path: Path, at: str, low: str, high: str | None
) -> None:
    (tmp_path / "headgate.toml").write_text("")
    found = settings.load(tmp_path)
    with connect(found) as con:
        query = f"SELECT TIMESTAMPTZ '{at}+00' AS at"
        (file,) = stage(
            con, query, {"at": "timestamp"}, found.lake_path / "_staging" / "run", found
        )

    told = json.loads(file.stats)

    assert told["minValues"].get("at") == low
    assert told["maxValues"].get("at") == high


def test_json_writes_years_with_four_digits() -> None:
    import datetime as dt

    moment = dt.datetime(33, 4, 3, 15, tzinfo=dt.UTC)
    assert hjson.dumps({"at": moment}) == '{"at":"0033-04-03T15:00:00.000000Z"}'
