"""CSV: every dialect, damage told in its place, and the fast path equal to the exact one."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from headgate.contracts.model import Contract, SourceSpec
from headgate.core.errors import ContractError, RefusedError
from headgate.ingest.delimited import Cutter
from headgate.ingest.dialect import Dialect
from headgate.ingest.discover import discover
from headgate.ingest.readers.base import ExactRow, open_reader, raw_reader
from tests.unit.ingest import reading

UTC = dt.UTC


def contract(columns: dict[str, str], **options: Any) -> Contract:
    return replace(reading.contract(columns, "csv"), source=SourceSpec("csv", None, options))


def check(path: Path, of: Contract, settings: Any = reading.SETTINGS) -> reading.Reading:
    """Read both ways; what was proven is what the exact look says, and raw text reads alike."""
    found = reading.read(path, of, settings)
    reader = open_reader(of, discover([path])[0], settings)
    reader.scan(duckdb.connect(), careful=True)
    assert reader.read == found.reader.read
    rows: dict[int, ExactRow] = {
        r.position: r for r in reader.exact(np.arange(1, found.reader.read + 1))
    }
    assert sorted(rows) == list(range(1, found.reader.read + 1))
    replay = raw_reader(of, settings)
    for position, row in rows.items():
        if position in found.proven:
            assert row.values is not None, row
            assert list(row.values) == list(found.proven[position])
            for name, value in row.values.items():
                assert reading.same(found.proven[position][name], value), (name, row)
        else:
            assert row == found.exact[position]
        again = replay(position, row.raw.encode("utf-8", "surrogatepass"))
        if row.values is not None:
            assert again.values == row.values
        else:
            assert again.values is None
    reader.close()
    return found


def texts(path: Path, data: bytes, columns: str, **options: Any) -> list[dict[str, Any]]:
    """The values of a file that is all good, read as text."""
    path.write_bytes(data)
    found = check(path, contract(dict.fromkeys(columns.split(), "string"), **options))
    assert not found.codes
    return [{k: v for k, v in row.items() if k != "_rescued"} for row in found.values.values()]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_quotes_line_feeds_and_null(tmp_path: Path, end: bytes, last: bool) -> None:
    lines = [b'b,a', b'1,"x, ""y""', b'z"', b',""', b'" ",\xc3\xa9', b'"""",""""""']  # fmt: skip
    data = end.join(lines) + (end if last else b"")
    assert texts(tmp_path / "x.csv", data, "a b") == [
        {"a": 'x, "y"' + end.decode() + "z", "b": "1"},
        {"a": "", "b": None},
        {"a": "é", "b": " "},
        {"a": '""', "b": '"'},
    ]


def test_records_are_cut_alike_in_blocks_of_any_size() -> None:
    """Against a plain reading of the rule: a record is well formed, or it is one line."""
    for seed in range(250):
        rng = random.Random(seed)
        escape = rng.choice(["", "", "\\"])
        signs = [b'"', b'"', b",", b"\n", b"a", b"\r", b"\r\n", b",\"", b"\",", b'"\n', b"\\"]  # fmt: skip
        data = b"".join(rng.choices(signs, k=rng.randrange(60)))
        limit = rng.choice([5, 12, 10_000])
        expected = plainly_cut(data, escape.encode(), limit)
        for size in (1, 3, 7, 100):
            blocks = [data[i : i + size] for i in range(0, len(data), size)]
            found: list[tuple[bytes, int]] = []
            offset = 0
            cutter = Cutter(Dialect(escape=escape), limit)
            for chunk in cutter.cut(blocks):
                assert chunk.offset == offset and chunk.first == len(found) + 1
                numbers = np.arange(chunk.first, chunk.first + chunk.count)
                if chunk.size:
                    offset += chunk.size + chunk.ended
                    found.append((chunk.data, chunk.size))
                    continue
                assert cutter.again(chunk.data).tolist() == chunk.ends.tolist()
                offset += len(chunk.data)
                found += [(raw, len(raw)) for _, raw in chunk.pick(numbers)]
            assert [n for _, n in found] == [len(r) for r in expected], (seed, size, data)
            assert all(r.startswith(raw) for (raw, _), r in zip(found, expected, strict=True))


def plainly_cut(data: bytes, escape: bytes, limit: int) -> list[bytes]:
    """The records without line feeds, sign by sign."""
    found, start = [], 0
    while start < len(data):
        end = plain_end(data, start, escape)
        line = data.find(b"\n", start)
        if end is None or end - start > limit:
            end = len(data) if line < 0 else line
        # A line feed that was to be taken as it is, and is the last sign, is a line end.
        found.append(data[start:end].removesuffix(b"\n") if end == len(data) else data[start:end])
        start = end + 1
    return found


def plain_end(data: bytes, at: int, escape: bytes) -> int | None:
    """Where the well-formed record at ``at`` ends, if there is one."""
    state = "start"
    while at < len(data):
        sign = data[at : at + 1]
        if state in ("start", "plain", "quoted") and escape and sign == escape:
            if at + 1 == len(data):
                return None
            at += 2
            state = "plain" if state == "start" else state
            continue
        if state == "quoted":
            if sign == b'"':
                state = "closed"
        elif state == "closed":
            if sign == b'"' and not escape:
                state = "quoted"
            elif sign == b",":
                state = "start"
            elif sign == b"\n" or data[at : at + 2] == b"\r\n":
                return at + len(sign) - 1 if sign == b"\n" else at + 1
            elif sign == b"\r" and at + 1 == len(data):
                return at + 1
            else:
                return None
        elif sign == b"\n":
            return at
        elif sign == b",":
            state = "start"
        elif sign == b'"':
            if state == "plain":
                return None
            state = "quoted"
        else:
            state = "plain"
        at += 1
    return None if state == "quoted" else len(data)


@pytest.mark.parametrize("seed", range(12))
def test_what_python_writes_is_read_back(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    pool = ["", "a", "é😀", 'q"', ",", ";", "\t", "x\ny", "\r\n", "'", "NA", " sp ", "\\", "|"]
    rows = [["".join(rng.choices(pool, k=rng.randrange(3))) for _ in range(3)] for _ in range(400)]
    delimiter, quote = rng.choice([",", ";", "\t", "|"]), rng.choice(['"', "'"])
    end = rng.choice(["\n", "\r\n"])
    quoting = rng.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC])
    encoding = rng.choice(["utf-8", "utf-16", "utf-8-sig", "utf-16-be", "utf-32"])
    text = io.StringIO()
    out = csv.writer(text, delimiter=delimiter, quotechar=quote, quoting=quoting,
                     lineterminator=end)  # fmt: skip
    out.writerows([["a", "b", "c"], *rows])
    data = text.getvalue().encode(encoding)
    name = "x.csv"
    if rng.random() < 0.3:
        data, name = gzip.compress(data), "x.csv.gz"
    elif rng.random() < 0.3:
        data, name = pa.compress(data, codec="zstd", asbytes=True), "x.csv.zst"
    (tmp_path / name).write_bytes(data)
    of = contract(
        {"c": "string", "a": "string", "b": "string"},
        delimiter=delimiter, quote=quote, encoding=encoding, nulls=[],
    )  # fmt: skip
    found = check(tmp_path / name, of)
    assert found.reader.read == len(rows)
    # A line without a sign in it is no record of three fields.
    assert [[r["a"], r["b"], r["c"]] for r in found.values.values()] == rows
    alone = sum("\r" in "".join(r) for r in rows)
    assert len(found.proven) >= len(rows) - alone


ODD = [
    "", "1", "-1", "+1", "007", "1.0", "1.5", "-0", "-0.0", "2147483648", "9223372036854775808",
    "1e3", "1E-3", ".5", "5.", "1_000", " 1", "1 ", "0x10", "NaN", "nan", "inf", "-inf", "12.50",
    "9007199254740993", "9007199254740993.0", "0.1", "0.30000000000000004", "1e400", "1e-400",
    "5e-324", "1e23", "99999999.99", "100000000.00", "0.005", "1,5", "1.234,5", "true", "TRUE",
    "True", "tRuE", "t", "yes", "false", "2024-02-29", "2023-02-29", "0000-01-01", "9999-12-31",
    "10000-01-01", "2024-1-1", "2024-02-29 12:00:00", "2024-02-29T12:00:00", "2024-02-29T12:00",
    "2024-02-29T12:00:00.123456Z", "2024-02-29T12:00:00.1234567Z", "2024-02-29T12:00:00+02:00",
    "2024-02-29T12:00:00+0200", "2024-02-29 24:00:00", "2016-12-31 23:59:60", "2024-02-29T12:00z",
    "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-01:00", "٢٠٢٤-01-01", "infinity", "epoch",
    "2024-02-29 12:00:00 UTC", "29/02/2024", "29/2/2024", "29/02/2024 12:30", "[1, 2]", "[1,",
    '["a", null]', '{"a": 1, "a": 2}', "null", "é", "x" * 40, "\\N", "NA", '["\\ud800"]', "0.1" + "0" * 30,
    "1" * 5000, "00000000000000000001", "1e99999999999999999999", "١٢", "1e3000000",
]  # fmt: skip
KINDS = [
    "string", "long", "integer", "double", "decimal(10,2)", "decimal(2,2)", "decimal(38,0)",
    "boolean", "date", "timestamp", "json", "array<long>", "array<string>",
]  # fmt: skip


@pytest.mark.parametrize("options", [
    {},
    {"decimal": ",", "delimiter": ";", "nulls": ["", "NA", "\\N"], "quotedNulls": True},
    {"dateFormat": "%d/%m/%Y", "timestampFormat": "%d/%m/%Y %H:%M", "trueValues": ["yes", "t"]},
    {"escape": "\\", "nulls": ["\\N"]},
])  # fmt: skip
def test_every_text_into_every_type(tmp_path: Path, options: dict[str, Any]) -> None:
    delimiter = options.get("delimiter", ",")
    lines = [f"a{delimiter}b"]
    for text in ODD:
        quoted = '"' + text.replace('"', '""') + '"'
        lines += [f"{quoted}{delimiter}1", f"{text}{delimiter}2"]
    (tmp_path / "x.csv").write_text("\n".join(lines) + "\n", "utf-8")
    proven = 0
    for kind in KINDS:
        found = check(tmp_path / "x.csv", contract({"a": kind, "b": "long"}, **options))
        assert found.reader.read == 2 * len(ODD)
        proven += len(found.proven)
    assert proven > 250


TYPED = {
    "id": "long", "name": "string", "at": "timestamp", "day": "date", "price": "decimal(10,2)",
    "score": "double", "flag": "boolean", "note": "string",
}  # fmt: skip


@pytest.mark.parametrize("seed", range(16))
def test_damage_never_makes_the_fast_path_laxer(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    end = rng.choice([b"\n", b"\r\n"])
    names = list(TYPED)
    rng.shuffle(names)
    lines = [",".join([*names, "more"]).encode()]
    for number in range(300):
        row = {
            "id": str(number), "name": rng.choice(["ann", '"a, b"', '"q ""x"""', "é", '"two\nlines"']),
            "at": f"2024-01-{rng.randrange(1, 29):02} 12:00:00", "day": "2024-02-29",
            "price": f"{rng.random() * 100:.2f}", "score": repr(rng.random()),
            "flag": rng.choice(["true", "false"]), "note": rng.choice(["", '""', "x"]),
            "more": rng.choice(["", "y", "tab\t"]),
        }  # fmt: skip
        line = ",".join(row[n] for n in [*names, "more"]).encode()
        if rng.random() < 0.2:
            for _ in range(rng.randrange(1, 4)):
                at = rng.randrange(len(line))
                sign = rng.choice(
                    [b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\\", b"", b"7", b'""']
                )
                line = line[:at] + sign + line[at + rng.randrange(2) :]
        lines.append(line)
    data = end.join(lines) + rng.choice([b"", end])
    if rng.random() < 0.5:
        data = data[: rng.randrange(len(data) // 2, len(data))]
    name = "x.csv"
    if seed % 3 == 1:
        name, data = "x.csv.gz", gzip.compress(data)
        if rng.random() < 0.5:
            data = data[: rng.randrange(len(data) // 2, len(data))]
    (tmp_path / name).write_bytes(data)
    settings = reading.with_settings(max_record_bytes=rng.choice([120, 200, 100_000]))
    found = check(tmp_path / name, contract(TYPED), settings)
    assert len(found.proven) > 20


DAMAGE = [
    (b"1,a\n2,b,c\n3\n4,d\n", {2: "field_count", 3: "field_count"}),
    (b'1,"a\n2,b\n3,c\n', {1: "malformed_csv"}),
    (b'1,"a"x\n2,"b"\n', {1: "malformed_csv"}),
    (b'1,a"b\n2,5" pipe\n3,c\n', {1: "malformed_csv", 2: "malformed_csv"}),
    (b'1,"a\n2,"b"\n3,c\n', {1: "malformed_csv"}),
    (b'1,"a\nx"\n2,"b,c\n3,d\n', {2: "malformed_csv"}),
    (b'1,a\n2,"b', {2: "truncated"}),
    (b"1,a\n2", {2: "truncated"}),
    (b"1,a\n2,b", {}),
    (b"1,a\n\n  \n2,b\n", {2: "empty_line", 3: "empty_line"}),
    (b"1,a\0\n2,b\n", {1: "malformed_csv"}),
    (b"1,\xff\n2,\xc3\n3,\xc3\xa9\n", {1: "invalid_utf8", 2: "invalid_utf8"}),
    (b"1,a\n2,\xc3", {2: "truncated"}),
    (b"1,a\rb\n2,b\n", {1: "malformed_csv"}),
    (b"x,a\n1.5,b\n,c\n", {1: "type_mismatch", 2: "lossy_number"}),
    (b'"",a\n', {1: "type_mismatch"}),
    (b"1," + b"x" * 3000 + b"\n2,b\n", {1: "line_too_long"}),
    (b'1,"' + b"x\n" * 3000 + b'"\n2,b\n', None),
    (b"1," + b"x" * 3_000_000 + b"\n2,b\n", {1: "line_too_long"}),
    (b"", {}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "ends"), DAMAGE)
@pytest.mark.parametrize("how", ["plain", "gzip", "zstd", "utf-16"])
def test_damage_is_told_in_its_place(
    tmp_path: Path, body: bytes, ends: dict[int, str] | None, how: str
) -> None:
    data, name, encoding = b"id,t\n" + body, "x.csv", "utf-8"
    if how == "gzip":
        data, name = gzip.compress(data), "x.csv.gz"
    elif how == "zstd":
        data, name = pa.compress(data, codec="zstd", asbytes=True), "x.csv.zst"
    elif how == "utf-16":
        if b"\xff" in body or b"\xc3" in body:
            return
        data, encoding = data.decode().encode("utf-16"), "utf-16"
    (tmp_path / name).write_bytes(data)
    of = contract({"id": "long", "t": "string"}, encoding=encoding)
    found = check(tmp_path / name, of, reading.with_settings(max_record_bytes=2000))
    if ends is None:  # a quoted field without end is one line, and so are those that follow
        assert found.reader.read == 3002
        assert found.codes == {1: ["malformed_csv"], **{n: ["field_count"] for n in range(2, 3001)},
                               3001: ["malformed_csv"]}  # fmt: skip
        assert found.values[3002] == {"id": 2, "t": "b", "_rescued": None}
        return
    assert {p: codes[0] for p, codes in found.codes.items()} == ends
    assert found.reader.read == len(found.values) + len(ends)


def test_a_damaged_stream_is_a_record_of_its_own(tmp_path: Path) -> None:
    rows = b"".join(
        b"%d,%s\n" % (n, random.Random(n).randbytes(40).hex().encode()) for n in range(9000)
    )
    whole = gzip.compress(b"id,t\n" + rows)
    (tmp_path / "x.csv.gz").write_bytes(whole[: len(whole) // 2])
    found = check(tmp_path / "x.csv.gz", contract({"id": "long", "t": "string"}))
    last = found.reader.read
    assert found.codes[last] == ["corrupt_compression"]
    assert set(found.codes) <= {last - 1, last}
    assert len(found.values) > 3000


def test_headers_name_the_fields(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('B,"a ""x""",,skipped,more\n1,x,,9,"q"""\n2,y,z,8,\n', "utf-8")
    found = check(
        path, contract({'a<-a "x"': "string", "b<-B": "long", "gone": "date"}, ignore=["skipped"])
    )
    assert found.values == {
        1: {"a": "x", "b": 1, "gone": None, "_rescued": '{"more":"q\\""}'},
        2: {"a": "y", "b": 2, "gone": None, "_rescued": '{"column 3":"z"}'},
    }
    assert len(found.proven) == 2
    assert "column 3, more" in found.reader.notes[0]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (b"a,b,a", "it names 'a' twice"),
        (b"1,2,3", "none of its names"),
        (b'a,"b', "not closed"),
        (b"a,\xff", "encoding"),
    ],
)
def test_a_header_that_cannot_be_used_refuses_its_records(
    tmp_path: Path, header: bytes, told: str
) -> None:
    (tmp_path / "x.csv").write_bytes(header + b"\n1,2,3\n4,5,6\n")
    found = check(tmp_path / "x.csv", contract({"a": "long", "b": "long"}))
    assert found.codes == {1: ["bad_header"], 2: ["bad_header"]}
    assert told in found.exact[1].reasons[0].detail


def test_dialects(tmp_path: Path) -> None:
    x = tmp_path / "x.csv"
    assert texts(x, b"1;x\n;'a;b'\n", "a b", delimiter=";", quote="'", header=False) == [
        {"a": "1", "b": "x"}, {"a": None, "b": "a;b"},
    ]  # fmt: skip
    assert texts(x, b'a|b\n5" pipe|"\n', "a b", delimiter="|", quote="") == [
        {"a": '5" pipe', "b": '"'}
    ]
    assert texts(x, b'a,b\n"x \\"y\\"\n\\\\",\\N\nz\\,,"\\N"\n', "a b", escape="\\", nulls=["\\N"]) == [
        {"a": 'x "y"\n\\', "b": None}, {"a": "z,", "b": "N"},
    ]  # fmt: skip
    assert texts(x, b"made by me\n\na,b\n1,2\n", "a b", skip=2) == [{"a": "1", "b": "2"}]
    assert texts(x, b'a,b\n"","NA"\n', "a b", nulls=["NA", ""], quotedNulls=True) == [
        {"a": None, "b": None}
    ]
    assert texts(x, "a,b\né,€\n".encode("cp1252"), "a b", encoding="cp1252") == [
        {"a": "é", "b": "€"}
    ]
    assert texts(x, b"\xff\xfe" + "a,b\né,😀\n".encode("utf-16-le"), "a b") == [
        {"a": "é", "b": "😀"}
    ]
    assert texts(tmp_path / "x.tsv", b"a\tb\n1,1\t\n", "a b", delimiter="\t") == [
        {"a": "1,1", "b": None}
    ]
    bare = b'a,b\n5" pipe,"x"\n"a ""b""\n",c"\n'
    assert texts(x, bare, "a b", bareQuotes=True) == [
        {"a": '5" pipe', "b": "x"}, {"a": 'a "b"\n', "b": 'c"'},
    ]  # fmt: skip
    x.write_bytes(b"a,b\n1,\x81\n2,x\n")
    found = check(x, contract({"a": "long", "b": "string"}, encoding="cp1252"))
    assert found.codes == {1: ["undecodable"]}


def test_values_of_a_european_file(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(
        "day;at;price;flag\n31/12/2023;31/12/2023 23:59;1234,50;ja\n;;0,5;nein\n"
    )
    of = contract(
        {"day": "date", "at": "timestamp", "price": "decimal(9,2)", "flag": "boolean"},
        delimiter=";", decimal=",", dateFormat="%d/%m/%Y", timestampFormat="%d/%m/%Y %H:%M",
        trueValues=["ja"], falseValues=["nein"],
    )  # fmt: skip
    found = check(tmp_path / "x.csv", of)
    assert len(found.proven) == 2
    assert found.values[1] == {
        "day": dt.date(2023, 12, 31), "at": dt.datetime(2023, 12, 31, 23, 59, tzinfo=UTC),
        "price": Decimal("1234.50"), "flag": True, "_rescued": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"separator": ";"}, "'separator'"),
        ({"delimiter": "||"}, "delimiter is '||'"),
        ({"delimiter": '"'}, "must differ"),
        ({"encoding": "nonsense"}, "encoding"),
        ({"encoding": "hex"}, "encoding"),
        ({"header": "yes"}, "header"),
        ({"nulls": "NA"}, "nulls"),
        ({"skip": -1}, "skip"),
        ({"records": "$[*]"}, "'records'"),
    ],
)
def test_a_wrong_option_is_told(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    with pytest.raises(ContractError) as error:
        open_reader(
            contract({"a": "long"}, **options), discover([tmp_path / "x.csv"])[0], reading.SETTINGS
        )
    assert told in str(error.value)


def test_a_file_that_changes_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"a\n" + b"1\n" * 2_000_000)
    reader = open_reader(contract({"a": "long"}), discover([path])[0], reading.SETTINGS)
    con = duckdb.connect()
    scan = reader.scan(con)
    with path.open("ab") as file:
        file.write(b"2\n")
    con.execute(f"SELECT count(*) FROM {scan.relation}").fetchall()
    with pytest.raises(RefusedError, match="changed while it was read"):
        assert reader.read
    reader.close()


def test_published_good_files(real_data: Path) -> None:
    """csv-spectrum: each file says beside it what it must be."""
    paths = sorted((real_data / "bad_csv/csv-spectrum/csvs").glob("*.csv"))
    assert len(paths) == 12
    for path in paths:
        rows = json.loads((path.parents[1] / "json" / f"{path.stem}.json").read_text("utf-8"))
        rows = rows if isinstance(rows, list) else [rows]
        names = list(rows[0])
        bare = path.stem == "location_coordinates"  # inches and seconds, in no quotes
        found = check(path, contract(dict.fromkeys(names, "string"), nulls=[], bareQuotes=bare))
        assert not found.codes, path.name
        values = [{n: row[n] for n in names} for row in found.values.values()]
        if bare:  # its two halves disagree on the telephone number
            rows[0]["Contact Phone Number"] = values[0]["Contact Phone Number"]
        # The published copies of the *_crlf files have plain line feeds.
        assert values == [{k: v.replace("\r\n", "\n") for k, v in r.items()} for r in rows], path


REAL = {
    "safety_civil_toxic_spans/tsd_train.csv": {"spans": "array<long>", "text": "string"},
    "safety_civil_toxic_spans/tsd_trial.csv": {"spans": "json", "text": "string"},
    "safety_context_toxicity/gc.csv": {"id": "string", "text": "string", "parent": "string",
                                       "label": "long", "api": "double"},
    "safety_context_toxicity/gn.csv": {"id": "string", "text": "string", "label": "long",
                                       "api": "double", "parent": "string"},
    "safety_tdavidson/labeled_data.csv": {"number<-column 1": "long", "count": "long",
                                          "tweet": "string", "class": "integer"},
    "safety_wikipedia_talk/toxicity_nonfuzzed_testset.csv": {"rev_id": "long",
                                                             "comment": "string", "toxic": "boolean"},
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_what_the_csv_module_says(real_data: Path, name: str) -> None:
    with (real_data / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    of = contract(REAL[name])
    found = reading.read(real_data / name, of)
    assert found.reader.read == len(rows)
    assert not found.codes
    values = found.values
    for position, row in enumerate(rows, 1):
        for column in of.columns:
            text, value = (
                row["" if column.field == "column 1" else column.field],
                values[position][column.name],
            )
            if column.type == "string":
                assert value == (text or None) or value == text
            elif column.type == "boolean":
                assert value == (text == "True")
            elif column.type == "json":
                assert json.loads(value) == json.loads(text)
            elif column.type == "array<long>":
                assert value == json.loads(text)
            else:
                assert value is None if not text else float(value) == float(text)
    print(f"{name}: {len(found.proven)} of {len(rows)} proven")


def test_naughty_strings_come_back(real_data: Path, tmp_path: Path) -> None:
    strings = json.loads((real_data / "bad_naughty_strings/blns.json").read_text("utf-8"))
    strings = [s for s in strings if "\0" not in s]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["n", "s"], *enumerate(strings)])
    (tmp_path / "x.csv").write_text(text.getvalue(), "utf-8", newline="")
    found = check(tmp_path / "x.csv", contract({"n": "long", "s": "string"}))
    assert [row["s"] for row in found.values.values()] == strings
