"""Records that are proven by their shape are those that plain Python takes, with the same values."""

from __future__ import annotations

import datetime as dt
import json
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headgate.core.errors import ContractError
from headgate.ingest.shapes.known import Shapes
from headgate.ingest.shapes.nested import Nested
from tests.unit.ingest import nesting, reading, writing


@pytest.mark.parametrize("seed", range(16))
def test_what_is_proven_is_what_python_reads(seed: int) -> None:
    rng = random.Random(seed)
    of, how, indent = nesting.contract(), writing.style(rng), rng.random() < 0.3
    gap = rng.choice([b",\n    ", b",  "]) if indent else b"\n"
    nested, share = Nested(of, reading.SETTINGS), rng.choice([0.0, 0.1, 0.5])
    for _ in range(2):  # what was learned of one chunk serves for the next
        units = []
        for number in range(120):
            found = nesting.record(rng, number)
            faulty = rng.random() < share
            if faulty and rng.random() < 0.5:
                units.append(nesting.written(rng, nesting.odd(rng, found), how, indent))
            elif faulty:
                raw = nesting.written(rng, found, how, indent) + b"\n"
                units.append(rng.choice(writing.DAMAGES)(rng, raw).rstrip(b"\r\n"))
            else:
                units.append(nesting.written(rng, found, how, indent))
        count = nesting.check(units, of, gap, nested)
        if share == 0.0 and how.colon != " : ":
            assert count > 50


@pytest.mark.parametrize("seed", range(8))
def test_records_in_records(seed: int) -> None:
    rng = random.Random(seed)
    columns = {
        "unit<-$.messages[*].id": "string",
        "at<-$.messages[*].at": "timestamp",
        "code<-@.emoji.code": "string",
        "n<-@.n": "long",
        "users<-@.users": "json",
    }
    of = nesting.contract(columns, records="$.messages[*].reactions[*]", ignore=["@.x"])
    units = []
    for number in range(120):
        inner: list[Any] = [
            {
                "emoji": {"code": rng.choice(nesting.TEXTS)},
                "n": rng.randrange(99),
                "users": [1, "2"],
            }
            for _ in range(rng.randrange(4))
        ]
        if rng.random() < 0.2:
            inner.append(rng.choice([None, 1, {}, {"n": 1.5}, {"y": 1}, {"x": [1]}]))
        found = {"id": str(number), "at": "2024-01-01T00:00:00Z", "other": 1, "reactions": inner}
        if rng.random() < 0.1:
            found["reactions"] = rng.choice([None, 5, "x", {}])
        raw = json.dumps(found, indent=rng.choice([None, 2])).encode()
        units.append(rng.choice(writing.DAMAGES)(rng, raw) if rng.random() < 0.1 else raw)
    assert nesting.check(units, of, b",\n  ") > 50


def test_the_number_of_inner_records_is_told_where_it_is_known() -> None:
    of = nesting.contract({"n<-@.n": "long"}, records="$[*].r[*]", ignore=[])
    units = [b'{"r":[{"n":1},{"n":2}]}', b'{"r":[]}', b"{}", b'{"r":[{"n":"x"}]}', b'{"r":5}', b"{"]
    data = b"\n".join(units)
    starts = np.cumsum([0, *(len(u) + 1 for u in units[:-1])])
    proven, inner = Shapes(of, reading.SETTINGS).judge(
        data, starts, starts + np.array([len(u) for u in units])
    )
    assert proven.tolist() == [True, True, True, False, False, False]
    assert inner.tolist() == [2, 0, 0, 1, -1, -1]


#: Values that stand where a good one stood; whether they are taken is the oracle's to say.
TRICKS = [
    "01", "-01", "-0", "0", "00", "1.0", "1.", ".5", "1e5", "1E5", "1e+05", "1e-05", "1e400", "-1",
    "--1", "+1", "1-2", "1 2", "12 ", " 12", "1.50", "1.505", "9223372036854775807", "0.1",
    "9223372036854775808", "-9223372036854775808", "123456789012345678901234567890", "1e", "-",
    "9007199254740993", "9007199254740993.0", "0.30000000000000004", "0.10000000000000001",
    "-0.0", "0e0", "5e-324", "1e22", "true", "false", "null", "nul", "True", "NaN", "Infinity",
    "-Infinity", '"x"', '""', '"\\ud800"', '"\\udc00"', '"\\ud83d\\ude00"', '"\\ud83d\\u0041"',
    '"\\ud83d\\ud83d\\ude00"', '"\\ude00\\ud83d"', '"\\u0000"', '"\\u00zz"', '"\\u12"', '"\\x"',
    '"\\"', '"\\\\"', '"\\\\\\""', '"a\tb"', '"a\x00b"', '"\x7f"', '"a\nb"', '"\\/\\b\\f\\n\\r\\t"',
    "[]", "[ ]", "{}", "{ }", '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"a" :1}', '{"" : 1}',
    "[1,2]", "[1, 2]", "[12, ]", "[, 12]", "[1 2]", "[01]", "[1,null]", "[-0]", "[-0.0]", "[[1]]",
    '["a", "b\\n"]', '["a",null]', '["\\ud800"]', "[true,null]", "[1.5,2]", "[1e3]", "[nul]",
    '["2024-01-01"]', '"2024-01-01"', '"2024-02-30"', '"2024-01-01T00:00:00Z"', '"10000-01-01"',
    '"2026-05-18T22:43:50.3+03:00"', '"2026-05-18T22:43:50.1234567Z"', '"2026-05-18 22:43"',
    '"2024-01-01T24:00:00Z"', '"0000-01-01"', '"2024-01-01T00:00:00+99:00"', '"\\u0032024-01-01"',
    '"2024-01-01 BC"', '" 2024-01-01"', '"infinity"', '"epoch"', "'x'", '"x":1', '"x" "y"', "",
    '{"k1":[1.50,{"k":"a  b"}], "z":-1e5}', '"a","id":"twice"', '"a","new":1', "12}", "12]",
    '"é"', '"\\u00e9"', '"\u2028"', "[" * 70 + "]" * 70, "[" * 300 + "]" * 300, "1" * 5000,
]  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    ["string", "long", "integer", "double", "decimal(10,2)", "boolean", "date", "timestamp", "json",
     "array<string>", "array<long>", "array<double>", "array<decimal(10,2)>", "array<boolean>",
     "array<timestamp>", "array<date>", "array<json>", "array<array<long>>"],
)  # fmt: skip
def test_no_trick_is_taken_for_more_than_it_is(kind: str) -> None:
    of = nesting.contract({"id": "string", "v<-@.o.v": kind, "last<-@.o.last": "long"})
    units = []
    for trick in TRICKS:
        for form in ('{"id":"a","o":{"v":%s,"last":1}}', '{"id": "a", "o": {"last": 7, "v": %s}}'):
            units.append((form % trick).encode("utf-8", "surrogatepass"))
    if kind.startswith("array<array") or kind == "array<json>":
        nesting.check(units, of)
    else:
        assert nesting.check(units, of) > 3


def test_numbers_are_taken_as_text_only_where_the_contract_says_so() -> None:
    columns = {"v<-@.o.v": "string"}
    units = [
        b'{"o":{"v":%s}}' % v for v in (b"12", b"-1", b"1.5", b'"x"', b"012", b"1e3", b"1" * 5000)
    ]
    plain = nesting.contract(columns)
    numbers = replace(plain, columns=tuple(replace(c, accepts_numbers=True) for c in plain.columns))
    assert nesting.rows(Nested(plain, reading.SETTINGS), units, b"\n") == {3: [{"v": "x"}]}
    assert nesting.rows(Nested(numbers, reading.SETTINGS), units, b"\n") == {
        0: [{"v": "12"}],
        3: [{"v": "x"}],
    }


@pytest.mark.parametrize("seed", range(8))
def test_lines_are_read_as_the_exact_look_reads_them(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    how, lines = replace(writing.style(rng), end="\n", mark=b""), []
    for number in range(200):
        found = nesting.record(rng, number)
        if rng.random() < 0.1:
            found = nesting.odd(rng, found)
        raw = nesting.written(rng, found, how, indent=False) + b"\n"
        lines.append(rng.choice(writing.DAMAGES)(rng, raw) if rng.random() < 0.1 else raw)
    found_ = reading.check(tmp_path / "rows.jsonl", b"".join(lines), nesting.contract())
    assert seed or len(found_.proven) > 60
    codes = {code for codes in found_.codes.values() for code in codes}
    assert "malformed_json" in codes


def test_lines_whose_other_fields_are_left_out_are_proven_by_shape(tmp_path: Path) -> None:
    of = nesting.contract({"a": "long", "b": "string"}, ignore=["@.more", "rest"])
    line = b'{"a": %d, "more": {"x": [1, 2]}, "b": "\\u0041", "rest": null}\n'
    data = b"".join(line % n for n in range(300)) + b'{"a": 1, "other": 2}\n'
    found = reading.check(tmp_path / "rows.jsonl", data, of)
    assert len(found.proven) == 300
    assert [w.code for w in found.exact[301].warnings] == ["unknown_field"]


def test_json_lines_hold_one_record_each(tmp_path: Path) -> None:
    of = nesting.contract({"v<-@.v": "long"}, records="$.items[*]")
    (tmp_path / "rows.jsonl").write_bytes(b'{"items": []}\n')
    with pytest.raises(ContractError, match="one record each"):
        reading.read(tmp_path / "rows.jsonl", of)


def test_a_field_is_known_where_something_below_it_is() -> None:
    of = nesting.contract({"v<-@.o.p.v": "long"}, ignore=["@.o.q.r"])
    values = ["null", "{}", '{"p":null}', '{"p":{}}', '{"q":{"r":[1]}}', '{"p":{"v":1,"w":1}}']
    values += ['{"q":{"s":null}}', "[]", '{"p":{"v":1},"q":{"r":{"t":1}}}', '{"z":{}}', '{"p":""}']
    units = [b'{"o":%s}' % v.encode() for v in values]
    assert list(nesting.rows(Nested(of, reading.SETTINGS), units, b"\n")) == [0, 1, 2, 3, 4, 8]


def test_quotes_between_units_and_bytes_that_are_no_text_do_no_harm() -> None:
    of = nesting.contract({"a": "string", "n": "long"})
    good = b'{"a":"x \xc3\xa9","n":1}'
    bad = [b'{"a":"\xff","n":1}', b'{"a":"x,"n":1}', b'"""', b"", b'{"a":"\xc3","n":1}']
    units = [good, *(u for b in bad for u in (b, good))]
    assert set(nesting.rows(Nested(of, reading.SETTINGS), units, b' "odd\\ ')) == set(
        range(0, 11, 2)
    )


def test_a_record_that_is_too_long_or_too_deep_is_not_proven() -> None:
    of = nesting.contract({"a": "json"})
    units = [b'{"a":[[1]]}', b'{"a":[[[[1]]]]}', b'{"a":"' + b"x" * 50 + b'"}']
    settings = reading.with_settings(max_record_bytes=40, max_nesting=4)
    assert set(nesting.rows(Nested(of, settings), units, b"\n")) == {0}


def test_units_of_every_length_come_out_at_their_place() -> None:
    nested = Nested(nesting.contract({"a": "string", "j": "json"}), reading.SETTINGS)
    sizes = [1, 200_000, 300_000, 5, 1_100_000, 7, 262_144, 90_000, 90_000, 90_000, 3]
    units = [b'{"a":"%s","j":[%d]}' % (b"\\n" * (n // 2) + b"x" * (n % 2), n) for n in sizes]
    units.append(b'{"a":"many","j":[' + b",".join([b"1"] * 40_000) + b"]}")
    found = nesting.rows(nested, units, b",\n")
    assert [u for u in range(len(units)) if u not in found] == [4, 11]
    for unit, rows in found.items():
        n = sizes[unit]
        assert rows == [{"a": "\n" * (n // 2) + "x" * (n % 2), "j": f"[{n}]"}]


def test_chunks_without_units_and_rows_of_the_document_alone() -> None:
    of = nesting.contract({"g<-$.guild.id": "long"}, records="$.messages[*]", ignore=["@.x"])
    nested = Nested(of, reading.SETTINGS)
    none = np.empty(0, np.int64)
    assert nested.batch_of(none, none, none).num_rows == 0
    proven, inner = nested.judge(b"", none, none)
    assert len(proven) == len(inner) == nested.batch_of(none, none, none).num_rows == 0
    nested.judge(b'{"x":1}, {}, {"y":1}', np.array([0, 9, 13]), np.array([7, 11, 20]))
    batch = nested.batch_of(np.array([0, 9, 13]), np.array([7, 11, 20]), np.array([1, 2, 3]))
    assert batch.to_pylist() == [{"_position": 1}, {"_position": 2}]
    sql = nested.relation("(SELECT 5 AS _position)", {"g": 77})
    con = reading._connection()  # one of its own: the module's is anybody's
    assert con.execute(f"SELECT * FROM {sql}").fetchall() == [(77, None, 5)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", "it's {x} \u00e9"),
        ("timestamp", dt.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=dt.UTC)),
        ("date", dt.date(9999, 12, 31)),
        ("decimal(38,2)", Decimal("-123456789012345678901234567890123456.78")),
        ("double", -5e-324),
        ("double", 0.1),
        ("boolean", True),
        ("long", -(2**63)),
        ("array<string>", ["a", None, "b'"]),
        ("json", '{"a":[1.50]}'),
        ("string", None),
    ],
)
def test_what_the_document_says_is_the_same_in_every_row(kind: str, value: Any) -> None:
    of = nesting.contract({"v<-$.v": kind}, records="$.messages[*]")
    sql = Nested(of, reading.SETTINGS).relation("(SELECT 5 AS _position)", {"v": value})
    con = reading._connection()
    assert reading.same(con.execute(f"SELECT * FROM {sql}").fetchall()[0][0], value)


def test_shapes_beyond_those_that_are_remembered_are_left_to_the_exact_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("headgate.ingest.shapes.known.SHAPES_KEPT", 5)
    nested = Nested(nesting.contract({"a": "json"}), reading.SETTINGS)
    units = [b'{"a":[' + b",".join([b"1"] * n) + b"]}" for n in range(1, 9)] * 2
    assert set(nesting.rows(nested, units, b"\n")) == {0, 1, 2, 3, 4, 8, 9, 10, 11, 12}
    # Where shapes come again and again others may be learned in their place.
    assert len(nesting.rows(nested, units[:5] * 20, b"\n")) == 100
    assert set(nesting.rows(nested, units[5:8] * 2, b"\n")) == set(range(6))


def test_every_file_of_the_json_test_suite(real_data: Path) -> None:
    of = nesting.contract({"v": "json", "w": "long"})
    files = sorted((real_data / "bad_json").rglob("*.json"))
    assert len(files) > 300
    units = [b'{"v":%s,"w":1}' % f.read_bytes() for f in files if f.stat().st_size < 200_000]
    assert nesting.check([u.replace(b"\n", b" ") for u in units], of) > 80


def test_naughty_strings(real_data: Path) -> None:
    of = nesting.contract({"v<-@.o.v": "string", "j<-@.o.j": "json"})
    path = next((real_data / "bad_naughty_strings").glob("*.json"))
    found = json.loads(path.read_text("utf-8"))
    units = [
        json.dumps({"o": {"v": s, "j": s}}, ensure_ascii=a).encode() for s in found for a in (0, 1)
    ]
    assert nesting.check(units, of) > len(units) * 0.9
