"""Cutting delimited text into records: quoted line feeds belong to a field, a bad record is a line.

A record is well formed, and ends at the first line feed outside of quotes; or it is not (a quote
where none may stand, or none that closes within the longest record), and then it is one line:
what follows is read anew, so that one bad quote swallows no more than its own line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headgate.ingest.delimited.dialect import Dialect
from headgate.ingest.exact import RAW_KEPT

Ends = npt.NDArray[np.int64]
#: Records that are cut one by one behind a bad one before all are looked at together again.
_ONE_BY_ONE = 200
_LF = 10


@dataclass(frozen=True)
class Records:
    """Records in a row, the first of which is number ``first`` (from 1).

    ``offset`` is where they start in the stream; ``ends`` are where each ends in ``data``, line
    end included. ``size`` is not 0 for the one record of a chunk that is too long to keep: its
    length, ``data`` being its beginning. ``ended`` is False if the last one has no line end.
    """

    first: int
    offset: int
    data: bytes
    ends: Ends
    size: int = 0
    ended: bool = True

    @property
    def count(self) -> int:
        """How many records there are."""
        return len(self.ends)

    @property
    def starts(self) -> Ends:
        """Where each record starts in ``data``."""
        return np.concatenate(([0], self.ends[:-1]))

    def pick(self, numbers: Ends) -> Iterator[tuple[int, bytes]]:
        """Those of the records (ascending) with their numbers, without line feeds."""
        index = numbers - self.first
        pairs = zip(self.starts[index].tolist(), self.ends[index].tolist(), strict=True)
        for number, (start, end) in zip(numbers.tolist(), pairs, strict=True):
            yield number, self.data[start:end].removesuffix(b"\n")


class Cutter:
    """Cuts streams of one dialect."""

    def __init__(self, dialect: Dialect, max_record_bytes: int) -> None:
        signs = (dialect.delimiter, dialect.quote, dialect.escape)
        self._delimiter, self._quote, self._escape = (ord(s) if s else -1 for s in signs)
        self._max = max_record_bytes
        d, q, e = (re.escape(s.encode()) for s in signs)
        any_escaped = rb"|%b[\s\S]" % e if e else b""
        barred = (b"", rb"(?!%b)" % q) if dialect.bare_quotes and q else (q, b"")
        plain = rb"%b(?:[^%b%b%b\n]++%b)*+" % (barred[1], d, barred[0], e, any_escaped)
        if q:
            within = rb"(?:[^%b%b]++%b)*+" % (q, e, any_escaped or rb"|%b%b" % (q, q))
            field = rb"(?:%b%b%b|%b)" % (q, within, q, plain)
            open_ended = rb"(?:%b%b%b?|%b)" % (q, within, q, plain)
        else:
            field = open_ended = plain
        half = rb"%b?" % e if e else b""
        self._well = re.compile(rb"%b(?:%b%b)*+\r?\n" % (field, d, field))
        self._last = re.compile(rb"%b(?:%b%b)*+\r?\Z" % (field, d, field))
        self._begun = re.compile(rb"(?:%b%b)*+%b%b\r?\Z" % (field, d, open_ended, half))

    def cut(self, blocks: Iterable[bytes]) -> Iterator[Records]:
        """The stream's records in chunks of about a block; a final line feed starts no record.

        Memory is bounded by two blocks and the longest record: a line that is longer comes alone,
        as its beginning and its size.
        """
        number, offset, rest = 1, 0, b""
        long = 0  # the length so far of a line that is too long to keep
        for block in blocks:
            if long:
                end = block.find(b"\n") + 1
                if not end:
                    long += len(block)
                    continue
                yield self._too_long(number, offset, rest, long + end - 1)
                number, offset, rest, long = number + 1, offset + long + end, b"", 0
                block = block[end:]
            data = rest + block
            ends = self._ends(data, final=False)
            done = int(ends[-1]) if len(ends) else 0
            if done:
                yield Records(number, offset, data[:done], ends)
                number, offset = number + len(ends), offset + done
            rest = data[done:]
            if len(rest) > self._max:  # not one line feed in it: it would have been cut there
                rest, long = rest[:RAW_KEPT], len(rest)
        if long:
            yield self._too_long(number, offset, rest, long, ended=False)
        elif rest:
            ended = rest.endswith(b"\n")
            yield Records(number, offset, rest, self._ends(rest, final=True), ended=ended)

    def first(self, data: bytes, *, final: bool = False) -> int:
        """Where the first record of ``data`` ends; 0 if that cannot be told yet."""
        ends = self._singly(data, 0, final=final)
        return int(ends[0]) if len(ends) else 0

    def again(self, data: bytes) -> Ends:
        """The ends of a chunk that was cut before: nothing but whole records."""
        return self._ends(data, final=True)

    def _too_long(
        self, number: int, offset: int, head: bytes, size: int, *, ended: bool = True
    ) -> Records:
        kept = head[:RAW_KEPT]
        return Records(number, offset, kept, np.array([len(kept)]), size, ended)

    def _ends(self, data: bytes, *, final: bool) -> Ends:
        """Where the records end that can be told; all of ``data`` if it is ``final``."""
        found: list[Ends] = []
        start = 0
        while start < len(data):
            ends, stopped = self._together(data, start)
            if len(ends):
                found.append(ends)
                start = int(ends[-1])
            more = final and start < len(data)
            if not stopped and not more and len(data) - start <= self._max:
                break
            single = self._singly(data, start, final=final)
            if not len(single):
                break
            found.append(single)
            start = int(single[-1])
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def _together(self, data: bytes, start: int) -> tuple[Ends, bool]:
        """The ends of well-formed records from ``start`` on, and whether a bad one stopped it."""
        view = np.frombuffer(data, np.uint8)[start:]
        feeds = np.flatnonzero(view == _LF)
        quotes = np.flatnonzero(view == self._quote) if self._quote >= 0 else feeds[:0]
        stop = len(view)
        if self._escape >= 0:
            at = data.find(self._escape, start)
            stop = at - start if at >= 0 else stop
        if len(quotes):
            feeds = feeds[np.searchsorted(quotes, feeds) % 2 == 0]
            bad = self._misplaced(view, quotes)
            if len(bad):
                stop = min(stop, int(bad[0]))
        if stop < len(view):
            feeds = feeds[feeds < stop]
            # The quote that opened a field may stand before the one that closes it wrongly.
            opened = np.searchsorted(quotes, stop)
            if opened % 2:
                feeds = feeds[feeds < quotes[opened - 1]]
        ends = feeds + 1
        long = np.flatnonzero(np.diff(ends, prepend=0) - 1 > self._max)
        if len(long):
            ends = ends[: long[0]]
        return ends + start, stop < len(view) or bool(len(long))

    def _misplaced(self, view: npt.NDArray[np.uint8], quotes: Ends) -> Ends:
        """Quotes that neither open nor close a field nor are doubled in one."""
        opening, closing = quotes[0::2], quotes[1::2]
        before = view[opening - 1]  # at the very beginning this is the last byte, and is not used
        opens = (before == self._delimiter) | (before == _LF) | (opening == 0)
        after = np.full(len(closing), _LF, np.uint8)
        inside = closing + 1 < len(view)
        after[inside] = view[closing[inside] + 1]
        closes = (after == self._delimiter) | (after == _LF)
        carriage = np.flatnonzero(after == 13)
        if len(carriage):
            at = closing[carriage] + 2
            known = at < len(view)
            closes[carriage] = ~known
            closes[carriage[known]] = view[at[known]] == _LF
        if self._escape < 0:
            doubled = closing[: len(opening[1:])] + 1 == opening[1:]
            closes[: len(doubled)] |= doubled
            opens[1 : 1 + len(doubled)] |= doubled
        return np.sort(np.concatenate((opening[~opens], closing[~closes])))

    def _singly(self, data: bytes, start: int, *, final: bool) -> Ends:
        """The ends of the next records, one by one; fewer if more of the stream is needed."""
        ends: list[int] = []
        unended = final and not data.endswith(b"\n")
        while start < len(data) and len(ends) < _ONE_BY_ONE:
            match = self._well.match(data, start)
            if match and match.end() - start - 1 <= self._max:
                start = match.end()
            elif unended and len(data) - start <= self._max and self._last.match(data, start):
                start = len(data)
            else:
                begun = not final and len(data) - start <= self._max
                if not match and begun and self._begun.match(data, start):
                    break
                end = data.find(b"\n", start) + 1
                if not end and not final:
                    break
                start = end or len(data)
            ends.append(start)
        return np.array(ends, np.int64)
