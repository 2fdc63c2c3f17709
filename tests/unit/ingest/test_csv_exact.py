"""CSV: cut as the rule says, and the fast path never laxer than the exact one."""

from __future__ import annotations

import csv
import gzip
import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from headgate.ingest.delimited.cutting import Cutter
from headgate.ingest.delimited.dialect import Dialect
from tests.unit.ingest import reading
from tests.unit.ingest.csvreading import check, contract

SEEDS = range(150)


def test_records_are_cut_alike_in_blocks_of_any_size() -> None:
    """Against a plain reading of the rule: a record is well formed, or it is one line."""
    for seed in SEEDS:
        rng = random.Random(seed)
        escape = rng.choice(["", "", "\\"])
        signs = [b'"', b'"', b",", b"\n", b"a", b"\r", b"\r\n", b",\"", b"\",", b'"\n', b"\\"]  # fmt: skip
        data = b"".join(rng.choices(signs, k=rng.randrange(60)))
        limit = rng.choice([5, 12, 10_000])
        bare = rng.random() < 0.3
        expected = plainly_cut(data, escape.encode(), limit, bare)
        for size in (1, 3, 7, 100):
            blocks = [data[i : i + size] for i in range(0, len(data), size)]
            found: list[tuple[bytes, int]] = []
            offset = 0
            cutter = Cutter(Dialect(escape=escape, bare_quotes=bare), limit)
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


def plainly_cut(data: bytes, escape: bytes, limit: int, bare: bool) -> list[bytes]:
    """The records without line feeds, sign by sign."""
    found, start = [], 0
    while start < len(data):
        end = plain_end(data, start, escape, bare)
        line = data.find(b"\n", start)
        if end is None or end - start > limit:
            end = len(data) if line < 0 else line
        found.append(data[start:end])
        start = end + 1
    return found


def plain_end(data: bytes, at: int, escape: bytes, bare: bool) -> int | None:
    """Where the well-formed record at ``at`` ends, if there is one."""
    state = "start"
    while at < len(data):
        sign = data[at : at + 1]
        if state in ("start", "plain", "quoted") and escape and sign == escape:
            if data[at + 1 :] in (b"", b"\n"):  # nothing to take as it is but the last line end
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
            if state == "plain" and not bare:
                return None
            state = "plain" if state == "plain" else "quoted"
        else:
            state = "plain"
        at += 1
    return None if state == "quoted" else len(data)


@pytest.mark.parametrize("seed", range(8))
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
    "2024-02-29T12:00:00-08:90",
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


@pytest.mark.parametrize("seed", range(10))
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
                    [b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\\", b"\\\n", b"", b"7", b'""']
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
    options = {"escape": "\\"} if seed % 4 == 3 else {}
    found = check(tmp_path / name, contract(TYPED, **options), settings)
    assert len(found.proven) > 20
