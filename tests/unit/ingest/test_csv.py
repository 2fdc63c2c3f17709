"""CSV: every dialect, header and option, and damage told in its place."""

from __future__ import annotations

import datetime as dt
import gzip
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from headgate.core.errors import ContractError, RefusedError
from headgate.ingest.delimited.dialect import OPTIONS
from headgate.ingest.discover import discover
from headgate.ingest.readers.base import open_reader
from tests.unit.ingest import reading
from tests.unit.ingest.csvreading import check, contract, texts

UTC = dt.UTC


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
    (b'"",""\n"NA",x\n', {2: "type_mismatch"}),
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


def test_a_header_that_swallowed_the_records_is_set_aside_with_them(tmp_path: Path) -> None:
    """Where the line break behind it was lost, a header of unknown names is all that is left."""
    of = contract({"a": "long", "b": "long", "c": "long"})
    for number, data in enumerate((b"a,b,c1,2,3\n", b"a,b,c1,2,3", b"a,1,2\r\n")):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(data)
        found = check(path, of)
        assert found.codes == {1: ["bad_header"]}
        assert found.exact[1].raw.startswith(data.decode().rstrip())
    for number, data in enumerate(
        (b"a,b,c\n", b"a,b\n", b"a,b,c,more\n", b"a,b,more\n1,2,3\n", b"")
    ):
        path = tmp_path / f"good{number}.csv"
        path.write_bytes(data)
        assert not check(path, of).codes


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (b"a,x,x", "it names 'x' twice"),
        (b"a,b,a", "it names 'a' twice"),
        (b"1,2,3", "none of its names"),
        (b'a,"b', "not closed"),
        (b"a,\xff", "encoding"),
        (b"a,b\rc", "carriage return"),
        (b"a,b," + b"x" * 3_000_000, "longer than 1000 bytes"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused_with_its_records(
    tmp_path: Path, header: bytes, told: str
) -> None:
    (tmp_path / "x.csv").write_bytes(header + b"\n1,2,3\n4,5,6\n")
    settings = reading.with_settings(max_record_bytes=1000)
    found = check(tmp_path / "x.csv", contract({"a": "long", "b": "long"}), settings)
    first = "line_too_long" if len(header) > 1000 else "bad_header"
    assert {p: codes[0] for p, codes in found.codes.items() if p > 1} == dict.fromkeys(
        (2, 3), "bad_header"
    )
    if b"\xff" not in header:
        assert found.codes[1] == [first]
    assert told in found.exact[3].reasons[0].detail


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


def test_every_option_is_explained() -> None:
    page = (Path(__file__).parents[3] / "docs/how-to/read-csv.md").read_text("utf-8")
    assert {name for name in OPTIONS if f"`{name}`" not in page} == set()


def test_files_without_records(tmp_path: Path) -> None:
    of = contract({"a": "long", "b": "string"})
    for data in (b"", b"a,b", b"a,b\r\n", b"\xef\xbb\xbf"):
        (tmp_path / "x.csv").write_bytes(data)
        assert check(tmp_path / "x.csv", of).reader.read == 0
    for data, code in ((b"a,b\r1,2\r", "bad_header"), (b"\0\0", "bad_header"),
                       (b"\x89PNG", "invalid_utf8")):  # fmt: skip
        (tmp_path / "x.csv").write_bytes(data)
        assert check(tmp_path / "x.csv", of).codes == {1: [code]}
    (tmp_path / "x.csv.gz").write_bytes(b"")
    assert check(tmp_path / "x.csv.gz", of).codes == {1: ["corrupt_compression"]}
