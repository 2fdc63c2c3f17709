"""What a task may return: each kind as a file of each format, the same one each time."""

from __future__ import annotations

import datetime as dt
import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headgate.contracts.load import load_all
from headgate.contracts.model import Contract
from headgate.core import json as hjson
from headgate.core.errors import ContractError, UsageError
from headgate.core.settings import Settings
from headgate.lake.lake import LANDING
from headgate.orchestration import parts
from headgate.orchestration.airflow.delivery import delivered
from headgate.orchestration.project import Project
from tests.dags.handmade_weeks import DIGEST

AT = dt.datetime(2024, 5, 1, 9, 30, tzinfo=dt.UTC)
ROWS: list[dict[str, Any]] = [
    {"id": "b", "n": 2, "at": AT, "day": dt.date(2024, 5, 2), "share": 0.5, "note": None},
    {"id": "a", "n": 1, "at": AT, "day": dt.date(2024, 5, 1), "share": 1.0, "note": None},
]
COLUMNS = [("id", "string"), ("n", "integer"), ("at", "timestamp"), ("day", "date"),
           ("share", "number"), ("note", "string")]  # fmt: skip


def contract_of(folder: Path, source: dict[str, Any], **more: Any) -> Contract:
    """A contract of the rows, whose source reads a format."""
    where = folder / "contracts" / "shop" / "bronze_orders"
    where.mkdir(parents=True, exist_ok=True)
    columns: list[dict[str, Any]] = [
        {"name": n, "logicalType": t, "description": n, "classification": "internal"}
        for n, t in COLUMNS
    ]
    columns[0] |= {"primaryKey": True, "primaryKeyPosition": 1}
    custom = [
        {"property": f"headgate.{k}", "value": v} for k, v in (more | {"source": source}).items()
    ]
    (where / "contract.odcs.yaml").write_text(
        hjson.dumps(
            {
                "apiVersion": "v3.1.0",
                "kind": "DataContract",
                "id": "orders",
                "version": "1.0.0",
                "name": "bronze.shop.orders",
                "status": "active",
                "domain": "shop",
                "description": {"purpose": "x"},
                "team": {"name": "shop"},
                "customProperties": custom,
                "schema": [
                    {
                        "name": "orders",
                        "description": "x",
                        "properties": columns,
                        "dataGranularityDescription": "x",
                    }
                ],
            }
        )
    )
    return load_all(folder / "contracts")["bronze.shop.orders"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path)


def staged(settings: Settings, contract: Contract, given: object, run: str = "r") -> tuple[str, bytes]:  # fmt: skip
    """Name and bytes of the file that something becomes; it is gone afterwards."""
    with delivered(settings, contract, given, by="shop.take.orders", run=run) as (path,):
        found = Path(path).name, Path(path).read_bytes()
    assert not Path(path).exists()
    return found


KINDS: dict[str, Callable[[], object]] = {
    "polars": lambda: pl.DataFrame(ROWS),
    "lazy": lambda: pl.LazyFrame(ROWS),
    "arrow": lambda: pa.Table.from_pylist(ROWS),
    "batch": lambda: pa.RecordBatch.from_pylist(ROWS),
    "reader": lambda: pa.Table.from_pylist(ROWS).to_reader(),
    "duckdb": lambda: duckdb.connect().from_arrow(pa.Table.from_pylist(ROWS)),
    "pandas": lambda: pa.Table.from_pylist(ROWS).to_pandas(),
    "dicts": lambda: ROWS,
    "generator": lambda: (row for row in ROWS),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_holds_the_same_rows(settings: Settings, tmp_path: Path, kind: str) -> None:
    contract = contract_of(tmp_path, {"format": "parquet"})
    name, data = staged(settings, contract, KINDS[kind]())
    assert name == "shop.take.orders.r.parquet"
    found = pq.read_table(pa.BufferReader(data)).to_pylist()
    assert sorted(found, key=lambda r: r["id"]) == sorted(ROWS, key=lambda r: r["id"])


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"format": "jsonl"}, "{A}\n{B}\n"),
        ({"format": "json", "records": "$[*]"}, "[{A},{B}]\n"),
        ({"format": "json", "records": "$.orders[*]"}, '{{"orders":[{A},{B}]}}\n'),
        (
            {"format": "csv", "delimiter": ";", "nulls": ["NA"]},
            "id;n;at;day;share;note\na;1;2024-05-01T09:30:00.000000Z;2024-05-01;1.0;NA\n"
            "b;2;2024-05-01T09:30:00.000000Z;2024-05-02;0.5;NA\n",
        ),
    ],
)
def test_text_formats_say_every_value_exactly(
    settings: Settings, tmp_path: Path, source: dict[str, Any], text: str
) -> None:
    contract = contract_of(tmp_path, source)
    _, data = staged(settings, contract, pl.DataFrame(ROWS))
    b, a = (hjson.dumps(row) for row in ROWS)
    expected = text.format(A=a, B=b) if "{A}" in text else text
    assert gzip.decompress(data).decode() == expected


@pytest.mark.parametrize("format", ["parquet", "jsonl", "csv"])
def test_bytes_follow_from_rows_and_run_alone(
    settings: Settings, tmp_path: Path, format: str
) -> None:
    contract = contract_of(tmp_path, {"format": format})
    first = staged(settings, contract, pl.DataFrame(ROWS))
    assert staged(settings, contract, pl.DataFrame(ROWS[::-1])) == first, "in whatever order"
    other = staged(settings, contract, pl.DataFrame(ROWS), run="s")
    assert other[1] != first[1], "another run is another delivery"
    assert other[0] != first[0]


def test_a_snapshot_stands_under_one_name(settings: Settings, tmp_path: Path) -> None:
    contract = contract_of(tmp_path, {"format": "jsonl"}, delivery={"snapshot": True})
    assert staged(settings, contract, ROWS)[0] == "shop.take.orders.jsonl.gz"
    odd = contract_of(tmp_path, {"format": "jsonl"})
    name, _ = staged(settings, odd, ROWS, run="manual__2026-03-01T00:00:00+00:00/../x" + "y" * 300)
    assert "/" not in name and len(name) < 200


def test_no_rows_are_a_file_too(settings: Settings, tmp_path: Path) -> None:
    contract = contract_of(tmp_path, {"format": "parquet"})
    _, data = staged(settings, contract, [])
    table = pq.read_table(pa.BufferReader(data))
    assert (table.num_rows, table.column_names) == (0, [n for n, _ in COLUMNS])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, "returned nothing"),
        (3, "returned a int"),
        ({"id": "a"}, "returned a dict"),
        ([{"id": "a"}, 3], "element 1 of what was returned is a int"),
        ([{"id": "a", "n": 1}, {"id": "b", "n": "x"}], "cannot be written as parquet"),
    ],
)
def test_what_is_no_delivery_is_refused_with_what_to_return(
    settings: Settings, tmp_path: Path, given: object, told: str
) -> None:
    contract = contract_of(tmp_path, {"format": "parquet"})
    with pytest.raises(UsageError, match=told) as caught:
        staged(settings, contract, given)
    assert "Polars" in caught.value.remedy
    assert not [p for p in (tmp_path / "lake" / LANDING).rglob("*") if p.is_file()]


@pytest.mark.parametrize(
    "source",
    [
        {"format": "json", "records": "$.a[*].b[*]"},
        {"format": "json", "records": "$[*]", "controlTotal": "$.n"},
        {"format": "csv", "header": False},
    ],
)
def test_a_format_that_holds_no_frame_is_told(
    settings: Settings, tmp_path: Path, source: dict[str, Any]
) -> None:
    contract = contract_of(tmp_path, source)
    with pytest.raises(ContractError, match="frame") as caught:
        staged(settings, contract, ROWS)
    assert "Return paths of files" in caught.value.remedy


def test_paths_are_what_they_are(settings: Settings, tmp_path: Path) -> None:
    contract = contract_of(tmp_path, {"format": "jsonl"})
    for given in ("in/x.jsonl", Path("in/x.jsonl"), ["in/x.jsonl"]):
        with delivered(settings, contract, given, by="x", run="r") as paths:
            assert paths == (str(tmp_path / "in/x.jsonl"),)
    with delivered(settings, contract, "/else/*.jsonl", by="x", run="r") as paths:
        assert paths == ("/else/*.jsonl",)


def test_what_a_killed_try_left_goes_once_it_is_old(settings: Settings, tmp_path: Path) -> None:
    contract = contract_of(tmp_path, {"format": "jsonl"})
    left = settings.lake_path / LANDING / "bronze" / "shop" / "orders"
    for name in ("old", "young"):
        (left / name).mkdir(parents=True)
        (left / name / "draft").write_bytes(b"x")
    long_ago = AT.timestamp()
    os.utime(left / "old", (long_ago, long_ago))
    staged(settings, contract, ROWS)
    assert [p.name for p in left.iterdir()] == ["young"]


@pytest.mark.parametrize("format", ["parquet", "jsonl", "json", "csv"])
def test_a_frame_passes_the_gate_in_every_format(project: Project, format: str) -> None:
    path = project.contracts[DIGEST].path
    more = ', records: "$[*]"' if format == "json" else ""
    path.write_text(path.read_text().replace("{format: parquet}", f"{{format: {format}{more}}}"))
    opened = Project.open(project.settings.root)
    days = pl.DataFrame({
        "community_id": ["irc:x", "irc:y"], "week": [dt.date(2024, 1, 1)] * 2, "active_days": [1, 2],
        "messages": [3, 4], "new_authors": [0, 1], "answered": [0, 0], "unanswered": [0, 0],
        "busiest_date": [dt.date(2024, 1, 2)] * 2, "usual_messages": [None, 3.5],
        "unusual": [False, False],
    })  # fmt: skip
    for published in (2, None):
        with delivered(opened.settings, opened.contracts[DIGEST], days, by="x.y", run="r") as paths:
            report = parts.take(opened, DIGEST, paths=paths)
        assert not report.problems
        assert [a.published for a in report.accounts] == ([published] if published else [])
