"""A stream of bytes in any encoding to UTF-8, byte order marks followed, bad bytes kept visible."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from itertools import chain

from headgate.ingest.delimited.dialect import codec

#: Byte order marks and the encodings that they mean; the longer ones first.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LONGEST = 4


def _mark(error: UnicodeError) -> tuple[str, int]:
    # U+DCFF becomes byte 0xFF, which no UTF-8 text holds.
    assert isinstance(error, UnicodeDecodeError)
    return "\udcff" * (error.end - error.start), error.end


codecs.register_error("headgate.mark", _mark)


class Utf8:
    """One stream in UTF-8, without byte order mark.

    Bytes that the encoding does not have become as many bytes 0xFF, so that the records they
    stand in are no UTF-8. ``start`` is how many bytes of a mark were left out, ``notes`` tells of
    a mark, ``encoding`` is what was read; they hold once the stream has begun.
    """

    def __init__(self, blocks: Iterator[bytes], encoding: str) -> None:
        self._blocks = blocks
        self.encoding = codec(encoding)
        self.start = 0
        self.notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[bytes]:
        head = b""
        for block in self._blocks:
            head += block
            if len(head) >= _LONGEST:
                break
        for mark, encoding in _MARKS:
            if head.startswith(mark):
                note = "a byte order mark at the beginning was skipped"
                if encoding[:6] != self.encoding[:6]:
                    note = f"the byte order mark says {encoding}, not {self.encoding}: read so"
                    self.encoding = encoding
                self.notes, self.start = (note,), len(mark)
                if self.encoding not in ("utf-16", "utf-32"):  # those take their mark themselves
                    head = head[self.start :]
                break
        stream = chain([head] if head else [], self._blocks)
        if self.encoding == "utf-8":
            yield from stream
            return
        decoder = codecs.getincrementaldecoder(self.encoding)("headgate.mark")
        for block in stream:
            yield decoder.decode(block).encode("utf-8", "surrogateescape")
        yield decoder.decode(b"", True).encode("utf-8", "surrogateescape")
