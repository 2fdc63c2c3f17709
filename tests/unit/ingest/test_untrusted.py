"""Guards before the readers: plain files only, packed streams within bounds, footers before use."""

from __future__ import annotations

import gzip
import io
import os
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headgate.core.errors import UsageError
from headgate.ingest import parquetfooter
from headgate.ingest.blocks import Blocks
from headgate.ingest.discover import discover, was_taken
from headgate.ingest.plainfile import open_plain
from headgate.ingest.readers.base import SourceFile, Unsafe
from tests.unit.ingest import reading


def unpacked(path: Path, data: bytes, *, ratio: int = 200) -> Blocks:
    path.write_bytes(data)
    blocks = Blocks(SourceFile(path, path.name, len(data), "gzip"), ratio)
    path.with_suffix(".out").write_bytes(b"".join(blocks.stream()))
    blocks.close()
    return blocks


@pytest.mark.parametrize("seed", range(4))
def test_members_of_all_sizes_are_unpacked_whole(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    parts = [chance.randbytes(chance.choice([0, 1, 40, 900, 5_000, 200_000])) for _ in range(200)]
    padding = [bytes(chance.choice([0, 0, 1, 9, 100_000])) for _ in parts]
    stored = b"".join(gzip.compress(p) + z for p, z in zip(parts, padding, strict=True))
    blocks = unpacked(tmp_path / "x.gz", stored)
    assert blocks.damage is None
    assert (tmp_path / "x.out").read_bytes() == b"".join(parts)


def test_as_many_members_as_lines_are_unpacked(tmp_path: Path) -> None:
    stored = gzip.compress(b"a line that is worth a member of its own\n") * 12_000
    assert unpacked(tmp_path / "x.gz", stored).damage is None
    assert (tmp_path / "x.out").read_bytes().count(b"\n") == 12_000
    with pytest.raises(Unsafe, match="10,001 gzip members hold 10,000 bytes"):
        unpacked(tmp_path / "y.gz", gzip.compress(b"x") * 12_000)


def test_what_repeats_itself_as_logs_do_is_unpacked(tmp_path: Path) -> None:
    """A gigabyte of it would be no other: the bound is one of each part and its size."""
    lines = b"".join(
        b"2024-05-01T12:%02d:%02dZ INFO heartbeat from node-%d: all is well, queue empty\n"
        % (n // 60 % 60, n % 60, n % 3)
        for n in range(500_000)
    )
    stored = gzip.compress(lines, 9)
    assert len(lines) > 16 << 20
    assert len(lines) > 20 * len(stored)
    assert unpacked(tmp_path / "x.gz", stored).damage is None
    with pytest.raises(Unsafe, match="more than 10 times as much"):
        unpacked(tmp_path / "x.gz", stored, ratio=10)


def test_special_files_are_named_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "zero.jsonl").symlink_to("/dev/zero")
    for name, kind in (("pipe.jsonl", "a pipe"), ("zero.jsonl", "a device")):
        (source,) = discover([tmp_path / name])
        assert not was_taken(source, {"a hash": ("a file", source.size)})
        with pytest.raises(UsageError, match=f"{name} is {kind}, and rows are taken from plain"):
            open_plain(source.path, source.name)
    with pytest.raises(UsageError, match="is a folder"):
        open_plain(tmp_path)


def footer_of(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def test_ordinary_footers_pass(tmp_path: Path) -> None:
    nested = pa.table({
        "id": [1], "list": [[["a"]]], "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        "struct": [{"a": {"b": 1.5}}], "at": pa.array([1], pa.timestamp("us", "UTC")),
        "price": pa.array([1], pa.decimal128(9, 2)),
    })  # fmt: skip
    path = tmp_path / "x.parquet"
    path.write_bytes(footer_of(nested))
    parquetfooter.check(path, max_fields=9, max_nesting=6)
    with pytest.raises(Unsafe, match="has 7 columns, at most 6") as wide:
        parquetfooter.check(path, max_fields=6, max_nesting=6)
    assert wide.value.reason.code == "too_many_fields"
    with pytest.raises(Unsafe, match="nests deeper than 3") as deep:
        parquetfooter.check(path, max_fields=9, max_nesting=3)
    assert deep.value.reason.code == "nesting_too_deep"


@pytest.mark.parametrize("seed", range(3))
def test_damaged_footers_are_left_to_who_tells_of_them(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    whole = footer_of(pa.table({"id": [1, 2], "text": ["a", "b"], "list": [[1], [2]]}))
    path = tmp_path / "x.parquet"
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
        code = ""
        try:
            parquetfooter.check(path, max_fields=9, max_nesting=6)
        except Unsafe as refused:
            code = refused.reason.code
        assert code in ("", "too_many_fields", "nesting_too_deep", "encrypted")


def test_long_texts_nest_as_short_ones_do() -> None:
    """What is looked at as a whole gives the reason that looking at each bracket gives."""
    space = " " * (1 << 20)
    for inner in ('"[[[[[["', "[[[[[]]]]]", '{"a":{"b":{"c":{"d":1}}}}', '"\\"[", [[1]]'):
        for depth in range(1, 8):
            records = reading.with_settings(max_nesting=depth)
            of = reading.contract({"x": "json"})
            codes = [
                [r.code for r in row.reasons]
                for blank in ("", space)
                for row in reading.oracle(
                    f'{{"x": {blank}[{inner}]}}\n'.encode(), of, records
                ).values()
            ]
            assert codes[0] == codes[1], (inner, depth)
