"""Late rows: told by the days that files reach over, counted as somebody would who reads all rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.contracts import load
from headgate.contracts.model import Contract
from headgate.core import settings as core_settings
from headgate.lake.engines.duckdb import Connection, connect
from headgate.lake.snapshot import DataFile, Snapshot
from headgate.lake.stage import StagedFile, stage
from headgate.quality import late

FIRST = date(2026, 1, 1)
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: sales
name: bronze.shop.sales
version: 1.0.0
status: active
team: {name: shop}
customProperties:
  - {property: headgate.source, value: {format: jsonl}}
schema:
  - name: sales
    dataGranularityDescription: One sale.
    properties:
      - {name: id, logicalType: integer, primaryKey: true, description: Its number., classification: internal}
      - {name: paid_at, logicalType: timestamp, description: "When it was paid, if so.", classification: internal}
      - {name: sold_on, logicalType: date, required: true, description: The day., classification: internal}
      - {name: seen_at, logicalType: timestamp, required: true, description: When., classification: internal}
"""


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    path = tmp_path_factory.mktemp("contract") / "contract.odcs.yaml"
    path.write_text(CONTRACT)
    return load.load(path)


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("late")


@pytest.fixture(scope="module")
def con(where: Path) -> Any:
    with connect(core_settings.load(where), [where]) as opened:
        yield opened


def staged(con: Connection, where: Path, days: Sequence[int]) -> list[StagedFile]:
    """A batch of one row for each of the days, which are counted from the first."""
    rows = ", ".join(f"({n}, DATE '{FIRST + timedelta(days=d)}')" for n, d in enumerate(days))
    columns = {"id": "long", "sold_on": "date"}
    query = f"SELECT id::BIGINT AS id, sold_on FROM (VALUES {rows}) v(id, sold_on)"
    return stage(con, query, columns, where, core_settings.load(where))


def table(*reaches: tuple[int, int]) -> Snapshot:
    """A table of files that reach from one day to another."""
    files = tuple(
        DataFile(
            f"{n}", f"{n}", 1, 1,
            {"sold_on": FIRST + timedelta(days=a)}, {"sold_on": FIRST + timedelta(days=b)},
        )
        for n, (a, b) in enumerate(reaches)
    )  # fmt: skip
    return Snapshot("bronze.shop.sales", 3, {"id": "long", "sold_on": "date"}, files, None, 1)


def test_the_day_is_that_of_the_first_required_date(contract: Contract) -> None:
    assert late.column_of(contract) == "sold_on"
    assert late.column_of(dataclasses.replace(contract, unit_of_change="seen_at")) == "seen_at"
    undated = dataclasses.replace(contract, columns=contract.columns[:2])
    assert late.column_of(undated) is None


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    days=st.lists(st.integers(0, 20), min_size=1, max_size=12),
    reaches=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4)), max_size=4),
)
def test_late_is_what_falls_into_days_that_were_held(
    con: Connection,
    where: Path,
    contract: Contract,
    days: list[int],
    reaches: list[tuple[int, int]],
) -> None:
    held = [(a, a + long) for a, long in reaches]
    found = late.late(con, contract, table(*held), staged(con, where, days), len(days))
    hit = [d for d in days if any(a <= d <= b for a, b in held)]
    assert (found or {"rows": 0})["rows"] == len(hit)
    if found:
        assert (found["first"], found["last"], found["column"]) == (
            str(FIRST + timedelta(days=min(hit))), str(FIRST + timedelta(days=max(hit))), "sold_on"
        )  # fmt: skip


@pytest.mark.parametrize("kind", ["date", "timestamp"])
def test_a_day_lasts_to_its_end(
    con: Connection, where: Path, contract: Contract, kind: str
) -> None:
    dated = (
        dataclasses.replace(contract, unit_of_change="seen_at") if kind == "timestamp" else contract
    )
    column, typed = ("seen_at", "TIMESTAMPTZ") if kind == "timestamp" else ("sold_on", "DATE")
    values = ", ".join(
        f"('{text}'::{typed})"
        for text in ("2026-01-01 23:59:59.999999", "2026-01-03 00:00:00", "2026-01-02 12:00:00")
    )
    batch = stage(con, f"SELECT * FROM (VALUES {values}) v({column})", {column: kind}, where,
                  core_settings.load(where))  # fmt: skip
    reach = {column: FIRST if kind == "date" else datetime(2026, 1, 1, 8, tzinfo=UTC)}
    until = {column: FIRST if kind == "date" else datetime(2026, 1, 2, 9, tzinfo=UTC)}
    base = Snapshot("d", 0, {column: kind}, (DataFile("f", "f", 1, 1, reach, until),), None, 1)
    found = late.late(con, dated, base, batch, 3)
    assert found == {
        "rows": 1 if kind == "date" else 2, "column": column, "first": "2026-01-01",
        "last": "2026-01-01" if kind == "date" else "2026-01-02",
    }  # fmt: skip
    forever = dataclasses.replace(base.files[0], maximum={column: date.max})
    every = dataclasses.replace(base, files=(forever,))
    assert (late.late(con, dated, every, batch, 3) or {})["rows"] == 3


def test_known_rows_are_taken_off(con: Connection, where: Path, contract: Contract) -> None:
    batch = staged(con, where, [0, 0, 1, 9])
    found = late.late(con, contract, table((0, 2)), batch, 3)
    assert found is not None
    assert found["rows"] == 2  # three of held days, one of which the table had
    assert late.late(con, contract, table((0, 2)), batch, 1) is None
    assert late.late(con, contract, table((0, 2)), batch, 0) is None
    assert late.late(con, contract, None, batch, 4) is None


def test_where_days_do_not_meet_no_row_is_looked_at(where: Path, contract: Contract) -> None:
    class Closed:
        """A connection that must not be used."""

    with connect(core_settings.load(where), [where]) as con:
        batch = staged(con, where, [5, 6])
    assert late.late(Closed(), contract, table((0, 4), (7, 9)), batch, 2) is None  # type: ignore[arg-type]


def test_times_are_told_by_their_day() -> None:
    assert late._day(datetime(2026, 1, 2, 23, 59)) == date(2026, 1, 2)
    assert late._day("2026-01-02T23:59:00.000Z") == date(2026, 1, 2)
    assert late._day(None) is None
    many = [(FIRST + timedelta(days=3 * n), FIRST + timedelta(days=3 * n)) for n in range(80)]
    assert late._merged(many) == [(many[0][0], many[-1][1])]
