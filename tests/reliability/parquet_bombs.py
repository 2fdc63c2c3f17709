"""Parquet files that no writer would write: their footers and pages are made here by hand."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

#: A field of a Thrift struct: its number, its compact type, its value.
Field = tuple[int, int, object]
I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12


def varint(number: int) -> bytes:
    """An unsigned number, seven bits a byte."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def value(kind: int, found: object) -> bytes:
    """One value of Thrift's compact protocol; a list is its element type and its values."""
    if kind in (I32, I64):
        assert isinstance(found, int)
        return varint(found << 1 if found >= 0 else (-found << 1) - 1)
    if kind == BINARY:
        assert isinstance(found, bytes)
        return varint(len(found)) + found
    if kind == LIST:
        assert isinstance(found, tuple)
        inner, values = found
        size = len(values)
        head = bytes([size << 4 | inner]) if size < 15 else bytes([0xF0 | inner]) + varint(size)
        return head + b"".join(value(inner, v) for v in values)
    assert isinstance(found, list)
    return thrift(found)


def thrift(fields: Sequence[Field]) -> bytes:
    """A struct of Thrift's compact protocol."""
    out, last = b"", 0
    for number, kind, found in fields:
        out += bytes([(number - last) << 4 | kind]) + value(kind, found)
        last = number
    return out + b"\0"


def element(
    name: bytes, *, children: int = 0, kind: int | None = None, text: bool = False
) -> list[Field]:
    """An entry of the schema: a group of so many children, or a required field of a type."""
    fields: list[Field] = [] if kind is None else [(1, I32, kind), (3, I32, 0)]
    if kind is None and name != b"schema":
        fields.append((3, I32, 1))
    fields.append((4, BINARY, name))
    if children:
        fields.append((5, I32, children))
    if text:
        fields.append((6, I32, 0))
    return fields


def page(
    kind: int, data: bytes, values: int, encoding: int, *, unpacked: int | None = None
) -> bytes:
    """A page: 0 of data, 2 of a dictionary; ``unpacked`` is the size that it claims to have."""
    inner: list[Field] = [(1, I32, values), (2, I32, encoding)]
    if kind == 0:
        inner += [(3, I32, 3), (4, I32, 3)]
    size = len(data) if unpacked is None else unpacked
    header: list[Field] = [(1, I32, kind), (2, I32, size), (3, I32, len(data)),
                           (5 if kind == 0 else 7, STRUCT, inner)]  # fmt: skip
    return thrift(header) + data


def column(name: bytes, kind: int, values: int, at: int, size: int, *, dictionary: int | None = None,
           codec: int = 0) -> list[Field]:  # fmt: skip
    """A column chunk that begins at ``at``, its dictionary there and its data behind it."""
    meta: list[Field] = [(1, I32, kind), (2, LIST, (I32, [0, 3, 2])), (3, LIST, (BINARY, [name])),
                         (4, I32, codec), (5, I64, values), (6, I64, size), (7, I64, size),
                         (9, I64, at if dictionary is None else at + dictionary)]  # fmt: skip
    if dictionary is not None:
        meta.append((11, I64, at))
    return [(2, I64, at), (3, STRUCT, meta)]


def written(
    path: Path, pages: bytes, schema: list[list[Field]], groups: list[list[Field]], rows: int
) -> None:
    """A file of pages, and a footer that says what it likes of them."""
    footer = thrift([(1, I32, 1), (2, LIST, (STRUCT, schema)), (3, I64, rows),
                     (4, LIST, (STRUCT, groups)), (6, BINARY, b"a hand")])  # fmt: skip
    path.write_bytes(b"PAR1" + pages + footer + struct.pack("<I", len(footer)) + b"PAR1")


def group(columns: list[list[Field]], rows: int, size: int = 100) -> list[Field]:
    """A row group."""
    return [(1, LIST, (STRUCT, columns)), (2, I64, size), (3, I64, rows)]


SCHEMA = [
    element(b"schema", children=2),
    element(b"id", kind=2),
    element(b"text", kind=6, text=True),
]


def repeating(path: Path, rows: int, groups: int, text: bytes = b"x") -> None:
    """``groups`` times ``rows`` rows, all of them one and the same, in a few bytes."""

    def chunk(stored: bytes) -> tuple[bytes, int]:
        dictionary = page(2, stored, 1, 2)
        # Bit width 1, then one run of so many zeros: the first of the dictionary.
        return dictionary + page(0, b"\x01" + varint(rows << 1) + b"\0", rows, 2), len(dictionary)

    (first, one), (second, two) = (
        chunk(struct.pack("<q", 1)),
        chunk(struct.pack("<I", len(text)) + text),
    )
    columns = [column(b"id", 2, rows, 4, len(first), dictionary=one),
               column(b"text", 6, rows, 4 + len(first), len(second), dictionary=two)]  # fmt: skip
    written(path, first + second, SCHEMA, [group(columns, rows)] * groups, rows * groups)


def claiming(path: Path, rows: int) -> None:
    """A footer that speaks of rows for which there is no page."""
    columns = [column(b"id", 2, rows, 4, 10), column(b"text", 6, rows, 14, 10)]
    written(path, bytes(20), SCHEMA, [group(columns, rows, 1 << 60)], rows)


def deep(path: Path, depth: int) -> None:
    """A schema of groups within groups."""
    schema = [element(b"schema", children=2), element(b"id", kind=2)]
    schema += [element(b"text", children=1)] + [element(b"g", children=1)] * depth
    schema.append(element(b"leaf", kind=2))
    path_in = (BINARY, [b"text", *[b"g"] * depth, b"leaf"])
    leaf = column(b"id", 2, 1, 4, 8)
    meta = [f if f[0] != 3 else (3, LIST, path_in) for f in leaf[1][2]]  # type: ignore[attr-defined]
    columns = [column(b"id", 2, 1, 4, 8), [leaf[0], (3, STRUCT, meta)]]
    written(path, page(0, bytes(8), 1, 0), schema, [group(columns, 1)], 1)


def wide(path: Path, columns: int) -> None:
    """A schema of very many columns."""
    schema = [element(b"schema", children=columns)]
    schema += [element(b"c%d" % n, kind=2) for n in range(columns)]
    chunks = [column(b"c%d" % n, 2, 1, 4, 8) for n in range(columns)]
    written(path, page(0, bytes(8), 1, 0), schema, [group(chunks, 1)], 1)


def lying(path: Path) -> None:
    """Pages that claim to unpack to 2 GB, from a few bytes."""
    most = (1 << 31) - 1
    first = page(0, b"\xff\xff\xff\xff\x07" + b"\x00" * 40, 1000, 0, unpacked=most)
    columns = [column(b"id", 2, 1000, 4, len(first), codec=1),
               column(b"text", 6, 1000, 4, len(first), codec=2)]  # fmt: skip
    written(path, first, SCHEMA, [group(columns, 1000)], 1000)


def endless_list(path: Path) -> None:
    """A footer whose list of columns claims two billion entries."""
    footer = b"\x15\x02\x19\xfc" + varint((1 << 31) - 1) + b"\x00" * 60
    path.write_bytes(b"PAR1" + bytes(20) + footer + struct.pack("<I", len(footer)) + b"PAR1")


def long_footer(path: Path) -> None:
    """A footer that claims to be longer than the file."""
    path.write_bytes(b"PAR1" + bytes(100) + struct.pack("<I", (1 << 32) - 1) + b"PAR1")
