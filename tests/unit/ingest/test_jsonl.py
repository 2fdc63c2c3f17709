"""JSON lines: every reason, every kind of line end and compression, and damage in all of them."""

from __future__ import annotations

import hashlib
import json
import random
import zlib
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from headgate.core.errors import ContractError, RefusedError, UsageError
from headgate.ingest.blocks import BLOCK
from headgate.ingest.discover import discover
from headgate.ingest.lines import chunks
from headgate.ingest.readers import base
from tests.unit.ingest import reading

OF = reading.contract(
    {"id": "long", "text": "string", "at": "timestamp", "day": "date", "score": "double"}
)
GOOD = b'{"id": 1, "text": "x", "at": "2024-01-01T00:00:00Z", "day": "2024-01-01", "score": 0.5}'
REFUSED = {
    "malformed_json": [b'{"id": 1', b'{"id": 1}}', b'{"id": NaN}', b"{'id': 1}", b"\xef\xbb\xbf{}",
                       b'{"id": -Infinity}', b'{"id": 1,}', b'{"text": "a\tb"}', b"{} {}"],
    "invalid_utf8": [b'{"text": "\xff"}', b'{"text": "\xed\xa0\x80"}', b'{"text": "\xc0\x80"}'],
    "empty_line": [b"", b"  ", b"\t", b"\r"],
    "not_an_object": [b"[]", b"null", b"1", b'"x"', b"true"],
    "duplicate_field": [b'{"id": 1, "id": 1}', b'{"x": {"a": 1, "a": 2}}'],
    "type_mismatch": [b'{"id": "1"}', b'{"text": 1}', b'{"at": 5}', b'{"day": {}}'],
    "lossy_number": [b'{"id": 1.5}', b'{"id": true}', b'{"id": 9223372036854775808}',
                     b'{"score": 9007199254740993}', b'{"score": 1e999}'],
    "invalid_timestamp": [b'{"at": "yesterday"}', b'{"at": "2024-02-30T00:00:00Z"}'],
    "invalid_date": [b'{"day": "2024-02-30"}', b'{"day": "1.1.2024"}'],
    "nesting_too_deep": [b'{"x": ' + b"[" * 300 + b"]" * 300 + b"}", b"[" * 100_000],
    "line_too_long": [b'{"text": "' + b"x" * 5000 + b'"}'],
    "too_many_fields": [b'{"id": 1, "x": {' + b", ".join(b'"f%d": 1' % n for n in range(20)) + b"}}",
                        b"{" + b", ".join(b'"f%d": 1' % n for n in range(20)) + b"}"],
    "lone_surrogate": [b'{"text": "\\ud800"}', b'{"\\udc00": 1}', b'{"x": [{"y": "\\uDFFF\\ud800"}]}'],
}  # fmt: skip
SHORT = reading.with_settings(max_record_bytes=4000)


def test_every_reason_is_tried() -> None:
    elsewhere = {"truncated", "corrupt_compression", "corrupt_file", "no_records"}
    elsewhere |= {"bad_header", "field_count", "undecodable", "malformed_csv", "raw_incomplete"}
    elsewhere |= {"unpacks_too_far", "encrypted"}
    elsewhere |= {"no_value", "undecodable_message", "unknown_schema"}  # of messages
    elsewhere |= {code for code in base.REASONS if code.startswith("reader_")}
    assert set(base.REASONS) == set(REFUSED) | elsewhere


@pytest.mark.parametrize("code", REFUSED)
def test_each_reason_among_good_lines(tmp_path: Path, code: str) -> None:
    lines = [GOOD] * 50
    for line in REFUSED[code]:
        lines += [line, GOOD]
    settings = SHORT if code == "line_too_long" else reading.SETTINGS
    if code == "too_many_fields":
        settings = reading.with_settings(max_fields=15)
    if code == "nesting_too_deep":
        settings = reading.with_settings(max_record_bytes=200_000)
    data = b"\n".join(lines) + b"\n"
    found = reading.check(tmp_path / "x.jsonl", data, OF, settings)
    assert list(found.codes.values()) == [[code]] * len(REFUSED[code])
    assert len(found.proven) == 50 + len(REFUSED[code])
    assert all(row.reasons[0].detail for row in found.exact.values())


def test_every_fault_of_a_record_is_told(tmp_path: Path) -> None:
    data = b'{"id": 1.5, "text": 1, "at": "x", "day": "x", "score": "x", "more": 1}\n'
    row = reading.check(tmp_path / "x.jsonl", data, OF).exact[1]
    assert [(r.code, r.column) for r in row.reasons] == [
        ("lossy_number", "id"),
        ("type_mismatch", "text"),
        ("invalid_timestamp", "at"),
        ("invalid_date", "day"),
        ("type_mismatch", "score"),
    ]
    assert [w.code for w in row.warnings] == ["unknown_field"]
    assert row.raw == data.decode().rstrip("\n")


def test_raw_text_shows_undecodable_bytes(tmp_path: Path) -> None:
    row = reading.check(tmp_path / "x.jsonl", b'{"text": "\xff\xc3"}\n', OF).exact[1]
    assert row.raw == '{"text": "\\xff\\xc3"}'
    assert row.reasons[0].detail == "byte 0xff at offset 10: invalid start byte"


def test_unknown_fields_are_rescued_as_written(tmp_path: Path) -> None:
    data = b'{"z": 1.10, "id": 7, "a": {"b" : [1e5,  "x y", null]}, "\xc3\xa9": "\\u00e9"}\n'
    found = reading.check(tmp_path / "x.jsonl", data, OF)
    assert found.values[1]["_rescued"] == '{"a":{"b":[1e5,"x y",null]},"z":1.10,"é":"\\u00e9"}'
    assert [w.detail for w in found.exact[1].warnings] == [
        f"field {n!r} is not in the contract" for n in ("a", "z", "é")
    ]


def test_json_columns_keep_the_text_as_written(tmp_path: Path) -> None:
    of = reading.contract({"x": "json", "xs": "array<json>"})
    data = (
        b'{"x": {"b": 1.10, "a" : [ 1E2 ]}, "xs": [{"k": "v w"}, null, 1.0]}\n'
        b'{"x": "text", "xs": []}\n{"x": null}\n{"x": false, "xs": 1}\n'
    )
    found = reading.check(tmp_path / "x.jsonl", data, of)
    assert found.values == {
        1: {"x": '{"b":1.10,"a":[1E2]}', "xs": ['{"k":"v w"}', None, "1.0"], "_rescued": None},
        2: {"x": '"text"', "xs": [], "_rescued": None},
        3: {"x": None, "xs": None, "_rescued": None},
    }
    assert found.codes == {4: ["type_mismatch"]}


def test_a_missing_field_is_null_and_so_is_null(tmp_path: Path) -> None:
    found = reading.check(tmp_path / "x.jsonl", b'{}\n{"id": null, "text": null}\n', OF)
    assert [set(row.values()) for row in found.values.values()] == [{None}, {None}]


@pytest.mark.parametrize(
    ("tail", "code"),
    [
        (b'{"id": 1, "te', "truncated"),
        (b'{"text": "\xc3', "truncated"),
        (b'{"text": "\xff', "invalid_utf8"),
        (b'{"id": 2.5}', "lossy_number"),
        (b"  ", "empty_line"),
        (b"[1]", "not_an_object"),
    ],
)
def test_a_tail_without_line_end_is_a_record(tmp_path: Path, tail: bytes, code: str) -> None:
    found = reading.check(tmp_path / "x.jsonl", GOOD + b"\n" + tail, OF)
    assert (found.reader.read, found.codes) == (2, {2: [code]})


def test_a_whole_tail_is_taken(tmp_path: Path) -> None:
    found = reading.check(tmp_path / "x.jsonl", GOOD + b"\n" + GOOD, OF)
    assert list(found.values) == [1, 2]


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\xef", b"\n", b"\n\n", b"\xef\xbb\xbf\n"])
def test_files_of_hardly_anything(tmp_path: Path, data: bytes) -> None:
    found = reading.check(tmp_path / "x.jsonl", data, OF)
    assert found.reader.content_hash
    assert not found.values


def test_byte_order_mark_and_carriage_returns(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + (GOOD + b"\r\n") * 300
    found = reading.check(tmp_path / "x.jsonl", data, OF)
    assert len(found.proven) == 300
    assert found.reader.notes == ("a byte order mark at the beginning was skipped",)


def test_a_record_too_long_is_not_kept_in_memory(tmp_path: Path) -> None:
    """Lines longer than a block, than the limit, at the beginning, in the middle and at the end."""
    settings = reading.with_settings(max_record_bytes=3 * BLOCK)
    sizes = [4 * BLOCK, 10, 2 * BLOCK, 10, 10 * BLOCK + 7, 10, 3 * BLOCK, 3 * BLOCK + 1, 9 * BLOCK]
    lines = [b'{"text": "' + b"x" * (size - 12) + b'"}' if size > 10 else GOOD for size in sizes]
    (tmp_path / "x.jsonl").write_bytes(b"\n".join(lines))
    found = reading.read(tmp_path / "x.jsonl", OF, settings)
    assert found.reader.read == len(lines)
    long = [n for n, size in enumerate(sizes, 1) if size > 3 * BLOCK]
    assert found.codes == {n: ["line_too_long"] for n in long}
    for n in long:
        assert len(found.exact[n].raw) <= 65_536
        assert f"{sizes[n - 1]} bytes" in found.exact[n].reasons[0].detail
    assert len(found.values[3]["text"]) == 2 * BLOCK - 12
    assert len(found.values[7]["text"]) == 3 * BLOCK - 12
    largest = max(
        len(c.data) for c in chunks.cut(iter([b"x" * BLOCK] * 50), settings.max_record_bytes)
    )
    assert largest <= 65_536


def rows(count: int) -> bytes:
    rng = random.Random(1)
    return b"".join(
        json.dumps({"id": n, "text": "".join(rng.choices("abcdefgh ", k=80))}).encode() + b"\n"
        for n in range(count)
    )


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(data)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("ending", [".jsonl.gz", ".ndjson.zst", ".json"])
def test_compressed_files(tmp_path: Path, ending: str) -> None:
    data = rows(30_000)
    stored = {"gz": reading.gzipped, "zst": zstd}.get(ending.rpartition(".")[2], bytes)(data)
    found = reading.check(tmp_path / f"x{ending}", data, OF, stored=stored)
    assert len(found.proven) == 30_000
    assert found.reader.content_hash == hashlib.sha256(stored).hexdigest()


@pytest.mark.parametrize("pack", [reading.gzipped, zstd])
def test_streams_one_after_the_other_are_one(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    one, two = rows(100), rows(300)
    ending = "gz" if pack is reading.gzipped else "zst"
    stored = pack(one) + pack(two)
    found = reading.check(tmp_path / f"x.jsonl.{ending}", one + two, OF, stored=stored)
    assert len(found.proven) == 400


def test_padding_after_gzip_is_allowed_and_rubbish_is_not(tmp_path: Path) -> None:
    data = rows(100)
    found = reading.check(
        tmp_path / "x.jsonl.gz", data, OF, stored=reading.gzipped(data) + b"\0" * 70_000
    )
    assert len(found.proven) == 100
    (tmp_path / "y.jsonl.gz").write_bytes(reading.gzipped(data) + b"rubbish")
    found = reading.read(tmp_path / "y.jsonl.gz", OF)
    assert found.codes == {101: ["corrupt_compression"]}


@pytest.mark.parametrize(
    ("pack", "damage"),
    [(p, d) for p in (reading.gzipped, zstd) for d in ("cut", "flip", "empty")]
    + [(reading.gzipped, "checksum")],
)
def test_damaged_streams_give_what_came_before_and_one_refusal(
    tmp_path: Path, pack: object, damage: str
) -> None:
    assert callable(pack)
    data = rows(30_000)
    stored = bytearray(pack(data))
    if damage == "cut":
        del stored[len(stored) // 2 :]
    elif damage == "flip":
        # Without a checksum, zstd shows damage to its frames only.
        at = len(stored) // 2 if pack is reading.gzipped else len(pack(data))
        stored += pack(data)
        stored[at : at + 300] = b"\xff" * 300
    elif damage == "empty":
        stored.clear()
    else:
        stored[-6] ^= 1
    path = tmp_path / ("x.jsonl.gz" if pack is reading.gzipped else "x.jsonl.zst")
    path.write_bytes(stored)
    found = reading.read(path, OF)
    last = found.reader.read
    assert found.codes[last] == ["corrupt_compression"]
    assert found.exact[last].reasons[0].detail
    before = {n: row for n, row in found.codes.items() if n < last}
    if damage == "flip":
        return  # rubbish may be decompressed before the damage shows
    assert list(before.values()) in ([], [["truncated"]])
    expected = reading.oracle(data, OF)
    for n, row in found.values.items():
        assert row == expected[n].values
    if damage == "checksum":
        assert len(found.values) == 30_000


def test_a_bomb_is_unpacked_in_pieces(tmp_path: Path) -> None:
    pack = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    stored = b"".join(pack.compress(b"0" * BLOCK) for _ in range(200)) + pack.flush()
    (tmp_path / "x.jsonl.gz").write_bytes(stored)
    patient = reading.with_settings(max_unpack_ratio=10_000)
    found = reading.read(tmp_path / "x.jsonl.gz", OF, patient)
    assert found.codes == {1: ["line_too_long"]}
    assert f"{200 * BLOCK} bytes" in found.exact[1].reasons[0].detail
    with pytest.raises(base.Unsafe, match="more than 200 times as much") as refused:
        reading.read(tmp_path / "x.jsonl.gz", OF)
    assert refused.value.reason.code == "unpacks_too_far"


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(rows(10))
    reader = base.open_reader(OF, discover([path])[0], reading.SETTINGS)
    con = duckdb.connect()
    reading.proven_rows(con, reader)
    with path.open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(RefusedError, match=r"x\.jsonl was changed while it was read"):
        list(reader.exact(np.array([3])))
    reader.close()


def test_what_stops_a_scan_is_told_to_who_asks_for_the_count(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(rows(50_000))
    reader = base.open_reader(OF, discover([path])[0], reading.SETTINGS)
    con = duckdb.connect()
    scan = reader.scan(con)
    with path.open("ab") as file:
        file.write(b"{}\n")
    con.execute(f"SELECT count(*) FROM {scan.relation}").fetchall()
    for ask in (lambda: reader.read, lambda: reader.content_hash):
        with pytest.raises(RefusedError, match="changed while it was read"):
            ask()
    assert len(
        reading.proven_rows(con, base.open_reader(OF, discover([path])[0], reading.SETTINGS))
    )
    reader.close()


def test_a_scan_can_be_started_again_and_need_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(rows(50_000))
    reader = base.open_reader(OF, discover([path])[0], reading.SETTINGS)
    con = duckdb.connect()
    reader.scan(con)
    assert len(reading.proven_rows(con, reader)) == 50_000
    reader.scan(con)
    assert reader.read == 50_000
    careful = reader.scan(con, careful=True)
    assert con.execute(f"SELECT count(*) FROM {careful.relation}").fetchall() == [(0,)]
    wanted = np.array([1, 7, 20_000, 49_999, 50_000])
    for _ in range(2):
        assert [r.values["id"] + 1 for r in reader.exact(wanted) if r.values] == wanted.tolist()  # type: ignore[operator]
    next(reader.exact(wanted))
    assert len(list(reader.exact(wanted[:1]))) == 1
    reader.close()
    with pytest.raises(duckdb.Error):
        con.execute(f"SELECT * FROM {careful.relation}")


@pytest.mark.parametrize("bad", [0, 1, 600])
def test_malformed_lines_in_a_large_file(tmp_path: Path, bad: int) -> None:
    """Few of them are not seen before the file is read, many are; neither stops the reading."""
    lines = rows(60_000).splitlines(keepends=True)
    spread = [*range(0, len(lines), 100)][:bad] if bad > 1 else [31_234][:bad]
    for at in spread:
        lines[at] = lines[at][:40] + b"\n"
    data = b"".join(lines)
    path = tmp_path / "x.jsonl"
    found = reading.check(path, data, OF)
    assert found.codes == {at + 1: ["malformed_json"] for at in spread}
    assert len(found.proven) == len(lines) - bad
    reader = base.open_reader(OF, discover([path])[0], reading.SETTINGS)
    assert ("TRY(" in reader.scan(duckdb.connect()).relation) == (bad < 2)
    reader.close()


def test_formats_and_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert {"json", "jsonl", "parquet"} <= set(base.formats())
    (tmp_path / "x.jsonl").write_bytes(b"")
    source = discover([tmp_path / "x.jsonl"])[0]
    with pytest.raises(ContractError, match=r"'xml' has no reader\. Use one of csv, json, jsonl"):
        base.open_reader(reading.contract({"a": "long"}, "xml"), source, reading.SETTINGS)
    (tmp_path / "x.jsonl").unlink()
    with pytest.raises(UsageError, match=r"cannot open x\.jsonl: No such file"):
        base.open_reader(OF, source, reading.SETTINGS)
