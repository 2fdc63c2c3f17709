"""Damaged JSON documents: what is damaged is refused, with its reason and place; the rest is taken."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from headgate.ingest.blocks import BLOCK
from headgate.ingest.exact import RAW_KEPT
from headgate.ingest.readers.base import ExactRow
from tests.unit.ingest import documents, reading
from tests.unit.ingest.documents import STYLES, contract, export, looked_at, read, replayed, written

OF = documents.messages()
ITEMS = contract({"a": "long", "b": "string"}, records="$.x[*]")


def taken(rows: list[ExactRow]) -> dict[Any, dict[str, Any]]:
    return {row.values["id"]: dict(row.values) for row in rows if row.values}


def codes(rows: list[ExactRow]) -> list[str]:
    return [row.reasons[0].code for row in rows if row.values is None]


@pytest.mark.parametrize("style", STYLES)
def test_cut_at_every_byte(style: str) -> None:
    """Of a cut export all messages that are there whole are taken; the cut is one record."""
    document = export(3)
    data = written(document, style)
    whole = taken(looked_at(data, OF))
    assert len(whole) == 3
    ends = []
    at = data.index(b'"messages"')
    for message in document["messages"]:
        at = data.index(b'"reference"', data.index(message["id"].encode(), at))
        value = b"null" if message["reference"] is None else b"}"
        ends.append(data.index(b"}", data.index(value, at) + len(value)) + 1)
        at = ends[-1]
    for cut in range(0, len(data), 2 if style == "pretty" else 9):
        rows = looked_at(data[:cut], OF)
        assert codes(rows) == ["truncated"], cut
        assert list(taken(rows)) == list(whole)[: sum(end <= cut for end in ends)], cut
        assert all(values == whole[k] for k, values in taken(rows).items())
        assert rows[-1].values is None


@pytest.mark.parametrize("at", [0, 3, 5])
@pytest.mark.parametrize("style", STYLES)
def test_a_sign_is_lost_or_another_one(style: str, at: int) -> None:
    """Whatever happens to one message, those around it are taken, and no other thing for one."""
    document = export(6)
    data = written(document, style)
    whole = taken(looked_at(data, OF))
    begins = [data.rindex(b"{", 0, data.index(b'"' + k.encode())) for k in whole]
    ends = [data.rindex(b"}", 0, b) + 1 for b in begins[1:]]
    ends.append(data.rindex(b"}", 0, data.rindex(b"]")) + 1)
    places = [p for p in range(begins[at], ends[at]) if data[p] in b'"{}[]:,\\']
    rng = random.Random(at)
    for place in rng.sample(places, 60) + places[:2] + places[-2:]:
        sign = data[place : place + 1]
        instead = rng.choice([b"", b"x", b'"', b"}", b"{", b"]", b"[", b",", 2 * sign])
        rows = looked_at(data[:place] + instead + data[place + 1 :], OF)
        found, told = taken(rows), (style, place, instead)
        damaged = list(whole)[at]
        for key, values in whole.items():
            assert key == damaged or found.get(key) == values, (told, key, codes(rows))
        others = found.keys() - whole.keys()
        assert len(others) <= 1 and (not others or damaged not in found), (told, others)
        assert len(rows) <= 8, told


def test_damaged_documents_read_both_ways(tmp_path: Path) -> None:
    """Large enough to be cut at once, with faults all over; each is where it was put."""
    document = export(2000)
    lines = written(document, "pretty").split(b"\n    {\n")
    rng = random.Random(5)
    chosen = sorted(rng.sample(range(2, 2000), 60))
    for number in chosen:
        piece = lines[number]
        match rng.randrange(5):
            case 0:
                piece = piece.replace(b'"content": "', b'"content": ', 1)
            case 1:
                piece = piece.replace(b'"author": {', b'"author": ', 1)
            case 2:
                piece = piece.replace(b'"attachments": [],', b'"attachments": [', 1)
            case 3:
                piece = piece[: len(piece) // 2] + b"\n    },"
            case _:
                piece = piece.replace(b'"type"', b'"id": 1,\n      "type"', 1)
        lines[number] = piece
    data = b"\n    {\n".join(lines)
    for name in ("x.json", "x.json.gz"):
        stored = reading.gzipped(data) if name.endswith("gz") else data
        found = read(tmp_path / name, stored, OF)
        assert found.reader.read == 2000
        assert sorted(found.codes) == chosen
        assert {c for cs in found.codes.values() for c in cs} == {
            "malformed_json", "duplicate_field"
        }  # fmt: skip
        assert len(found.proven) > 1700
        for position, values in found.values.items():
            assert values["id"] == document["messages"][position - 1]["id"]


@pytest.mark.parametrize(
    ("data", "code", "taken"),
    [
        (b"", "truncated", 0),
        (b" \n", "truncated", 0),
        (b"\xef\xbb\xbf", "truncated", 0),
        (b"{", "truncated", 0),
        (b'{"x"', "truncated", 0),
        (b'{"x": ', "truncated", 0),
        (b'{"x": [', "truncated", 0),
        (b'{"x": [{"a": 1}', "truncated", 1),
        (b'{"x": [{"a": 1},', "truncated", 1),
        (b'{"x": [{"a": 1}]', "truncated", 1),
        (b'{"x": [{"a": 1}], "y": {"z": ', "truncated", 1),
        (b'{"x": [{"a": 1}], "y": "z', "truncated", 1),
        (b'{"x": [{"a": 1}]}}', "malformed_json", 1),
        (b'{"x": [{"a": 1}]} {}', "malformed_json", 1),
        (b'{"x": [{"a": 1}],}', "malformed_json", 1),
        (b'{"x": [{"a": 1},]}', "malformed_json", 1),
        (b'{"x": [{"a": 1}] "y": 2}', "malformed_json", 1),
        (b'{"x": [{"a": 1} {"a": 2}]}', "malformed_json", 2),
        (b'{"x": [,{"a": 1}, {"a": 2}]}', "malformed_json", 2),
        (b'{"x": [{"a": 1},, ,{"a": 2}]}', "malformed_json", 2),
        (b'{"x": [\n  {"a": 1},\n  ,\n  {"a": 2}\n]}', "malformed_json", 2),
        (b'{"x": [{"a": 1},,]}', "malformed_json", 1),
        (b'{"x": [{"a": 1}]\n {"a": 2}]}', "malformed_json", 2),
        (b'{"y": nul, "x": [{"a": 1}]}', "malformed_json", 0),
        (b'{"y": "\xff", "x": [{"a": 1}]}', "", 1),
        (b'{"y\xff": 1, "x": [{"a": 1}]}', "invalid_utf8", 0),
        (b"{}", "no_records", 0),
        (b'{"y": [{"a": 1}]}', "no_records", 0),
        (b'{"x": null}', "no_records", 0),
        (b'{"x": {"a": 1}}', "no_records", 0),
        (b'{"x": "text"}', "no_records", 0),
        (b'[{"a": 1}]', "no_records", 0),
        (b"17", "no_records", 0),
        (b'"text"', "no_records", 0),
        (b"nothing", "malformed_json", 0),
        (b"<html>", "malformed_json", 0),
        (b'{"x": []}', "", 0),
    ],
)
def test_damage_around_the_records(tmp_path: Path, data: bytes, code: str, taken: int) -> None:
    found = read(tmp_path / "x.json", data, ITEMS)
    assert len(found.values) == taken
    assert list(found.codes.values()) == ([[code]] if code else [])
    assert found.reader.read == taken + bool(code)
    assert found.reader.content_hash
    for position in found.codes:
        row = found.exact[position]
        assert row.reasons[0].detail
        assert replayed(ITEMS, row).values is None


@pytest.mark.parametrize("compression", ["", ".gz"])
@pytest.mark.parametrize("space", [0, 200, 70_000])
def test_what_stands_behind_the_array_is_kept_where_it_cannot_be_read(
    tmp_path: Path, compression: str, space: int
) -> None:
    """As when the halves of a file changed places: the first array that ends is not the records'."""
    rest = b', "y": 1}\n' + b" " * space + b']\n[\n{"a": 77}, {"a": 78'
    data = b'["b"]' + rest
    path = tmp_path / f"x.json{compression}"
    found = read(
        path, gzip.compress(data) if compression else data, contract({"a": "long"}, records="$[*]")
    )
    assert found.reader.read == 2
    assert found.codes == {1: ["not_an_object"], 2: ["malformed_json"]}
    assert found.exact[2].raw.encode() == rest[:RAW_KEPT]


REFUSED = {
    "malformed_json": [b'{"a": 01}', b'{"a": NaN}', b'{"a": 1,}', b"{'a': 1}", b'{"b": "\t"}',
                       b'{"b": "\\x"}', b'{"a": 1} x', b'{"a" 1}', b'{"a": 1'],
    "invalid_utf8": [b'{"b": "\xff"}', b'{"b": "\xed\xa0\x80"}'],
    "not_an_object": [b"[]", b"null", b"1", b'"x"', b"true", b"[{}]", b"-1.5e3"],
    "duplicate_field": [b'{"a": 1, "a": 1}', b'{"a": 1, "\\u0061": 1}'],
    "type_mismatch": [b'{"a": "1"}', b'{"b": {}}'],
    "lossy_number": [b'{"a": 1.5}', b'{"a": 9223372036854775808}', b'{"a": ' + b"9" * 5000 + b"}"],
    "nesting_too_deep": [b'{"z": ' + b"[" * 300 + b"]" * 300 + b"}",
                         b'{"z": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"],
    "lone_surrogate": [b'{"b": "\\ud800"}'],
}  # fmt: skip


@pytest.mark.parametrize("code", REFUSED)
@pytest.mark.parametrize("gap", [b",", b", ", b",\n  ", b",\r\n\t", b" ,\n"])
def test_each_reason_among_good_records(tmp_path: Path, code: str, gap: bytes) -> None:
    good = b'{"a": 1, "b": "x"}'
    parts = [good] * 20
    for bad in REFUSED[code]:
        parts += [bad, good, good]
    data = b'{"x": [' + gap[1:].lstrip(b",") + gap.join(parts) + b'\n], "n": 1}'
    found = read(tmp_path / "x.json", data, ITEMS)
    assert found.reader.read == len(parts)
    assert list(found.codes.values()) == [[code]] * len(REFUSED[code])
    assert sorted(found.codes) == [21 + 3 * i for i in range(len(REFUSED[code]))]
    for position in found.codes:
        again = replayed(ITEMS, found.exact[position])
        assert again.values is None


def test_records_too_long_are_not_kept_in_memory(tmp_path: Path) -> None:
    settings = reading.with_settings(max_record_bytes=2 * BLOCK)
    sizes = [20, 3 * BLOCK, 20, BLOCK, 9 * BLOCK + 5, 20, 2 * BLOCK, 2 * BLOCK + 1, 20, 7 * BLOCK]
    parts = [b'{"a": 1, "b": "' + b"x" * (size - 17) + b'"}' for size in sizes]
    long = {n: size for n, size in enumerate(sizes, 1) if size > 2 * BLOCK}
    for gap in (b",\n  ", b","):
        data = b'{"x": [' + gap[1:] + gap.join(parts) + b"\n]}"
        (tmp_path / "x.json").write_bytes(data)
        found = reading.read(tmp_path / "x.json", ITEMS, settings)
        assert found.reader.read == len(sizes)
        assert found.codes == {n: ["line_too_long"] for n in long}
        for n, size in long.items():
            assert f"{size} bytes" in found.exact[n].reasons[0].detail
            assert len(found.exact[n].raw) < 70_000


def test_long_damage_is_passed_over(tmp_path: Path) -> None:
    """A bracket bomb, a text without end: what follows on a line of its own is found again."""
    settings = reading.with_settings(max_record_bytes=BLOCK)
    good = b'{"a": 1, "b": "x"}'
    for bad in (
        b'{"b": "' + b"y" * (3 * BLOCK),
        b'{"b": ' + b"[" * (3 * BLOCK),
        b"{" * (4 * BLOCK),
    ):
        data = b'{"x": [\n  ' + b",\n  ".join([good, bad, good, good]) + b"\n]}"
        (tmp_path / "x.json").write_bytes(data)
        found = reading.read(tmp_path / "x.json", ITEMS, settings)
        assert found.reader.read == len(found.values) + len(found.codes)
        assert found.codes[2] in (["line_too_long"], ["malformed_json"])
        assert 1 in found.values


def test_damaged_streams_give_what_came_before_and_one_refusal(tmp_path: Path) -> None:
    data = written(export(3000), "pretty")
    stored = bytearray(reading.gzipped(data))
    for damage in ("cut", "flip", "empty", "checksum"):
        broken = bytearray(stored)
        if damage == "cut":
            del broken[len(broken) // 2 :]
        elif damage == "flip":
            broken[len(broken) // 2 : len(broken) // 2 + 50] = b"\xff" * 50
        elif damage == "empty":
            broken.clear()
        else:
            broken[-6] ^= 1
        path = tmp_path / f"{damage}.json.gz"
        path.write_bytes(broken)
        found = reading.read(path, OF)
        last = found.reader.read
        assert found.codes[last] == ["corrupt_compression"]
        if damage == "flip":
            continue  # rubbish may be decompressed before the damage shows
        assert set(found.codes) <= {last, last - 1}
        assert (len(found.values) == 3000) == (damage == "checksum")


def test_the_json_test_suite_as_documents(real_data: Path, tmp_path: Path) -> None:
    """y_ is read and n_ refused, as a whole and as the elements of an array; nothing crashes."""
    paths = sorted((real_data / "bad_json" / "test_parsing").glob("*.json"))
    assert len(paths) > 300
    whole = contract({"v": "json"})
    elements = contract({"v": "json"}, records="$[*]")
    inside = contract({"v": "json"}, records="$.x[*]")
    for path in paths:
        data = path.read_bytes()
        for of, text in (
            (whole, data),
            (elements, data),
            (inside, b'{"x": [{"v": 1}, {"v": ' + data + b'}, {"v": 2}]}'),
        ):
            rows = looked_at(text, of)
            refused = codes(rows)
            try:
                value = json.loads(text.decode("utf-8-sig"), parse_constant=lambda _: [][0])
            except (ValueError, IndexError, RecursionError):
                assert refused or path.name.startswith("i_"), path.name
                continue
            if path.name.startswith("n_"):
                continue  # some become JSON inside other JSON
            if "duplicated" in path.name and of is not elements:
                assert refused == ["duplicate_field"], path.name
            elif of is inside:
                bad = {"lone_surrogate", "invalid_utf8", "nesting_too_deep"}
                assert not set(refused) - bad and (path.name.startswith("i_") or not refused)
                assert len(rows) == 3
            elif type(value) is not (list if of is elements else dict):
                assert refused == ["no_records"], path.name
            elif of is elements:
                assert len(refused) == sum(type(v) is not dict for v in value), path.name
    for path in paths[::20]:
        read(tmp_path / path.name, path.read_bytes(), whole)
        read(tmp_path / path.name, path.read_bytes(), elements)
