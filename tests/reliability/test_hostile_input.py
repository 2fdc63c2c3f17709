"""Hostile values, names, paths and contracts: each record ends as foretold, and each path is refused."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headgate.contracts.load import load, load_all
from headgate.core.errors import ContractError, LakeError, UsageError
from headgate.orchestration.run import run
from tests.reliability import hostile
from tests.unit.ingest import reading

COLUMNS = {"id": "long", "text": "string", "whole": "long", "small": "integer", "real": "double",
           "price": "decimal(9,2)", "day": "date", "at": "timestamp", "flag": "boolean"}  # fmt: skip


class Is:
    """The exact value that must be read back."""

    def __init__(self, value: Any) -> None:
        self.value = value


def utc(*parts: int) -> Is:
    return Is(dt.datetime(*parts, tzinfo=dt.UTC))  # type: ignore[misc, arg-type]


#: Column, its text without quotes, how it ends in JSON (as a number or text) and in CSV.
TEXTS: list[tuple[str, str, Is | str]] = [
    ("day", "0000-01-01", "invalid_date"), ("day", "10000-01-01", "invalid_date"),
    ("day", "-0001-01-01", "invalid_date"), ("day", "0001-01-01", Is(dt.date(1, 1, 1))),
    ("day", "9999-12-31", Is(dt.date(9999, 12, 31))), ("day", "2023-02-29", "invalid_date"),
    ("day", "2024-1-1", "invalid_date"), ("day", "infinity", "invalid_date"),
    ("day", "epoch", "invalid_date"), ("day", "２０２４-01-01", "invalid_date"),
    ("at", "2016-12-31T23:59:60Z", "invalid_timestamp"),
    ("at", "2024-01-01T24:00:00Z", "invalid_timestamp"),
    ("at", "2024-01-01T00:00:00+14:00", utc(2023, 12, 31, 10)),
    ("at", "2024-01-01T00:00:00-00:00", utc(2024, 1, 1)),
    ("at", "2024-01-01T00:00:00+99:00", "invalid_timestamp"),
    ("at", "0001-01-01T00:00:00+01:00", "invalid_timestamp"),
    ("at", "9999-12-31T23:59:59-01:00", "invalid_timestamp"),
    ("at", "9999-12-31T23:59:59.999999Z", utc(9999, 12, 31, 23, 59, 59, 999999)),
    ("at", "10000-01-01T00:00:00Z", "invalid_timestamp"),
    ("at", "0000-01-01T00:00:00Z", "invalid_timestamp"),
    ("at", "2024-01-01T00:00:00.0000001Z", "invalid_timestamp"),
    ("at", "2024-03-31T02:30:00 Europe/Paris", "invalid_timestamp"),
    ("at", "-infinity", "invalid_timestamp"), ("at", "now", "invalid_timestamp"),
    ("text", "\ufeffx\ufffe\uffff\ue000", Is("\ufeffx\ufffe\uffff\ue000")),
    ("text", "\u202eabc\u2066\u200b\u200d", Is("\u202eabc\u2066\u200b\u200d")),
    ("text", "e\u0301 \u00e9", Is("e\u0301 \u00e9")), ("text", "\U0010ffff", Is("\U0010ffff")),
    ("text", "'; DROP TABLE x; --", Is("'; DROP TABLE x; --")),
    ("text", "{{ 7*7 }} ${x} $(id)", Is("{{ 7*7 }} ${x} $(id)")),
    ("text", "=1+1", Is("=1+1")), ("text", "\u2028\u2029\x85\x0b\x0c\x1e\x1f",
                                   Is("\u2028\u2029\x85\x0b\x0c\x1e\x1f")),
]  # fmt: skip
NUMBERS: list[tuple[str, str, Is | str]] = [
    ("whole", "9223372036854775807", Is(2**63 - 1)),
    ("whole", "-9223372036854775808", Is(-(2**63))),
    ("whole", "9223372036854775808", "lossy_number"),
    ("whole", "-9223372036854775809", "lossy_number"),
    ("whole", "18446744073709551616", "lossy_number"),
    ("whole", "1.5", "lossy_number"), ("whole", "-0", Is(0)), ("whole", "1e400", "lossy_number"),
    ("whole", "9007199254740993", Is(2**53 + 1)),
    ("small", "2147483648", "lossy_number"), ("small", "-2147483648", Is(-(2**31))),
    ("real", "9007199254740992", Is(2.0**53)), ("real", "9007199254740993", "lossy_number"),
    ("real", "9007199254740991", Is(2.0**53 - 1)), ("real", "-0.0", Is(-0.0)),
    ("real", "1e999", "lossy_number"), ("real", "1e-999", "lossy_number"),
    ("real", "5e-324", Is(5e-324)), ("real", "1.7976931348623157e308", Is(1.7976931348623157e308)),
    ("price", "1234567.89", Is(Decimal("1234567.89"))), ("price", "12345678.9", "lossy_number"),
    ("price", "0.001", "lossy_number"), ("price", "-0.00", Is(Decimal("0.00"))),
]  # fmt: skip
JSON_ONLY: list[tuple[str, bytes, Is | str]] = [
    ("text", rb'"\ud800"', "lone_surrogate"), ("text", rb'"\udc00\ud800"', "lone_surrogate"),
    ("text", rb'"\ud83d\ude00"', Is("\U0001f600")), ("text", rb'"a\u0000b"', Is("a\0b")),
    ("text", b'"a\0b"', "malformed_json"), ("text", b'"\xc0\x80"', "invalid_utf8"),
    ("text", b'"\xe0\x80\xaf"', "invalid_utf8"), ("text", b'"\xf4\x90\x80\x80"', "invalid_utf8"),
    ("text", b'"\xed\xa0\x80"', "invalid_utf8"), ("text", b'"\xff\xfe"', "invalid_utf8"),
    ("whole", b"NaN", "malformed_json"), ("real", b"NaN", "malformed_json"),
    ("real", b"Infinity", "malformed_json"), ("real", b"-Infinity", "malformed_json"),
    ("real", b'"NaN"', "type_mismatch"), ("whole", b"0x10", "malformed_json"),
    ("whole", b"01", "malformed_json"), ("whole", b"+1", "malformed_json"),
    ("whole", b"true", "lossy_number"), ("whole", b'"1"', "type_mismatch"),
    ("whole", b"1.0", Is(1)), ("whole", b"1e3", Is(1000)), ("flag", b"1", "type_mismatch"),
    ("flag", b'"true"', "type_mismatch"), ("text", b'"a", "text": "b"', "duplicate_field"),
    ("text", b"[]", "type_mismatch"), ("at", b"1704067200", "type_mismatch"),
]  # fmt: skip
CSV_ONLY: list[tuple[str, bytes, Is | str]] = [
    ("text", b"a\0b", "malformed_csv"), ("text", b"\xc0\x80", "invalid_utf8"),
    ("text", b"\xed\xa0\x80", "invalid_utf8"), ("text", b'a"b', "malformed_csv"),
    ("text", b'"a\r\nb"', Is("a\r\nb")), ("text", b'"a\rb"', Is("a\rb")),
    ("text", b"a\rb", "malformed_csv"), ("text", b'"""; --"', Is('"; --')),
    ("whole", b"NaN", "type_mismatch"), ("whole", b"0x10", "type_mismatch"),
    ("whole", b"1_000", "type_mismatch"), ("whole", "\u0661".encode(), "type_mismatch"),
    ("real", b"nan", "type_mismatch"), ("real", b"-inf", "type_mismatch"),
    ("real", b"Infinity", "type_mismatch"), ("price", b"1,5", "field_count"),
    ("flag", b"maybe", "type_mismatch"),
]  # fmt: skip


def json_records() -> list[tuple[str, bytes, Is | str]]:
    found = [(c, json.dumps(t).encode(), end) for c, t, end in TEXTS]
    found += [(c, t.encode(), end) for c, t, end in NUMBERS]
    return found + JSON_ONLY


def csv_records() -> list[tuple[str, bytes, Is | str]]:
    def quoted(text: str) -> bytes:
        return b'"' + text.replace('"', '""').encode() + b'"'

    found = [(c, quoted(t), end) for c, t, end in TEXTS]
    return found + [(c, t.encode(), end) for c, t, end in NUMBERS] + CSV_ONLY


def parquet_records() -> list[tuple[str, Any, Is | str]]:
    nan, inf = float("nan"), float("inf")
    return [
        ("text", "a\0b", Is("a\0b")), ("text", b"\xff", "invalid_utf8"),
        ("text", b"\xed\xa0\x80", "invalid_utf8"), ("whole", nan, "lossy_number"),
        ("whole", inf, "lossy_number"), ("whole", 2.0**63, "lossy_number"),
        ("whole", -(2.0**63), "lossy_number"), ("whole", 1.5, "lossy_number"),
        ("whole", -0.0, Is(0)), ("real", -0.0, Is(-0.0)), ("real", 5e-324, Is(5e-324)),
        ("price", nan, "lossy_number"), ("price", 1.5, Is(Decimal("1.50"))),
        ("price", 0.125, "lossy_number"), ("price", 1e12, "lossy_number"),
        ("day", -719163, "invalid_date"), ("day", 2932897, "invalid_date"),
        ("day", -719162, Is(dt.date(1, 1, 1))), ("day", 2932896, Is(dt.date(9999, 12, 31))),
        ("at", -62135596800_000_001, "invalid_timestamp"),
        ("at", 253402300800_000_000, "invalid_timestamp"),
        ("at", 253402300799_999_999, utc(9999, 12, 31, 23, 59, 59, 999999)),
        *[(c, t, e) for c, t, e in TEXTS if c == "text"],
    ]  # fmt: skip


def json_lines(records: list[tuple[str, bytes, Is | str]]) -> list[bytes]:
    return [
        b'{"id": %d, "%s": %s}' % (at, c.encode(), text) for at, (c, text, _) in enumerate(records)
    ]


def csv_file(records: list[tuple[str, bytes, Is | str]]) -> bytes:
    lines = [",".join(COLUMNS).encode()]
    for at, (column, text, _) in enumerate(records):
        fields = [b"%d" % at] + [text if c == column else b"" for c in [*COLUMNS][1:]]
        lines.append(b",".join(fields))
    return b"\n".join(lines) + b"\n"


def parquet_file(path: Path, records: list[tuple[str, Any, Is | str]]) -> None:
    def of(name: str, kind: pa.DataType) -> pa.Array:
        found = [v if c == name else None for c, v, _ in records]
        if name == "text":
            found = [v.encode() if isinstance(v, str) else v for v in found]
        return pa.array(found, kind, from_pandas=False)

    kinds = {"text": pa.binary(), "whole": pa.float64(), "small": pa.int32(), "real": pa.float64(),
             "price": pa.float64(), "day": pa.int32(), "at": pa.int64(), "flag": pa.bool_()}  # fmt: skip
    arrays = {name: of(name, kind) for name, kind in kinds.items()}
    arrays["day"] = arrays["day"].cast(pa.date32())
    arrays["at"] = arrays["at"].cast(pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"id": pa.array(range(len(records)), pa.int64()), **arrays}), path)


def test_values_in_every_format(tmp_path: Path) -> None:
    """One run over a file of each format; every record is read back exactly, or has its reason."""
    tables = {f: (s, COLUMNS) for f, s in hostile.SOURCES.items()}
    project = hostile.lay_out(tmp_path / "project", tables)
    records: dict[str, list[tuple[str, Any, Is | str]]] = {
        "jsonl": json_records(), "json": json_records(), "csv": csv_records(),
        "parquet": parquet_records(),
    }  # fmt: skip
    paths = {format: tmp_path / f"hostile.{format}" for format in records}
    paths["jsonl"].write_bytes(b"\n".join(json_lines(records["jsonl"])) + b"\n")
    paths["json"].write_bytes(b"[\n" + b",\n".join(json_lines(records["json"])) + b"\n]")
    paths["csv"].write_bytes(csv_file(records["csv"]))
    parquet_file(paths["parquet"], records["parquet"])

    report = run(project, sources={hostile.dataset(f): [str(p)] for f, p in paths.items()})

    assert not report.problems
    found = hostile.look(project)
    wrong = {}
    for format, told in records.items():
        assert found.batches[f"hostile.{format}"]["read"] == len(told), format
        rows = {r["id"]: r for r in hostile.published(project, format)}
        kept = found.set_aside[format].get(f"hostile.{format}", [])
        codes = {r.position - 1: hostile.codes([r]) for r in kept}
        for at, (column, value, end) in enumerate(told):
            got: Any = rows[at][column] if at in rows else codes.get(at)
            expected: Any = end.value if isinstance(end, Is) else {end}
            if not reading.same(got, expected):
                wrong[(format, column, str(value))] = (got, expected)
    assert not wrong


#: Names that fields may have: ours, SQL's, and those that look alike or like nothing.
NAMES = ["_source", "_position", "_rescued", "_batch_id", "file_row_number", 'a"b', "x'; DROP TABLE y; --",
         "é", "é", "\u202eabc", "a\u200bb", " ", "select", "a.b", "$", "{table}", "x" * 300]  # fmt: skip


@pytest.mark.parametrize("known", [True, False], ids=["columns", "unknown"])
def test_names_of_fields(tmp_path: Path, known: bool) -> None:
    """As fields that a contract asks for by name, and as fields that no contract names."""
    names = [n for n in NAMES if n not in ("a.b", "$")] if known else NAMES
    columns = {"id": "long"} | (
        {f"c{at}<-{n}": "string" for at, n in enumerate(names)} if known else {}
    )
    tables = {f: (s, columns) for f, s in hostile.SOURCES.items()}
    project = hostile.lay_out(tmp_path / "project", tables)
    record = {"id": 7} | {n: f"value of {at}" for at, n in enumerate(names)}
    lines = json.dumps(record, ensure_ascii=False)
    text = io.StringIO()
    csv.writer(text).writerows([list(record), list(record.values())])
    paths = {f: tmp_path / f"names.{f}" for f in hostile.SOURCES}
    paths["jsonl"].write_text(lines + "\n", "utf-8")
    paths["json"].write_text(f"[{lines}]", "utf-8")
    paths["csv"].write_text(text.getvalue(), "utf-8")
    pq.write_table(pa.Table.from_pylist([record]), paths["parquet"])

    report = run(project, sources={hostile.dataset(f): [str(p)] for f, p in paths.items()})

    assert not report.problems
    for format in hostile.SOURCES:
        (row,) = hostile.published(project, format)
        assert (row["id"], row["_source"], row["_position"]) == (7, f"names.{format}", 1)
        if known:
            assert [row[f"c{at}"] for at in range(len(names))] == [record[n] for n in names], format
            assert row["_rescued"] is None
        else:
            assert json.loads(row["_rescued"]) == {n: record[n] for n in names}, format


MARK = b"\xef\xbb\xbf"
FILES: dict[str, tuple[str, bytes, int, list[str]]] = {
    "mark first": ("jsonl", MARK + b'{"id": 1}\n', 1, []),
    "mark inside": ("jsonl", b'{"id": 2}\n' + MARK + b'{"id": 3}\n', 1, ["malformed_json"]),
    "mark twice": ("jsonl", MARK + MARK + b'{"id": 4}\n', 0, ["malformed_json"]),
    "mixed ends": ("jsonl", b'{"id": 5}\r\n{"id": 6}\n{"id": 7}\r\n', 3, []),
    "lone returns": ("jsonl", b'{"id": 8}\r{"id": 9}\r', 0, ["truncated"]),
    "utf-16": ("jsonl", '{"id": 10}\n'.encode("utf-16"), 0, ["invalid_utf8", "truncated"]),
    "nothing": ("jsonl", b"", 0, []),
    "zeros": ("jsonl", bytes(100), 0, ["truncated"]),
    "csv marked": ("csv", MARK + b"id,text\n1,x\n", 1, []),
    "csv mixed ends": ("csv", b"id,text\r\n2,x\n3,y\r\n", 2, []),
    "csv returns": ("csv", b"id,text\r4,x\r5,y\r", 0, ["bad_header"]),
    "csv utf-16": ("csv", "id,text\n6,x\n".encode("utf-16"), 1, []),
    "csv empty name": ("csv", b"id,text,\n7,x,z\n", 1, []),
    "csv no name": ("csv", b",,\n8,x,z\n", 0, ["bad_header"] * 2),
    "csv twice": ("csv", b"id,id\n9,9\n", 0, ["bad_header"] * 2),
    "csv nothing": ("csv", b"", 0, []),
    "json marked": ("json", MARK + b'[{"id": 1}]', 1, []),
    "json utf-16": ("json", '[{"id": 2}]'.encode("utf-16"), 0, ["malformed_json"]),
    "json nothing": ("json", b"", 0, ["truncated"]),
    "json zeros": ("json", bytes(100), 0, ["malformed_json"]),
    "json two": ("json", b'[{"id": 3}][{"id": 4}]', 1, ["malformed_json"]),
}  # fmt: skip


def test_files_of_odd_bytes(tmp_path: Path) -> None:
    tables = {f: (s, {"id": "long", "text": "string"}) for f, s in hostile.SOURCES.items()}
    project = hostile.lay_out(tmp_path / "project", tables)
    sources: dict[str, list[str]] = {}
    for name, (format, data, _, _) in FILES.items():
        path = tmp_path / f"{name}.{format}"
        path.write_bytes(data)
        sources.setdefault(hostile.dataset(format), []).append(str(path))

    report = run(project, sources=sources)

    assert not report.problems
    found = hostile.look(project)
    wrong = {}
    for name, (format, _, count, codes) in FILES.items():
        batch = found.batches[f"{name}.{format}"]
        rows = found.set_aside[format].get(f"{name}.{format}", [])
        got = (batch["published"], [c for r in rows for c in sorted(hostile.codes([r]))])
        if got != (count, codes):
            wrong[name] = got
    assert not wrong


@pytest.mark.parametrize(
    "path", ["../elsewhere", "a/../../b", "a/*/../../../c/*.jsonl", "", "a\0b"]
)
def test_a_declared_source_stays_in_the_project(tmp_path: Path, path: str) -> None:
    source = "{format: jsonl, path: " + json.dumps(path) + "}"
    with pytest.raises(
        ContractError, match=r"headgate\.source\.path .* (leaves the|is no)"
    ) as told:
        hostile.lay_out(tmp_path / "project", {"x": (source, {"id": "long"})}).contracts  # noqa: B018
    assert told.value.place.endswith("#/customProperties/headgate.source/path")


@pytest.mark.parametrize("path", ["a/../b", "./a", "/absolute/on/purpose", "a/**/*.jsonl"])
def test_other_declared_sources_are_taken(tmp_path: Path, path: str) -> None:
    source = "{format: jsonl, path: " + json.dumps(path) + "}"
    project = hostile.lay_out(tmp_path / "project", {"x": (source, {"id": "long"})})
    spec = project.contracts[hostile.dataset("x")].source
    assert spec is not None
    assert spec.path == path


def test_links_that_leave_a_source_are_refused(tmp_path: Path) -> None:
    project = hostile.lay_out(tmp_path / "project", {"x": ("{format: jsonl}", {"id": "long"})})
    (tmp_path / "secret.jsonl").write_text('{"id": 1}\n')
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "innocent.jsonl").symlink_to("../secret.jsonl")
    for given in (landing, f"{landing}/*.jsonl"):
        with pytest.raises(UsageError, match="symbolic link that leaves"):
            run(project, sources={hostile.dataset("x"): [str(given)]})
    assert not hostile.published(project, "x")


@pytest.mark.parametrize(
    "place", ["_staging", "_locks", "_locks/run.lock", "bronze", "bronze/hostile/x/_delta_log"]
)
def test_links_inside_the_lake_are_never_followed_for_writing(tmp_path: Path, place: str) -> None:
    """Neither is anything removed behind them, or written into a file that they lead to."""
    project = hostile.lay_out(tmp_path / "project", {"x": ("{format: jsonl}", {"id": "long"})})
    (tmp_path / "in.jsonl").write_text('{"id": 1}\n')
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("kept")
    link = project.lake.root / place
    link.parent.mkdir(parents=True)
    link.symlink_to(outside / "precious" if place.endswith(".lock") else outside)

    try:
        report = run(project, sources={hostile.dataset("x"): [str(tmp_path / "in.jsonl")]})
        told = " ".join(report.problems)
    except LakeError as error:
        told = str(error)

    assert f"{link}: a symbolic link inside a lake is never followed for writing" in told
    assert [p.name for p in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_text() == "kept"


#: Contracts that no machine should have to bear, and what is said of each.
CONTRACTS: dict[str, tuple[Callable[[], str], str]] = {
    "laughs": (lambda: "a: &a0 [x]\n" + "".join(
        f"b{n}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(20)), "comes to more than"),
    "merged": (lambda: "a: &a0 {x: 1}\n" + "".join(
        f"b{n}: &a{n + 1} {{y: [{', '.join([f'*a{n}'] * 10)}]}}\n" for n in range(20)),
        "comes to more than"),
    "itself": (lambda: "a: &a [*a]\n", "not valid YAML|comes to more than"),
    "flows": (lambda: "a: " + "[" * 1_000_000, "nests deeper than"),
    "maps": (lambda: "{a: " * 200_000, "nests deeper than"),
    "dashes": (lambda: "a:\n" + "- " * 100_000 + "x", "nests deeper than"),
    "marks": (lambda: "? " * 100_000 + "x", "nests deeper than"),
    "steps": (lambda: "".join(" " * n + "a:\n" for n in range(1_900)), "nests deeper than"),
    "huge": (lambda: "a: " + "x" * 3_000_000, "longer than"),
    "many": (lambda: "a: [" + "1, " * 600_000 + "1]", "comes to more than"),
    "tagged": (lambda: "a: !!python/object/apply:os.system ['true']\n", "not valid YAML"),
    "bytes": (lambda: "a: \x00\x01", "not valid YAML"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRACTS)
def test_contracts_that_are_bombs(tmp_path: Path, name: str) -> None:
    make, told = CONTRACTS[name]
    path = tmp_path / "contract.odcs.yaml"
    path.write_text(make())
    started = time.process_time()
    with pytest.raises(ContractError, match=told) as refused:
        load(path)
    assert refused.value.place.startswith(str(path))
    assert time.process_time() - started < 1.0


def test_contracts_that_are_no_plain_files(tmp_path: Path) -> None:
    folder = tmp_path / "data_contracts" / "x"
    folder.mkdir(parents=True)
    path = folder / "contract.odcs.yaml"
    os.mkfifo(path)
    with pytest.raises(ContractError, match="no plain file"):
        load_all(tmp_path / "data_contracts")
    path.unlink()
    (tmp_path / "secret.yaml").write_text("password: hunter2\n")
    path.symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(ContractError, match="symbolic link that leaves") as told:
        load_all(tmp_path / "data_contracts")
    assert "hunter2" not in str(told.value)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(ContractError, match="symbolic link that leaves"):
        load_all(tmp_path / "data_contracts")
