"""Files that are made to exhaust whoever reads them: small where they lie, or quick to make."""

from __future__ import annotations

import gzip
import os
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.reliability import parquet_bombs

MIB = 1 << 20


@dataclass(frozen=True)
class Bomb:
    """One bomb: the dataset (by its format) that it is delivered to, the file's name, what writes
    it (``whole`` in full size, else smaller), and how its delivery must end: the codes that its
    rows in quarantine may have (none: it is refused with a sentence that holds ``told``, or else
    taken). ``given``: it is a link, and delivered by its own path."""

    name: str
    format: str
    file: str
    make: Callable[[Path, bool], None]
    codes: frozenset[str]
    told: str = ""
    given: bool = False


BOMBS: list[Bomb] = []
Make = Callable[[Path, bool], None]


def bomb(
    format: str, file: str, *codes: str, told: str = "", given: bool = False
) -> Callable[[Make], Make]:
    """Enter a maker of bombs."""

    def enter(make: Make) -> Make:
        name = make.__name__.lstrip("_")
        BOMBS.append(Bomb(name, format, f"{name}.{file}", make, frozenset(codes), told, given))
        return make

    return enter


def packed(path: Path, pieces: Iterator[bytes], level: int = 6) -> None:
    """Gzip ``pieces`` into one member."""
    pack = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    with path.open("wb") as file:
        for piece in pieces:
            file.write(pack.compress(piece))
        file.write(pack.flush())


def repeated(piece: bytes, total: int) -> Iterator[bytes]:
    """``piece`` so often that it is ``total`` bytes."""
    for _ in range(total // len(piece)):
        yield piece


def deflated(path: Path, head: bytes, unit: bytes, total: int) -> None:
    """A gzip file of ``head`` and then ``unit`` again and again, ``total`` bytes, made at once.

    A deflate stream that was flushed fully may be followed by itself: only the checksum has to be
    made for all of it, and it is that of no file here, since nobody gets that far.
    """
    block = unit * (MIB // len(unit))
    pack = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    first = pack.compress(head + block) + pack.flush(zlib.Z_FULL_FLUSH)
    again = pack.compress(block) + pack.flush(zlib.Z_FULL_FLUSH)
    with path.open("wb") as file:
        file.write(b"\x1f\x8b\x08" + bytes(6) + b"\xff" + first)
        for _ in range(total // len(block)):
            file.write(again)
        file.write(b"\x03\x00" + bytes(8))


@bomb("jsonl", "jsonl.gz", "unpacks_too_far")
def _gzip_of_zeros(path: Path, whole: bool) -> None:
    """10 GB of zeros in 10 MB."""
    deflated(path, b"", b"0", 10_000 * MIB if whole else 100 * MIB)


@bomb("jsonl", "jsonl.gz", "unpacks_too_far")
def _gzip_of_one_endless_line(path: Path, whole: bool) -> None:
    """One JSON line that never ends."""
    deflated(path, b'{"id": 1, "text": "', b"x", 10_000 * MIB if whole else 100 * MIB)


@bomb("json", "json.gz", "unpacks_too_far")
def _gzip_of_many_records(path: Path, whole: bool) -> None:
    """A document of hundreds of millions of good records, all alike."""
    deflated(path, b"[", b'{"id": 1, "text": "x"},', 10_000 * MIB if whole else 100 * MIB)


@bomb("jsonl", "jsonl.gz", "malformed_json", "invalid_utf8", "truncated")
def _gzip_of_gzips(path: Path, whole: bool) -> None:
    """Gzip of gzip of gzip: what comes out is no JSON, and is not unpacked further."""
    data = b"0" * ((20 if whole else 2) * MIB)
    for _ in range(3):
        data = gzip.compress(data, 9, mtime=0)
    path.write_bytes(data)


@bomb("jsonl", "jsonl.gz", "unpacks_too_far")
def _gzip_of_empty_members(path: Path, whole: bool) -> None:
    """A million gzip members with nothing in them."""
    path.write_bytes(gzip.compress(b"", mtime=0) * (1_000_000 if whole else 200_000))


@bomb("jsonl", "jsonl.zst", "unpacks_too_far")
def _zstd_of_zeros(path: Path, whole: bool) -> None:
    """128 KiB of zeros in each block of four bytes."""
    # RLE blocks: header 3 bytes (last, type 1, size << 3), then the byte.
    count = (10_000 if whole else 500) * 8
    block = struct.pack("<I", (1 << 1) | (131_072 << 3))[:3] + b"0"
    last = struct.pack("<I", 1 | (1 << 1) | (131_072 << 3))[:3] + b"0"
    path.write_bytes(b"\x28\xb5\x2f\xfd\x00\x58" + block * count + last)


@bomb("jsonl", "jsonl.zst", "corrupt_compression", "unpacks_too_far")
def _zstd_with_a_long_window(path: Path, whole: bool) -> None:
    """A frame that asks for a window of 2 GB."""
    block = struct.pack("<I", (1 << 1) | (131_072 << 3))[:3] + b"0"
    last = struct.pack("<I", 1 | (1 << 1) | (131_072 << 3))[:3] + b"0"
    window = (21 << 3).to_bytes(1, "little")  # 2 ** (10 + 21)
    path.write_bytes(b"\x28\xb5\x2f\xfd\x00" + window + block * 16_000 + last)


def _nested(depth: int) -> bytes:
    return b'{"id": 1, "text": ' + b"[" * depth + b"]" * depth + b"}\n"


def _nested_objects(depth: int) -> bytes:
    return b'{"id": 1, "text": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}\n"


@bomb("jsonl", "jsonl", "nesting_too_deep", "line_too_long", "truncated")
def _nesting_in_lines(path: Path, whole: bool) -> None:
    """Arrays and objects 10,000 and millions deep, closed and not."""
    deep = 10_000_000 if whole else 500_000
    lines = [_nested(10_000), _nested_objects(10_000), b"[" * deep + b"\n",
             _nested(deep // 2), b'{"a":' * (deep // 5) + b"\n", _nested_objects(deep // 10)]  # fmt: skip
    path.write_bytes(b"".join(lines))


@bomb("json", "json", "nesting_too_deep", "line_too_long", "malformed_json", "truncated")
def _nesting_in_a_document(path: Path, whole: bool) -> None:
    """The same in a document."""
    deep = 10_000_000 if whole else 500_000
    lines = [
        _nested(10_000),
        _nested_objects(10_000),
        _nested(deep // 2),
        _nested_objects(deep // 10),
    ]
    path.write_bytes(b"[" + b",".join(lines) + b"," + b"[" * deep)


@bomb("json", "json", "truncated", "no_records")
def _nesting_of_a_whole_document(path: Path, whole: bool) -> None:
    """A document that is nothing but opening braces."""
    path.write_bytes(b'{"a":' * (4_000_000 if whole else 100_000))


@bomb("jsonl", "jsonl", "line_too_long", "truncated")
def _one_long_line(path: Path, whole: bool) -> None:
    """A line of 1 GB, in a sparse file."""
    size = 1024 * MIB if whole else 50 * MIB
    with path.open("wb") as file:
        file.write(b'{"id": 1, "text": "')
        file.truncate(size)


@bomb("json", "json", "line_too_long", "truncated")
def _one_long_record(path: Path, whole: bool) -> None:
    """A document whose one record is 1 GB, in a sparse file."""
    size = 1024 * MIB if whole else 50 * MIB
    with path.open("wb") as file:
        file.write(b'[{"id": 1, "text": "')
        file.truncate(size)


@bomb("jsonl", "jsonl", "line_too_long")
def _one_long_text(path: Path, whole: bool) -> None:
    """A text of 500 MB in a record, in a sparse file, and a good end of it."""
    size = 500 * MIB if whole else 30 * MIB
    with path.open("wb") as file:
        file.write(b'{"id": 1, "text": "')
        file.seek(size)
        file.write(b'"}\n')


@bomb("jsonl", "jsonl", "too_many_fields")
def _many_fields(path: Path, whole: bool) -> None:
    """Records of 100,000 fields each."""
    fields = ", ".join(f'"field {n}": {n}' for n in range(100_000))
    record = f'{{"id": 1, "text": "x", {fields}}}\n'
    path.write_text(record * (10 if whole else 2))


@bomb("json", "json", "too_many_fields")
def _many_fields_in_a_document(path: Path, whole: bool) -> None:
    """The same in a document."""
    fields = ", ".join(f'"field {n}": {n}' for n in range(100_000))
    record = f'{{"id": 1, "text": "x", {fields}}}'
    path.write_text("[" + ",".join([record] * (10 if whole else 2)) + "]")


@bomb("jsonl", "jsonl", "lossy_number", "type_mismatch", "line_too_long")
def _huge_numbers(path: Path, whole: bool) -> None:
    """Numbers of ten million digits, and of exponents beyond measure."""
    digits = "9" * (10_000_000 if whole else 300_000)
    told = ["1e999999999", "1e-999999999", "-1E+99999999999999999999", digits, f"0.{digits}",
            f"1.{digits}e{digits[:9]}", f"1e{digits[:300_000]}"]  # fmt: skip
    path.write_text("".join(f'{{"id": {n}, "text": {n}}}\n' for n in told))


@bomb("jsonl", "jsonl", "type_mismatch", "malformed_json", "line_too_long")
def _escapes_in_escapes(path: Path, whole: bool) -> None:
    """Escapes of escapes of escapes, each round doubling them, and millions of empty values."""
    text = '"x"'
    while len(text) < (8_000_000 if whole else 200_000):
        text = '"' + text.replace("\\", "\\u005c").replace('"', "\\u0022") * 2 + '"'
    few = 5_000_000 if whole else 150_000
    lines = [f'{{"id": {text}}}', f'{{"id": [{"[]," * few}[]]}}', f'{{"id": [{"1.5," * few}1]}}']
    path.write_text("".join(line + "\n" for line in lines))


@bomb("csv", "csv", "too_many_fields")
def _csv_of_many_columns(path: Path, whole: bool) -> None:
    """100,000 columns."""
    header = "id,text," + ",".join(f"column {n}" for n in range(100_000))
    row = "1,x," + "0," * 99_999 + "0"
    path.write_text(header + "\n" + (row + "\n") * (20 if whole else 5))


@bomb("csv", "csv", "malformed_csv", "truncated", "line_too_long")
def _csv_with_an_open_quote(path: Path, whole: bool) -> None:
    """A quote at the beginning that nothing closes in 300 MB, and at each line one that seems to."""
    with path.open("wb") as file:
        file.write(b'id,text\n1,"x\n')
        file.write(b'2,"x""\n' * (5_000 if whole else 2_000))
        file.write(b'3,""x\n' * (5_000 if whole else 2_000))
        size = 300 * MIB if whole else 20 * MIB
        file.seek(size)
        file.write(b"x\n")


@bomb("csv", "csv", "bad_header", "line_too_long")
def _csv_header_of_delimiters(path: Path, whole: bool) -> None:
    """A hundred million delimiters in the first line."""
    path.write_bytes(b"id,text" + b"," * (100_000_000 if whole else 5_000_000) + b"\n1,x\n")


@bomb("csv", "csv", "field_count", "line_too_long")
def _csv_line_of_delimiters(path: Path, whole: bool) -> None:
    """A hundred million delimiters in a line, and as many as just still fit several times."""
    with path.open("wb") as file:
        file.write(b"id,text\n1,x" + b"," * (100_000_000 if whole else 5_000_000) + b"\n")
        for _ in range(4 if whole else 1):
            file.write(b"1,x" + b"," * (16_000_000 if whole else 1_500_000) + b"\n")


@bomb("parquet", "parquet", "unpacks_too_far")
def _parquet_of_equal_rows(path: Path, whole: bool) -> None:
    """Two billion equal rows in a few hundred bytes, many times over."""
    parquet_bombs.repeating(path, (1 << 31) - 1 if whole else 60_000_000, 50 if whole else 1)


@bomb("parquet", "parquet", "unpacks_too_far", "corrupt_file")
def _parquet_of_long_texts(path: Path, whole: bool) -> None:
    """A text of a megabyte, in a dictionary, again and again."""
    parquet_bombs.repeating(path, 1_000_000 if whole else 100_000, 1, b"x" * MIB)


@bomb("parquet", "parquet", "corrupt_file", "unpacks_too_far")
def _parquet_claiming_rows(path: Path, whole: bool) -> None:
    """A footer of a trillion rows without a page."""
    parquet_bombs.claiming(path, 10**12)


@bomb("parquet", "parquet", "nesting_too_deep")
def _parquet_of_deep_groups(path: Path, whole: bool) -> None:
    """A schema of tens of thousands of groups, each in the next."""
    parquet_bombs.deep(path, 30_000 if whole else 10_000)


@bomb("parquet", "parquet", "too_many_fields")
def _parquet_of_many_columns(path: Path, whole: bool) -> None:
    """A schema of a hundred thousand columns."""
    parquet_bombs.wide(path, 100_000 if whole else 20_000)


@bomb("parquet", "parquet", "corrupt_file")
def _parquet_of_lying_pages(path: Path, whole: bool) -> None:
    """Pages of a few bytes that claim to unpack to 2 GB."""
    parquet_bombs.lying(path)


@bomb("parquet", "parquet", "corrupt_file", "too_many_fields")
def _parquet_footer_of_endless_lists(path: Path, whole: bool) -> None:
    """A footer whose first list claims two billion entries."""
    parquet_bombs.endless_list(path)


@bomb("parquet", "parquet", "corrupt_file")
def _parquet_footer_beyond_the_file(path: Path, whole: bool) -> None:
    """A footer that claims four gigabytes of a file of a hundred bytes."""
    parquet_bombs.long_footer(path)


@bomb("parquet", "parquet", "corrupt_file")
def _parquet_that_is_none(path: Path, whole: bool) -> None:
    """Another format under the name of this one."""
    path.write_bytes(b"\x89PNG\r\n" + bytes(1000))


@bomb("parquet", "parquet.gz", "unpacks_too_far")
def _parquet_in_gzip_of_zeros(path: Path, whole: bool) -> None:
    """A gzip bomb where a Parquet file is looked for, which is unpacked onto the disk."""
    deflated(path, b"PAR1", b"\0", 10_000 * MIB if whole else 100 * MIB)


@bomb("jsonl", "jsonl", told="is a pipe")
def _pipe(path: Path, whole: bool) -> None:
    """A pipe that nobody writes to."""
    os.mkfifo(path)


@bomb("csv", "csv", told="is a device", given=True)
def _device(path: Path, whole: bool) -> None:
    """A link to a device that gives zeros for ever."""
    path.symlink_to("/dev/zero")


@bomb("json", "json", told="is a socket")
def _socket(path: Path, whole: bool) -> None:
    """A socket."""
    here = os.getcwd()
    os.chdir(path.parent)  # its address must be short
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    finally:
        os.chdir(here)


@bomb("jsonl", "jsonl")
def _many_names(path: Path, whole: bool) -> None:
    """A million fields that are all called differently, over many records: all taken."""
    with path.open("w") as file:
        for number in range(10_000 if whole else 100):
            fields = ", ".join(f'"n{number}x{n}": 1' for n in range(100))
            file.write(f'{{"id": {1_000 + number}, "text": "x", {fields}}}\n')
