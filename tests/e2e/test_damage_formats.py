"""Seeded damage in every format, plain and compressed: each record ends as foretold, where foretold."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import random
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.replay import replay
from headgate.orchestration.run import run
from headgate.quality.quarantine import list_rows
from tests.conftest import REPOSITORY

DATASET = "bronze.shop.orders"
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: orders
name: bronze.shop.orders
version: 1.0.0
status: active
description: {purpose: For tests.}
team: {name: tests}
schema:
  - name: orders
    dataGranularityDescription: One row is one order.
    properties:
      - {name: id, logicalType: integer, primaryKey: true, classification: internal, description: Id.}
      - {name: name, physicalName: NAME, logicalType: string, classification: internal, description: Who.}
      - {name: price, logicalType: number, physicalType: "decimal(9,2)", classification: internal,
         description: Price.}
      - {name: at, logicalType: timestamp, classification: internal, description: When.}
      - name: count
        logicalType: integer
        physicalType: integer
        classification: internal
        description: How many.
        logicalTypeOptions: {minimum: 0}
customProperties:
  - {property: headgate.source, value: SOURCE}
  - {property: headgate.maxQuarantineShare, value: 1}
"""
SOURCES = {
    "csv": "{format: csv}",
    "jsonl": "{format: jsonl}",
    "json": '{format: json, records: "$[*]"}',
    "discord": '{format: json, records: "$.messages[*]", controlTotal: "$.messageCount"}',
    "parquet": "{format: parquet}",
}
PUBLISHED, DEDUPLICATED = "published", "deduplicated"
FIELDS = ("id", "name", "price", "at", "count")
Order = dict[str, Any]
Raw = Callable[[bytes], bytes]


def order(number: int) -> Order:
    return {
        "id": number,
        "name": f"né {number}",
        "price": f"{number}.25",
        "at": f"2024-05-{1 + number % 28:02}T12:00:00Z",
        "count": number % 90,
    }


#: What is done to a record, and how it ends.
EDITS: dict[str, tuple[Order, str]] = {
    "fraction": ({"count": 1.5}, "lossy_number"),
    "beyond": ({"count": 2**40}, "lossy_number"),
    "cents": ({"price": "1.005"}, "lossy_number"),
    "no_key": ({"id": None}, "id.required"),
    "rule": ({"count": -1}, "count.minimum"),
}
TEXT_EDITS: dict[str, tuple[Order, str]] = {
    "mistyped": ({"count": "many"}, "type_mismatch"),
    "no_instant": ({"at": "2024-02-30T00:00:00Z"}, "invalid_timestamp"),
    "too_long": ({"name": "x" * 6000}, "line_too_long"),
}
PARQUET_EDITS: dict[str, tuple[Order, str]] = {
    "bad_utf8": ({"name": b"\xff"}, "invalid_utf8"),
    "finer": ({"at": 1_714_564_800_000_000_001}, "invalid_timestamp"),
    "not_a_number": ({"count": float("nan")}, "lossy_number"),
}
CSV_RAW: dict[str, tuple[Raw, str]] = {
    "text_behind_quote": (lambda r: r.replace(b",", b',"a"b', 1), "malformed_csv"),
    "not_closed": (lambda r: r.replace(b",", b',"', 1), "malformed_csv"),
    "quote_inside": (lambda r: r.replace(b" ", b' 5"', 1), "malformed_csv"),
    "nul": (lambda r: r.replace(b" ", b"\0", 1), "malformed_csv"),
    "carriage": (lambda r: r.replace(b" ", b"\r", 1), "malformed_csv"),
    "one_more": (lambda r: r + b",x", "field_count"),
    "one_less": (lambda r: r.rpartition(b",")[0], "field_count"),
    "bad_utf8": (lambda r: r.replace(b" ", b"\xfe", 1), "invalid_utf8"),
    "empty": (lambda r: b"", "empty_line"),
    "blank": (lambda r: b" \t", "empty_line"),
    "on_two_lines": (lambda r: r.replace(b"n\xc3\xa9 ", b'"n\n', 1).replace(b",", b'",', 2)
                     .replace(b'",', b",", 1), PUBLISHED),
}  # fmt: skip
JSON_RAW: dict[str, tuple[Raw, str]] = {
    "no_literal": (lambda r: r.replace(b'"count": ', b'"count": tru', 1), "malformed_json"),
    "not_a_number": (lambda r: r.replace(b'"count": ', b'"count": NaN, "n": ', 1), "malformed_json"),
    "comma": (lambda r: r.replace(b", ", b",, ", 1), "malformed_json"),
    "field_twice": (lambda r: r.replace(b"{", b'{"count": 1, ', 1), "duplicate_field"),
    "bad_utf8": (lambda r: r.replace(b"n\xc3", b"\xff\xc3", 1), "invalid_utf8"),
    "lone_surrogate": (lambda r: r.replace(b"n\xc3\xa9", b"\\ud800", 1), "lone_surrogate"),
    "unknown": (lambda r: r.replace(b"{", b'{"mood": "merry", ', 1), PUBLISHED),
    "too_deep": (lambda r: r.replace(b"{", b'{"x": ' + b"[" * 300 + b"]" * 300 + b", ", 1),
                 "nesting_too_deep"),
}  # fmt: skip


def as_csv(found: Order) -> bytes:
    return ",".join("" if found[f] is None else str(found[f]) for f in FIELDS).encode()


def as_json(found: Order) -> bytes:
    text = json.dumps({**found, "price": 0.5}, ensure_ascii=False)
    return text.replace('"price": 0.5', f'"price": {found["price"]}').encode()


def as_message(found: Order) -> bytes:
    nested = as_json({**found, "name": {"name": found["name"], "roles": []}})
    return nested.replace(b'"name": {', b'"author": {', 1)


def damaged(kind: str, seed: int) -> tuple[list[Any], list[str]]:
    """The records to write, and how each of them ends."""
    chance = random.Random(seed)
    raw = {"csv": CSV_RAW, "parquet": {}}.get(kind, JSON_RAW)
    edits = EDITS | (PARQUET_EDITS if kind == "parquet" else TEXT_EDITS)
    write: Callable[[Order], Any] = {"csv": as_csv, "parquet": dict, "discord": as_message}.get(
        kind, as_json
    )
    names = [*raw, *edits, "repeated", "conflicting"]
    chosen = chance.sample(range(10, 600), 3 * len(names))
    plan = {at: names[i % len(names)] for i, at in enumerate(chosen)}
    records: list[Any] = []
    ends: list[str] = []
    for number in range(600):
        name, good = plan.get(number, ""), order(number)
        if name in edits:
            records.append(write({**good, **edits[name][0]}))
            ends.append(edits[name][1])
        elif name in raw:
            records.append(raw[name][0](write(good)))
            assert records[-1] != write(good), name
            ends.append(raw[name][1])
        else:
            records.append(write(good))
            ends.append(PUBLISHED)
        if name == "repeated":
            records.append(write(good))
            ends.append(DEDUPLICATED)
        elif name == "conflicting":
            records.append(write({**good, "name": "other"}))
            ends[-1] = "conflicting_key"
            ends.append("conflicting_key")
    return records, ends


def written(kind: str, records: list[Any]) -> bytes:
    """The file, as its format has it."""
    if kind == "csv":
        return b"\r\n".join([b"id,NAME,price,at,count", *records, b""])
    if kind == "jsonl":
        return b"".join(r + b"\n" for r in records)
    if kind == "json":
        return b"[\n" + b",\n".join(records) + b"\n]\n"
    if kind == "discord":
        head = b'{"guild": {"id": "1"}, "messages": [\n    '
        return head + b",\n    ".join(records) + b'\n], "messageCount": %d}' % len(records)
    columns = {f: [r[f] for r in records] for f in FIELDS}
    columns["name"] = [n if isinstance(n, bytes) else n.encode() for n in columns["name"]]
    instants = [
        at if isinstance(at, int) else int(dt.datetime.fromisoformat(at).timestamp()) * 10**9
        for at in columns["at"]
    ]
    table = pa.table({
        "id": pa.array(columns["id"], pa.int64()), "NAME": pa.array(columns["name"], pa.binary()),
        "price": pa.array([float(p) for p in columns["price"]]),
        "at": pa.array(instants, pa.timestamp("ns", "UTC")),
        "count": pa.array([float(c) for c in columns["count"]], pa.float64(), from_pandas=False),
    })  # fmt: skip
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=100)
    return out.getvalue()


def lay_out(root: Path, kind: str) -> Project:
    folder = root / "data_contracts/shop/bronze_orders"
    folder.mkdir(parents=True)
    name = (
        '"@.author.name"' if kind == "discord" else "NAME" if kind in ("csv", "parquet") else "name"
    )
    text = CONTRACT.replace("SOURCE", SOURCES[kind]).replace("NAME", name)
    if kind == "discord":
        text = text.replace("controlTotal:", 'ignore: ["@.author.roles"], controlTotal:')
    (folder / "contract.odcs.yaml").write_text(text)
    shutil.copytree(REPOSITORY / "data_contracts/ledger", root / "data_contracts/ledger")
    (root / "headgate.toml").write_text('lake = "lake"\nmax_record_bytes = 5000\n')
    return Project.open(root)


CASES = [
    (kind, packing)
    for kind in SOURCES
    for packing in ("plain", *(("gz", "zst") if kind in ("csv", "discord") else ("zst",)))
]


@pytest.mark.parametrize(("kind", "packing"), CASES)
def test_every_record_ends_as_foretold(tmp_path: Path, kind: str, packing: str) -> None:
    records, ends = damaged(kind, seed=len(kind) + len(packing))
    project = lay_out(tmp_path / "project", kind)
    data = written(kind, records)
    path = tmp_path / f"day.{'json' if kind == 'discord' else kind}"
    if packing == "gz":
        path, data = path.with_name(path.name + ".gz"), gzip.compress(data)
    elif packing == "zst":
        data = pa.compress(data, codec="zstd", asbytes=True)
        path = path.with_name(path.name + ".zst")
    path.write_bytes(data)

    report = run(project, sources={DATASET: [str(path)]})

    assert not report.problems
    (batch,) = report.batches
    expected = {p: e for p, e in enumerate(ends, 1) if e not in (PUBLISHED, DEDUPLICATED)}
    assert batch.read == len(records)
    assert batch.quarantined == len(expected)
    assert batch.deduplicated == ends.count(DEDUPLICATED)
    assert batch.published == ends.count(PUBLISHED)
    kept = list_rows(project.lake, project.contracts[DATASET], limit=None)
    found = {r.position: {str(reason["code"]) for reason in r.reasons} for r in kept}
    wrong = {
        p: (expected.get(p), found.get(p), records[p - 1])
        for p in expected.keys() | found.keys()
        if expected.get(p) not in found.get(p, set())
    }
    assert not wrong
    snapshot = project.lake.snapshot(DATASET)
    assert snapshot is not None
    with connect(project.settings) as con:
        rows = con.execute(
            f"SELECT id, price, count FROM {snapshot.relation()} ORDER BY id"
        ).fetchall()
    good = {p for p, e in enumerate(ends, 1) if e == PUBLISHED}
    assert len(rows) == len(good)
    assert rows == [(n, Decimal(f"{n}.25"), n % 90) for n, _, _ in rows]


@pytest.mark.parametrize(
    ("kind", "reason"), [("csv", "truncated"), ("jsonl", "truncated"), ("json", "truncated")]
)
def test_a_file_that_breaks_off_keeps_what_stands_before(
    tmp_path: Path, kind: str, reason: str
) -> None:
    write = as_csv if kind == "csv" else as_json
    records = [write(order(n)) for n in range(200)]
    data = written(kind, records)
    project = lay_out(tmp_path / "project", kind)
    path = tmp_path / f"day.{kind}"
    path.write_bytes(data[: data.index(records[150]) + 8])

    report = run(project, sources={DATASET: [str(path)]})

    (batch,) = report.batches
    assert (batch.read, batch.published, batch.quarantined) == (151, 150, 1)
    (row,) = list_rows(project.lake, project.contracts[DATASET], limit=None)
    assert row.position == 151
    assert reason in {str(r["code"]) for r in row.reasons}


def test_a_damaged_part_of_a_parquet_file_costs_no_other(tmp_path: Path) -> None:
    data = bytearray(written("parquet", [order(n) for n in range(600)]))
    column = pq.read_metadata(io.BytesIO(data)).row_group(2).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + 30] = b"\xff" * 30
    project = lay_out(tmp_path / "project", "parquet")
    (tmp_path / "day.parquet").write_bytes(data)

    report = run(project, sources={DATASET: [str(tmp_path / "day.parquet")]})

    assert not report.problems
    (batch,) = report.batches
    assert (batch.read, batch.published, batch.quarantined) == (600, 500, 100)
    kept = list_rows(project.lake, project.contracts[DATASET], limit=None)
    assert sorted(r.position for r in kept) == list(range(201, 301))
    assert {str(r.reasons[0]["code"]) for r in kept} == {"corrupt_file"}


def test_csv_rows_come_back_once_the_dialect_is_mended(tmp_path: Path) -> None:
    """Raw text keeps header and record, so that replay reads them as the contract says by then."""
    project = lay_out(tmp_path / "project", "csv")
    lines = ["count,at,id,NAME,price"]
    for number in range(40):
        price = "n/a" if number % 4 == 0 else f'"{number},25"'
        lines.append(f'{number},2024-05-01T12:00:00Z,{number},"a ""quoted"",\nname",{price}')
    lines[7] = lines[7].replace('"a', '"a"', 1)
    path = tmp_path / "day.csv"
    path.write_text("\n".join(lines) + "\n")
    report = run(project, sources={DATASET: [str(path)]})
    (batch,) = report.batches
    # The record with a bad quote is two lines, neither of which is a record.
    assert (batch.read, batch.published, batch.quarantined) == (41, 0, 41)
    contract = project.contracts[DATASET].path
    mended = '{format: csv, decimal: ",", nulls: ["", "n/a"]}'
    contract.write_text(contract.read_text().replace("{format: csv}", mended))
    project = Project.open(project.settings.root)

    back = replay(project, DATASET)

    assert not back.problems
    assert sum(b.published for b in back.batches) == 39
    kept = list_rows(project.lake, project.contracts[DATASET], limit=None)
    assert [r.position for r in kept] == [7, 8]
    snapshot = project.lake.snapshot(DATASET)
    assert snapshot is not None
    with connect(project.settings) as con:
        found = con.execute(
            f"SELECT id, name, price, count FROM {snapshot.relation()} ORDER BY id"
        ).fetchall()
    assert found == [
        (n, 'a "quoted",\nname', None if n % 4 == 0 else Decimal(f"{n}.25"), n)
        for n in range(40)
        if n != 6
    ]
