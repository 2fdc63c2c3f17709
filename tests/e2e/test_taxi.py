"""A year of New York's taxis: a contract written for it and no code, counted by Python's csv module."""

from __future__ import annotations

import csv
import gzip
import shutil
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from headgate.quality.quarantine import list_rows
from tests.conftest import REPOSITORY

DATASET = "bronze.taxi.trips"
#: name, type, further lines of the column
COLUMNS = [
    ("vendor_id", "integer", ""),
    ("pickup_datetime", "timestamp", "key"),
    ("dropoff_datetime", "timestamp", "key"),
    ("passenger_count", "integer", ""),
    ("trip_distance", "decimal(9,2)", "key"),
    ("rate_code_id", "integer", ""),
    ("store_and_fwd_flag", "string", ""),
    ("pickup_location_id", "integer", "key"),
    ("dropoff_location_id", "integer", "key"),
    ("payment_type", "integer", ""),
    ("fare_amount", "decimal(9,2)", "logicalTypeOptions: {minimum: 0}"),
    *((n, "decimal(9,2)", "") for n in ("extra", "mta_tax", "tip_amount", "tolls_amount")),
    ("improvement_surcharge", "decimal(9,2)", ""),
    ("total_amount", "decimal(9,2)", "key"),
    ("congestion_surcharge", "decimal(9,2)", ""),
]
HEAD = """
apiVersion: v3.1.0
kind: DataContract
id: taxi
name: bronze.taxi.trips
version: 1.0.0
status: active
description: {purpose: "Trips of yellow taxis, as the city publishes them."}
team: {name: tests}
customProperties:
  - {property: headgate.source, value: {format: csv}}
schema:
  - name: trips
    dataGranularityDescription: One row is one trip.
    quality:
      - id: in_its_year
        type: custom
        engine: headgate
        implementation: year(pickup_datetime) = 2019
        severity: quarantine
        description: The deliveries are of 2019.
      - id: in_its_month
        type: custom
        engine: headgate
        implementation: contains(_source, strftime(pickup_datetime, '%Y-%m'))
        severity: warn
        description: A file holds the trips of its month; some of its neighbours come along.
    properties:
"""


def contract() -> str:
    """The contract's text: key columns in the order of the list."""
    lines = [HEAD]
    for name, kind, more in COLUMNS:
        logical = {"decimal(9,2)": "number"}.get(kind, kind)
        lines.append(f"      - name: {name}\n        logicalType: {logical}\n")
        if logical != kind:
            lines.append(f"        physicalType: {kind}\n")
        if more == "key":
            lines.append("        primaryKey: true\n")
        elif more:
            lines.append(f"        {more}\n")
        lines.append(f"        classification: internal\n        description: {name}.\n")
    return "".join(lines)


@pytest.fixture
def taxi(tmp_path: Path) -> Project:
    folder = tmp_path / "project/data_contracts/taxi/bronze_trips"
    folder.mkdir(parents=True)
    (tmp_path / "project/headgate.toml").write_text('lake = "lake"\n')
    (folder / "contract.odcs.yaml").write_text(contract())
    shutil.copytree(REPOSITORY / "data_contracts/ledger", folder.parents[1] / "ledger")
    return Project.open(tmp_path / "project")


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def typed(row: dict[str, str]) -> tuple[object, ...]:
    """A trip as it must be in the table."""
    return tuple(
        (int(text) if kind == "integer" else Decimal(text) if "decimal" in kind else text)
        if (text := row[name])
        else None
        for name, kind, _ in COLUMNS
    )


def test_twelve_months_of_taxis(taxi: Project, real_data: Path, tmp_path: Path) -> None:
    files = sorted((real_data / "ref_nyc_taxi").glob("*.csv"))
    assert len(files) == 12

    report = run(taxi, sources={DATASET: [str(real_data / "ref_nyc_taxi")]})

    assert report.exit_code == 0, report.problems
    with connect(taxi.settings) as con:
        months = ledger.rows(taxi.lake, con, ledger.VERDICTS, "rule_id = 'in_its_month'")
    good: list[tuple[object, ...]] = []
    bad: dict[tuple[str, int], set[str]] = {}
    assert [batch.source for batch in report.batches] == [path.name for path in files]
    for batch, path in zip(report.batches, files, strict=True):
        neighbours = read = 0
        for read, row in enumerate(rows(path), 1):
            reasons = set()
            if Decimal(row["fare_amount"]) < 0:
                reasons.add("fare_amount.minimum")
            if not row["pickup_datetime"].startswith("2019-"):
                reasons.add("in_its_year")
            if reasons:
                bad[path.name, read] = reasons
                continue
            good.append(typed(row))
            neighbours += row["pickup_datetime"][:7] not in path.name
        refused = sum(name == path.name for name, _ in bad)
        assert (batch.read, batch.published, batch.quarantined) == (read, read - refused, refused)
        strange = next(d for d in months if d["batch_id"] == batch.batch_id)
        assert strange["breaches"] == neighbours, path.name
    assert len(good) + len(bad) == 120_000
    assert Counter(r for reasons in bad.values() for r in reasons)["in_its_year"] == 1
    kept = list_rows(taxi.lake, taxi.contracts[DATASET], limit=None)
    found = {(r.source, r.position): {str(x["code"]) for x in r.reasons} for r in kept}
    assert found == bad
    assert stored(taxi) == sorted(good, key=str)


def stored(project: Project) -> list[tuple[object, ...]]:
    snapshot = project.lake.snapshot(DATASET)
    assert snapshot is not None
    own = [f"strftime({n}, '%Y-%m-%d %H:%M:%S')" if k == "timestamp" else n for n, k, _ in COLUMNS]
    with connect(project.settings) as con:
        found = con.execute(f"SELECT {', '.join(own)} FROM {snapshot.relation()}").fetchall()
    return sorted(found, key=str)


def test_the_same_trips_as_a_later_program_writes_them(
    taxi: Project, real_data: Path, tmp_path: Path
) -> None:
    """Columns in another order and one more, integers as "1.0", times with T: the same rows."""
    (july,) = (real_data / "ref_nyc_taxi").glob("*-07.csv")
    first = run(taxi, sources={DATASET: [str(july)]})
    before = stored(taxi)
    names = [n for n, _, _ in reversed(COLUMNS)]
    fractions = {n for n, k, _ in COLUMNS if k == "integer"}
    later = tmp_path / "again_2019-07.csv.gz"
    with gzip.open(later, "wt", encoding="utf-8-sig", newline="") as file:
        file.write(",".join(f'"{name}"' for name in [*names, "airport_fee"]) + "\r\n")
        for row in rows(july):
            given = {n: f'"{float(t)}"' if (t := row[n]) and n in fractions else t for n in names}
            given["pickup_datetime"] = f'"{row["pickup_datetime"].replace(" ", "T")}"'
            if not row["vendor_id"]:
                given["vendor_id"] = '""'
            file.write(",".join([*given.values(), ""]) + "\r\n")

    second = run(taxi, sources={DATASET: [str(later)]})

    (one,), (two,) = first.batches, second.batches
    assert not second.problems
    assert (two.read, two.published, two.deduplicated) == (10_000, 0, one.published)
    assert two.quarantined == one.quarantined == 20
    with connect(taxi.settings) as con:
        (told,) = ledger.rows(taxi.lake, con, ledger.BATCHES, f"source = '{later.name}'")
    assert "byte order mark" in told["detail"] and "airport_fee" in told["detail"]
    assert stored(taxi) == before
