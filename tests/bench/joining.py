"""``python -m tests.bench.joining``: a model that joins 50 million rows with 5 million, in 1 GiB.

Neither side fits the memory that the engine is given, so it has to spill. Both tables come in through
the gate; then one run builds the join under its contract (its key is unique, its columns are required,
its names fit), and that process's peak memory is what counts. The result is checked by sums that are
known beforehand.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import duckdb

from headgate.core import json as hjson
from tests.bench.__main__ import _timed
from tests.bench.cases import HERE

REPOSITORY = HERE.parent.parent
COLUMNS = {
    "bronze.join.facts": {"fact": ("integer", True), "person": ("integer", False),
                          "amount": ("integer", False)},
    "bronze.join.people": {"person": ("integer", True), "name": ("string", False),
                           "country": ("string", False)},
    "gold.join.named_facts": {"fact": ("integer", True), "person": ("integer", False),
                              "amount": ("integer", False), "name": ("string", False),
                              "country": ("string", False)},
}  # fmt: skip
MODEL = """-- Every fact with the name of its person.
select
    facts.fact,
    facts.person,
    facts.amount,
    people.name,
    people.country
from {{ source('bronze_join', 'facts') }} as facts
inner join {{ source('bronze_join', 'people') }} as people on facts.person = people.person
"""


def contract(dataset: str) -> dict[str, Any]:
    """The contract of one of the three tables."""
    layer, domain, name = dataset.split(".")
    properties = []
    for column, (kind, key) in COLUMNS[dataset].items():
        described: dict[str, Any] = {
            "name": column, "logicalType": kind, "classification": "internal",
            "description": f"The {column}.", "required": True,
            "customProperties": [{"property": "headgate.severity", "value": "fail"}],
        }  # fmt: skip
        if key:
            described |= {"primaryKey": True}
        if column == "name":
            described |= {"logicalTypeOptions": {"pattern": "^n[0-9a-f]+$", "maxLength": 40}}
        properties.append(described)
    table = {
        "name": name,
        "dataGranularityDescription": "One row is one.",
        "properties": properties,
    }
    document: dict[str, Any] = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": f"{layer}-{domain}-{name}",
        "name": dataset, "version": "1.0.0", "status": "active", "domain": domain,
        "description": {"purpose": "To measure joins."}, "team": {"name": "platform"},
        "schema": [table],
    }  # fmt: skip
    if layer == "bronze":
        source = {"property": "headgate.source", "value": {"format": "parquet"}}
        document["customProperties"] = [source]
    return document


def project(folder: Path) -> None:
    """A project of the three contracts and the model."""
    contracts, models = folder / "data_contracts", folder / "dbt_project" / "models"
    shutil.copytree(REPOSITORY / "data_contracts" / "ledger", contracts / "ledger")
    for dataset in COLUMNS:
        place = contracts / "join" / dataset.replace(".", "_")
        place.mkdir(parents=True)
        (place / "contract.odcs.yaml").write_text(hjson.dumps(contract(dataset)))
    shutil.copytree(REPOSITORY / "dbt_project" / "macros", folder / "dbt_project" / "macros")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(REPOSITORY / "dbt_project" / name, folder / "dbt_project" / name)
    models.mkdir()
    (models / "named_facts.sql").write_text(MODEL)
    (folder / "headgate.toml").write_text("")


def make(data: Path, facts: int, people: int) -> dict[str, Path]:
    """Both inputs as Parquet below ``data``; every fact has a person."""
    data.mkdir(parents=True, exist_ok=True)
    paths = {"facts": data / f"facts_{facts}.parquet", "people": data / f"people_{people}.parquet"}
    con = duckdb.connect(":memory:")
    con.execute("SET memory_limit = '1GB'; SET enable_progress_bar = false")
    for name, query in (
        ("facts", f"SELECT i AS fact, hash(i, 1) % {people} AS person, (i % 1000)::INT AS amount"
                  f" FROM range({facts}) r(i)"),
        ("people", "SELECT i AS person, 'n' || md5(i::VARCHAR) AS name,"
                   f" ['de', 'fr', 'jp'][1 + (i % 3)::INT] AS country FROM range({people}) r(i)"),
    ):  # fmt: skip
        if not paths[name].exists():
            con.execute(f"COPY ({query}) TO '{paths[name]}' (FORMAT parquet, COMPRESSION zstd)")
    con.close()
    return paths


def measure(data: Path, facts: int, people: int, limit: str) -> dict[str, Any]:
    """Seconds and peak memory (MiB) of the run that joins."""
    paths, folder = make(data, facts, people), data / "joining"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    project(folder)
    env = {**os.environ, "HEADGATE_ROOT": str(folder), "HEADGATE_MEMORY_LIMIT": limit}
    headgate = [sys.executable, "-m", "headgate.cli.main"]
    given = [a for n, p in paths.items() for a in ("--source", f"bronze.join.{n}={p}")]
    ingest, ingest_peak, code = _timed(
        [*headgate, "run", "--json", "--select", "bronze.join.*", *given], env
    )
    assert code == 0, "the tables did not come in"
    seconds, peak, code = _timed([*headgate, "run", "--json"], env)
    assert code == 0, "the join was not built"
    files = f"{folder}/lake/gold/join/named_facts/*.parquet"
    sums = duckdb.connect(":memory:").execute(
        f"SELECT count(*), sum(amount), count(*) FILTER (name = 'n' || md5(person::VARCHAR))"
        f" FROM read_parquet('{files}')"
    ).fetchone()  # fmt: skip
    assert sums == (facts, (facts // 1000) * 499_500, facts), sums
    shutil.rmtree(folder)
    return {
        "facts": facts, "people": people, "memory_limit": limit, "seconds": seconds,
        "peak_mib": peak, "ingest_seconds": ingest, "ingest_peak_mib": ingest_peak,
    }  # fmt: skip


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(prog="bench.joining", description=__doc__)
    parser.add_argument("--facts", type=int, default=50_000_000)
    parser.add_argument("--people", type=int, default=5_000_000)
    parser.add_argument("--limit", default="500MB", help="the engine's memory limit")
    parser.add_argument("--data", type=Path, default=Path("bench_results/data"))
    parser.add_argument("--out", type=Path, default=Path("bench_results/joining.json"))
    args = parser.parse_args()
    found = measure(args.data, args.facts, args.people, args.limit)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(hjson.dumps(found, indent=2) + "\n")
    print(
        f"{found['facts']:,} x {found['people']:,} rows joined under contract in "
        f"{found['seconds']:.0f} s with at most {found['peak_mib']:.0f} MiB (aim: 1,024); taken in "
        f"before in {found['ingest_seconds']:.0f} s with {found['ingest_peak_mib']:.0f} MiB."
    )


if __name__ == "__main__":
    main()
