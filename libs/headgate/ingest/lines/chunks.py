"""Cutting a stream of bytes into chunks of whole lines, with the number of each line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from headgate.ingest.exact import RAW_KEPT

MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Chunk:
    """Whole lines, the first of which is number ``first`` (from 1).

    ``offset`` is where they start in the stream. ``size`` is not 0 for the one line of a chunk
    that is too long to keep: its length, ``data`` being its beginning. ``ended`` is False if the
    last line has no line end.
    """

    first: int
    offset: int
    data: bytes
    size: int = 0
    ended: bool = True

    @cached_property
    def ends(self) -> npt.NDArray[np.int64]:
        """Where each line ends in ``data``, its line feed included."""
        if self.size:
            return np.array([len(self.data)])
        ends = np.flatnonzero(np.frombuffer(self.data, np.uint8) == 10) + 1
        return ends if self.ended else np.append(ends, len(self.data))

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self.ends)

    def line(self, number: int) -> bytes:
        """Line ``number`` (as counted in the file), without its line feed."""
        index = number - self.first
        start = int(self.ends[index - 1]) if index else 0
        return self.data[start : int(self.ends[index])].removesuffix(b"\n")

    def pick(self, numbers: npt.NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
        """Those of the lines (ascending) with their numbers, without line feeds."""
        index = numbers - self.first
        ends = self.ends
        starts = np.concatenate(([0], ends[:-1]))[index].tolist()
        data = self.data
        for number, start, end in zip(numbers.tolist(), starts, ends[index].tolist(), strict=True):
            yield number, data[start:end].removesuffix(b"\n")

    def batch(self, schema: Any, max_record_bytes: int) -> Any:
        """The lines (line feeds included) and their numbers as an Arrow record batch.

        A line that is no UTF-8, too long or without end is null, so that it proves nothing. The
        text is not copied.
        """
        import pyarrow as pa

        ends = self.ends
        offsets = np.empty(len(ends) + 1, np.int32)
        offsets[0] = 0
        offsets[1:] = ends
        buffer = pa.py_buffer(self.data)
        numbers = pa.array(np.arange(self.first, self.first + len(ends)))
        lines = pa.Array.from_buffers(pa.string(), len(ends), [None, pa.py_buffer(offsets), buffer])
        bad = np.diff(offsets) - 1 > max_record_bytes
        if self.size or not self.ended:
            bad[-1] = True
        if not self.data.isascii():
            bad |= self._undecodable(lines)
        if bad.any():
            valid = pa.py_buffer(np.packbits(~bad, bitorder="little"))
            lines = pa.Array.from_buffers(
                pa.string(), len(ends), [valid, pa.py_buffer(offsets), buffer]
            )
        return pa.record_batch([lines, numbers], schema=schema)

    def _undecodable(self, lines: Any) -> npt.NDArray[np.bool_]:
        import pyarrow as pa

        bad = np.zeros(len(self.ends), dtype=bool)
        try:
            lines.validate(full=True)
        except pa.ArrowInvalid:
            for index in range(len(bad)):
                try:
                    self.line(self.first + index).decode("utf-8")
                except UnicodeDecodeError:
                    bad[index] = True
        return bad


def cut(blocks: Iterable[bytes], max_record_bytes: int) -> Iterator[Chunk]:
    """The stream's lines in chunks of about a block; a final line feed starts no further line.

    Memory is bounded by a block and ``max_record_bytes``: a line that is much longer comes alone,
    as its beginning and its size.
    """
    number, offset, size = 1, 0, 0
    held: list[bytes] = []  # the pieces of a line whose end has not come
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if not end:
            size += len(block)
            held.append(block)
            if size > max_record_bytes:
                held = [b"".join(held)[:RAW_KEPT]]
            continue
        if size > max_record_bytes:
            first_end = block.find(b"\n") + 1
            size += first_end - 1
            yield Chunk(number, offset, b"".join([*held, block[: first_end - 1]])[:RAW_KEPT], size)
            number, offset, held, size = number + 1, offset + size + 1, [], 0
            block, end = block[first_end:], end - first_end
            if not end:
                held, size = [block], len(block)
                continue
        # One copy: a line that two blocks share must lie in one piece.
        chunk = Chunk(number, offset, b"".join([*held, memoryview(block)[:end]]))
        yield chunk
        number, offset = number + chunk.lines, offset + len(chunk.data)
        held, size = [block[end:]], len(block) - end
    if size > max_record_bytes:
        yield Chunk(number, offset, b"".join(held)[:RAW_KEPT], size, ended=False)
    elif size:
        yield Chunk(number, offset, b"".join(held), ended=False)
