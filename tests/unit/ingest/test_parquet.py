"""Parquet: what the types hold is taken, what they cannot is refused, damage is told."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import io
import math
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headgate.contracts.model import SourceSpec
from headgate.core.errors import RefusedError
from headgate.ingest.discover import discover
from headgate.ingest.readers.base import open_reader
from tests.unit.ingest import reading

UTC = dt.UTC
NOON = dt.datetime(2024, 2, 29, 12, 0, 0, 123456)


def check(path: Path, table: pa.Table, columns: dict[str, str], **options: Any) -> reading.Reading:
    """Read the table both ways, and demand that what was proven is what the exact look says."""
    pq.write_table(table, path, **options)
    of = reading.contract(columns, "parquet")
    found = reading.read(path, of)
    assert found.reader.read == table.num_rows
    again = open_reader(of, discover([path])[0], reading.SETTINGS)
    for row in again.exact(np.arange(1, table.num_rows + 1)):
        if row.position in found.proven:
            assert row.values is not None, row
            proven = found.proven[row.position]
            assert list(proven) == list(row.values)
            for name, value in row.values.items():
                assert reading.same(proven[name], value), (name, proven[name], value)
        else:
            assert row == found.exact[row.position]
    again.close()
    return found


INTEGERS = [0, 1, -1, 100, None]
BIG = [2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), None]
DOUBLES = [1.0, 1.5, -0.0, 0.1, 1e300, 2.0**53, 2.0**53 + 2, 2.0**63, math.nan, math.inf, None]
DECIMALS = [Decimal("1.50"), Decimal("-0.01"), Decimal("99999.99"), Decimal("2.00"), None]
INSTANTS = [
    NOON,
    NOON.replace(microsecond=0),
    dt.datetime(1, 1, 1),
    dt.datetime(9999, 12, 31),
    None,
]
TEXTS = ["x", "", "é😀", "a\x00b", "2024-02-29", "2024-02-29T12:00:00Z", "12", "{}", None]
SOURCES = {
    **{str(t): pa.array(INTEGERS, t) for t in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{str(t): pa.array([0, 1, None], t) for t in (pa.uint8(), pa.uint16(), pa.uint32())},
    "big": pa.array(BIG, pa.int64()),
    "uint64": pa.array([0, 2**63, 2**64 - 1, None], pa.uint64()),
    "float": pa.array([1.0, 1.5, 0.1, math.nan, None], pa.float32()),
    "double": pa.array(DOUBLES, pa.float64()),
    "decimal": pa.array(DECIMALS, pa.decimal128(9, 2)),
    "boolean": pa.array([True, False, None]),
    "string": pa.array(TEXTS),
    "large_string": pa.array(TEXTS, pa.large_string()),
    "dictionary": pa.array(TEXTS).dictionary_encode(),
    "binary": pa.array([b"x", b"\xff", None]),
    "date": pa.array([dt.date(2024, 2, 29), dt.date(1, 1, 1), None]),
    "s": pa.array([0, None], pa.timestamp("s")),
    "ms": pa.array([0, 1, None], pa.timestamp("ms")),
    "us": pa.array(INSTANTS, pa.timestamp("us")),
    "us utc": pa.array(INSTANTS, pa.timestamp("us", "UTC")),
    "us berlin": pa.array(INSTANTS[:2], pa.timestamp("us", "Europe/Berlin")),
    "ns": pa.array([0, 1000, 1001, -1, None], pa.timestamp("ns")),
    "beyond": pa.array([2**62, -(2**62), None], pa.timestamp("us")),
    "longs": pa.array([[1, None], [], None], pa.list_(pa.int64())),
    "ints": pa.array([[1, 2], [], None], pa.list_(pa.int32())),
    "texts": pa.array([["a", "é"], [None], None]),
    "nanos": pa.array([[1000, 1001], [1000], None], pa.list_(pa.timestamp("ns"))),
    "far": pa.array([[2**62], [0], None], pa.list_(pa.timestamp("us"))),
    "instants": pa.array([[NOON], None], pa.list_(pa.timestamp("us"))),
    "struct": pa.array([{"a": 1, "b": [NOON]}, None]),
    "time": pa.array([dt.time(1, 2), None]),
}  # fmt: skip
KINDS = [
    "integer", "long", "double", "decimal(9,2)", "decimal(12,4)", "decimal(4,1)", "boolean",
    "string", "date", "timestamp", "json", "array<long>", "array<string>", "array<timestamp>",
]  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_every_type_into_every_type(tmp_path: Path, source: str) -> None:
    table = pa.table({"x": SOURCES[source]})
    for kind in KINDS:
        check(tmp_path / f"{kind.replace('<', '-')}.parquet", table, {"x": kind})


@pytest.mark.parametrize(
    ("source", "kind", "taken"),
    [
        ("int32", "long", [0, 1, -1, 100, None]),
        ("big", "integer", [2**31 - 1, -(2**31), None]),
        ("big", "double", [*map(float, [2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**53]),
                           -(2.0**63), None]),
        ("double", "long", [1, 0, 2**53, 2**53 + 2, None]),
        ("double", "decimal(9,2)", [Decimal("1.00"), Decimal("1.50"), Decimal("0.00"),
                                    Decimal("0.10"), None]),
        ("decimal", "decimal(4,1)", [Decimal("1.5"), Decimal("2.0"), None]),
        ("boolean", "long", [None]),
        ("string", "long", [None]),
        ("binary", "string", ["x", None]),
        ("us", "timestamp", [i.replace(tzinfo=UTC) if i else None for i in INSTANTS]),
        ("beyond", "timestamp", [None]),
        ("us", "date", [None]),
        ("ints", "array<long>", [[1, 2], [], None]),
        ("struct", "json", ['{"a":1,"b":["2024-02-29T12:00:00.123456Z"]}', None]),
        ("string", "date", [dt.date(2024, 2, 29), None]),
    ],
)  # fmt: skip
def test_what_is_taken(tmp_path: Path, source: str, kind: str, taken: list[object]) -> None:
    found = check(tmp_path / "x.parquet", pa.table({"x": SOURCES[source]}), {"x": kind})
    assert [row["x"] for row in found.values.values()] == taken


def test_reasons(tmp_path: Path) -> None:
    table = pa.table({"n": [1.5], "ns": pa.array([1], pa.timestamp("ns")), "t": [b"\xff"]})
    found = check(
        tmp_path / "x.parquet",
        table,
        {"n": "long", "ns": "timestamp", "t": "string", "gone": "date"},
    )
    row = found.exact[1]
    assert [(r.code, r.column) for r in row.reasons] == [
        ("lossy_number", "n"),
        ("invalid_timestamp", "ns"),
        ("invalid_utf8", "t"),
    ]
    assert row.raw == '{"n":1.5,"ns":"1970-01-01T00:00:00.000000001Z","t":"\\\\xff"}'


def test_unknown_columns_are_rescued(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": [1, 2, 3, 4],
            "b text": ['q"\\', None, "tab\t", "x"],
            "a": [True, None, False, True],
            "n": [1.5, None, 1e300, math.nan],
        }
    )
    found = check(tmp_path / "x.parquet", table, {"id": "long", "missing": "string"})
    rescued = [row["_rescued"] for row in found.values.values()]
    assert rescued[0] == '{"a":true,"b text":"q\\"\\\\","n":1.5}'
    assert rescued[1] is None
    assert rescued[3] == '{"a":true,"b text":"x","n":"nan"}'
    assert 1 in found.proven
    assert "a, b text, n" in found.reader.notes[0]


def test_old_timestamps_keep_what_they_hold(tmp_path: Path) -> None:
    table = pa.table({"x": pa.array([0, 1_000, 1_001], pa.timestamp("ns"))})
    found = check(
        tmp_path / "x.parquet", table, {"x": "timestamp"}, use_deprecated_int96_timestamps=True
    )
    assert list(found.values) == [1, 2]


def test_names_that_differ_in_case_or_repeat(tmp_path: Path) -> None:
    table = pa.table({"a": [1], "A": [2]})
    found = check(tmp_path / "x.parquet", table, {"a": "long", "b<-A": "long"})
    assert found.values[1] == {"a": 1, "b": 2, "_rescued": None}
    other = check(tmp_path / "y.parquet", pa.table({"A": [2]}), {"a": "long"})
    assert other.values[1] == {"a": None, "_rescued": '{"A":2}'}
    twice = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert check(tmp_path / "z.parquet", twice, {"a": "long"}).codes == {1: ["duplicate_field"]}


def test_row_groups_and_odd_file_names(tmp_path: Path) -> None:
    path = tmp_path / "odd [1] *?'name.parquet"
    table = pa.table({"x": [i if i % 7 else 2**40 for i in range(30_000)]})
    found = check(path, table, {"x": "integer"}, row_group_size=4_000)
    assert len(found.proven) == 30_000 - len(range(0, 30_000, 7))
    assert len(found.exact) == len(range(0, 30_000, 7))


def test_no_rows(tmp_path: Path) -> None:
    found = check(tmp_path / "x.parquet", pa.table({"x": pa.array([], pa.int64())}), {"x": "long"})
    assert found.reader.read == 0


@pytest.mark.parametrize("keep", [0, 3, 500])
def test_a_file_without_its_footer_is_one_refused_record(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"x": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:keep])
    found = reading.read(path, reading.contract({"x": "long"}, "parquet"))
    assert (found.reader.read, found.codes) == (1, {1: ["corrupt_file"]})


def test_a_damaged_row_group_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(
        pa.table({"x": list(range(1000))}), path, row_group_size=250, compression="zstd",
        use_dictionary=False,
    )  # fmt: skip
    data = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(2).column(0)
    start = column.data_page_offset + 60
    data[start : start + 40] = b"\xff" * 40
    path.write_bytes(data)
    of = reading.contract({"x": "long"}, "parquet")
    con = duckdb.connect()
    reader = open_reader(of, discover([path])[0], reading.SETTINGS)
    with pytest.raises(duckdb.Error):
        con.execute(f"SELECT * FROM {reader.scan(con).relation}").fetchall()
    careful = reader.scan(con, careful=True)
    assert con.execute(f"SELECT * FROM {careful.relation}").fetchall() == []
    rows = list(reader.exact(np.arange(1, reader.read + 1)))
    assert [r.position for r in rows] == list(range(1, 1001))
    bad = [r.position for r in rows if r.values is None]
    assert bad == list(range(501, 751))
    assert {r.reasons[0].code for r in rows if r.values is None} == {"corrupt_file"}
    reader.close()


def test_a_file_that_changes_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"x": [1]}), path)
    reader = open_reader(
        reading.contract({"x": "long"}, "parquet"), discover([path])[0], reading.SETTINGS
    )
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(RefusedError, match="changed while it was read"):
        assert reader.content_hash
    reader.close()


def test_all_published_bad_files_are_told_or_read(real_data: Path) -> None:
    paths = sorted((real_data / "bad_parquet").rglob("*.parquet"))
    assert paths
    of = reading.contract({"no_such_column": "string"}, "parquet")
    con = duckdb.connect()
    for path in paths:
        if path.name.startswith("large_string_map"):
            continue  # two cells of a gigabyte each: nothing is wrong with them
        reader = open_reader(of, discover([path])[0], reading.SETTINGS)
        reader.scan(con)
        scan = reader.scan(con, careful=True)
        assert con.execute(f"SELECT * FROM {scan.relation}").fetchall() == []
        if reader.read > 2_000:
            continue
        rows = list(reader.exact(np.arange(1, reader.read + 1)))
        assert [r.position for r in rows] == list(range(1, reader.read + 1)), path
        assert all(r.values is None or not r.reasons for r in rows), path
        reader.close()


def test_fields_of_structs(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "who": {"name": "ann", "age": 3, "more": None}, "meta": {"x": 1}},
        {"id": 2, "who": None, "meta": {"x": 2}},
        {"id": 3, "who": {"name": "bob", "age": None, "more": {"k": [1]}}, "meta": None},
    ]
    of = reading.contract(
        {"id": "long", "name<-@.who.name": "string", "age<-@.who.age": "integer",
         "gone<-@.nowhere.at": "date"}, "parquet",
    )  # fmt: skip
    of = replace(of, source=SourceSpec("parquet", None, {"ignore": ["meta"]}))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "x.parquet")
    found = reading.read(tmp_path / "x.parquet", of)
    assert sorted(found.proven) == [1, 2]
    assert [list(r.values()) for r in found.values.values()] == [
        [1, "ann", 3, None, None], [2, None, None, None, None],
        [3, "bob", None, None, '{"who":{"more":{"k":[1]}}}'],
    ]  # fmt: skip
    reader = open_reader(of, discover([tmp_path / "x.parquet"])[0], reading.SETTINGS)
    for row in reader.exact(np.arange(1, 4)):
        assert row.values == found.values[row.position]
    reader.close()


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_file_that_is_compressed_as_a_whole(tmp_path: Path, ending: str) -> None:
    settings = replace(reading.SETTINGS, root=tmp_path)
    whole = io.BytesIO()
    pq.write_table(pa.table({"x": [1, 2**40, 3]}), whole, compression="none")
    packed = (gzip.compress if ending == "gz" else pyzstd)(whole.getvalue())
    path = tmp_path / f"x.parquet.{ending}"
    path.write_bytes(packed)
    of = reading.contract({"x": "integer"}, "parquet")
    found = reading.read(path, of, settings)
    assert (sorted(found.proven), found.codes) == ([1, 3], {2: ["lossy_number"]})
    assert found.reader.content_hash == hashlib.sha256(packed).hexdigest()
    assert not list((tmp_path / "lake/_staging").iterdir())

    path.write_bytes(packed[:-30])
    assert reading.read(path, of, settings).codes == {1: ["corrupt_compression"]}
    path.write_bytes(packed + b"rubbish")
    found = reading.read(path, of, settings)
    assert found.codes == {2: ["lossy_number"], 4: ["corrupt_compression"]}
    small = replace(settings, spill_limit="100B")
    with pytest.raises(RefusedError, match="unpacks to more than 100B"):
        reading.read(path, of, small)
    assert not list((tmp_path / "lake/_staging").iterdir())


def pyzstd(data: bytes) -> bytes:
    packed: bytes = pa.compress(data, codec="zstd", asbytes=True)
    return packed
