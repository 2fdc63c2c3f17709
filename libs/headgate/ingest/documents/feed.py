"""A stream of bytes with a cursor: what the cutting of JSON documents reads from."""

from __future__ import annotations

import re
from collections.abc import Iterable

from headgate.core import json as hjson
from headgate.ingest.documents.structure import Skipper

#: White space between two parts of a document that is read, in bytes.
_SPACES = 1 << 24
_SPACE = re.compile(rb"[ \t\r\n]*")
_WINDOW = 1 << 13


class Long(Exception):
    """A value is longer than what is read."""


class Feed:
    """``data[at:]`` comes next; ``offset`` is where ``data`` begins in the stream."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self.data = b""
        self.at = 0
        self.offset = 0
        self.ended = False
        self._tape: bytearray | None = None
        self._taped = 0

    @property
    def place(self) -> int:
        """Where the cursor stands in the stream."""
        return self.offset + self.at

    def more(self) -> bool:
        """Take in another block; False at the end of the stream."""
        block = next(self._blocks, None)
        if block is None:
            self.ended = True
            return False
        self.data += block
        return True

    def drop(self) -> None:
        """Forget what lies before the cursor."""
        if self.at:
            if self._tape is not None:
                self._tape += self.data[: min(self.at, self._taped - len(self._tape))]
            self.offset += self.at
            self.data, self.at = self.data[self.at :], 0

    def remember(self, most: int) -> None:
        """From the cursor on keep up to ``most`` bytes for :meth:`remembered`."""
        self.drop()
        self._tape, self._taped = bytearray(), most

    def remembered(self) -> bytes:
        """What came since :meth:`remember`, and what comes next, as far as it is kept."""
        if self._tape is None:
            return b""
        while len(self._tape) + len(self.data) < self._taped and self.more():
            pass
        return bytes(self._tape + self.data[: self._taped - len(self._tape)])

    def sign(self) -> bytes:
        """The next byte that is no white space, the cursor set upon it; empty at the end.

        More white space than any program writes counts as the end.
        """
        begin = self.at
        while True:
            found = _SPACE.match(self.data, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.data):
                return self.data[self.at : self.at + 1]
            if self.at - begin > _SPACES or not self.more():
                return b""

    def value_end(self, limit: int) -> int:
        """Where in ``data`` the value at the cursor ends.

        Raises:
            Unfinished: the stream ends inside it.
            Long: it is longer than ``limit`` bytes.
            ValueError: there is no JSON value.
        """
        size = _WINDOW
        skipper, passed = None, 0  # what follows a value that nests too deep to be scanned
        while True:
            while len(self.data) - self.at < size and self.more():
                pass
            text = self.data[self.at : self.at + size].decode("latin-1")
            whole = self.ended and self.at + size >= len(self.data)
            if skipper is None:
                try:
                    end = self._end(text, whole)
                except RecursionError:
                    skipper = Skipper()
            if skipper is not None:
                found = skipper.end(text[passed:].encode("latin-1"))
                if found < 0 and whole:
                    raise hjson.Unfinished("the text ends inside it", certain=True)
                end = passed + found if found >= 0 else None
                passed = len(text)
            if end is not None:
                if end > limit:
                    raise Long
                return self.at + end
            if len(text) > limit + 16:
                raise Long
            size *= 2

    def _end(self, text: str, whole: bool) -> int | None:
        """Where the value that ``text`` begins with ends, None if more must be seen.

        Raises:
            RecursionError: it nests deeper than a scanner goes.
        """
        try:
            end = hjson.end_of(text, 0)
        except hjson.Unfinished as error:
            if whole and not error.certain:
                raise ValueError(str(error)) from None
            if whole:
                raise
            return None
        # A number may go on behind what is seen.
        return end if whole or end < len(text) - 16 else None
