"""A Parquet file's footer, looked at before any library does: libraries believe what it claims."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.ingest.plainfile import open_plain
from headgate.ingest.readers.base import Reason, Unsafe

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData

#: Elements of a schema for each column that it may have: a list of texts takes three.
_ELEMENTS = 4
#: Structs in a footer's struct that are passed over.
_DEEPEST = 16
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_VARINTS = (4, 5, 6)


class _Odd(Exception):
    """This is no footer as the format has them; whoever reads the file says what is wrong."""


class _Thrift:
    """A cursor in bytes of Thrift's compact protocol."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def varint(self) -> int:
        """An unsigned number."""
        found = shift = 0
        while True:
            byte = self.byte()
            found |= (byte & 127) << shift
            if byte < 128:
                return found
            shift += 7
            if shift > 63:
                raise _Odd

    def number(self) -> int:
        """A signed number."""
        found = self.varint()
        return found >> 1 ^ -(found & 1)

    def byte(self) -> int:
        """One byte."""
        if self._at >= len(self._data):
            raise _Odd
        self._at += 1
        return self._data[self._at - 1]

    def field(self, last: int) -> tuple[int, int]:
        """The next field of a struct, number and type, behind number ``last``; type 0 at its end."""
        head = self.byte()
        kind, step = head & 15, head >> 4
        return (0, 0) if not kind else (last + step if step else self.number(), kind)

    def items(self) -> tuple[int, int]:
        """How many items of which type a list has."""
        head = self.byte()
        size = head >> 4
        return (self.varint() if size == 15 else size), head & 15

    def skip(self, kind: int, depth: int = 0) -> None:
        """Pass over a value."""
        if depth > _DEEPEST:
            raise _Odd
        if kind in _VARINTS:
            self.varint()
        elif kind in (_BYTE, _DOUBLE):
            self._at += 1 if kind == _BYTE else 8
        elif kind == _BINARY:
            length = self.varint()
            self._at += length
        elif kind in (_LIST, _SET):
            size, inner = self.items()
            for _ in range(size):
                if inner in (_TRUE, _FALSE):
                    self.byte()
                else:
                    self.skip(inner, depth + 1)
        elif kind == _STRUCT:
            last = 0
            while (found := self.field(last))[1]:
                last = found[0]
                self.skip(found[1], depth + 1)
        elif kind not in (_TRUE, _FALSE):
            raise _Odd


def check(path: Path, *, max_fields: int, max_nesting: int) -> None:
    """Demand that the schema in the footer is one that can be read without harm.

    A file without a footer passes: whoever reads it tells what is wrong.

    Raises:
        Unsafe: it has too many columns, nests too deep, or is encrypted.
        OSError: the file cannot be read.
    """
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        tail = os.pread(file.fileno(), 8, max(0, size - 8))
        if tail[4:] == b"PARE":
            raise Unsafe(Reason("encrypted", None, "the file's footer is encrypted"))
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != b"PAR1" or length > size - 8:
            return
        # The schema comes first: what it takes per column is some dozens of bytes.
        most = min(length, 1 << 20 | 1024 * _ELEMENTS * max_fields)
        footer = os.pread(file.fileno(), most, size - 8 - length)
    try:
        _check_schema(_Thrift(footer), max_fields, max_nesting)
    except _Odd:
        return


def texts(path: Path, footer: FileMetaData, columns: Sequence[int], most: int) -> int:
    """About how many bytes those columns of texts hold that repeat a dictionary's, as far as that
    may be more than ``most``: each value may be an entry of any length.

    Raises:
        OSError: the file cannot be read.
    """
    found = 0
    with open_plain(path) as file:
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            for column in columns:
                chunk = group.column(column)
                if chunk.num_values * chunk.total_uncompressed_size * footer.num_row_groups < most:
                    continue
                at = chunk.dictionary_page_offset
                if at is None or not 0 < at < 1 << 62:
                    continue
                try:
                    entries, size = _dictionary(_Thrift(os.pread(file.fileno(), 256, at)))
                except _Odd:
                    continue
                found += chunk.num_values * (size // max(entries, 1))
    return found


def _dictionary(at: _Thrift) -> tuple[int, int]:
    """How many entries the dictionary has whose page begins there, and their bytes in all."""
    last = size = entries = 0
    while (found := at.field(last))[1]:
        last, kind = found
        if last == 2 and kind in _VARINTS:
            size = at.number()
        elif last == 7 and kind == _STRUCT:
            inner = at.field(0)
            entries = at.number() if inner[0] == 1 and inner[1] in _VARINTS else 0
            return entries, max(size, 0)
        else:
            at.skip(kind)
    return 0, 0


def _check_schema(at: _Thrift, max_fields: int, max_nesting: int) -> None:
    last = 0
    while (found := at.field(last))[1]:
        last, kind = found
        if last == 2 and kind == _LIST:
            break
        at.skip(kind)
    else:
        return
    size, _ = at.items()
    if size > _ELEMENTS * max_fields:
        raise Unsafe(_too_wide(size, max_fields))
    waiting = [1]  # children that are still to come, of each group that is open
    leaves = 0
    for _ in range(size):
        children = _children(at)
        while waiting and not waiting[-1]:
            waiting.pop()
        if not waiting:
            return  # more elements than the groups have room for
        waiting[-1] -= 1
        if children:
            waiting.append(children)
            if len(waiting) > max_nesting:
                told = f"the schema nests deeper than {max_nesting}"
                raise Unsafe(Reason("nesting_too_deep", None, told))
        else:
            leaves += 1
    if leaves > max_fields:
        raise Unsafe(_too_wide(leaves, max_fields))


def _children(at: _Thrift) -> int:
    """How many children the next element of the schema has."""
    last = children = 0
    while (found := at.field(last))[1]:
        last, kind = found
        if last == 5 and kind in _VARINTS:
            children = at.number()
        else:
            at.skip(kind)
    return max(children, 0)


def _too_wide(columns: int, most: int) -> Reason:
    told = f"the schema has {columns:,} columns, at most {most:,} are read"
    return Reason("too_many_fields", None, f"{told}; see the setting max_fields")
