"""Delimited records to columns of text, many at a time; and one record to its fields, exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from headgate.ingest.delimited.cutting import Ends, Records
from headgate.ingest.delimited.dialect import Dialect

if TYPE_CHECKING:
    import pyarrow as pa

Mask = npt.NDArray[np.bool_]
_LF, _CR = 10, 13


class Malformed(Exception):
    """Why a text is no record: what stands where it may not."""


class Endless(Malformed):
    """A text has more fields than are told apart."""


class Field(NamedTuple):
    """One field's text without its quotes, and whether it had any."""

    text: str
    quoted: bool


class Splitter:
    """Splits records of one dialect into fields.

    A record that :meth:`columns` takes has the very fields that :meth:`fields` gives; it leaves
    out what is not plain enough, and then :meth:`fields` decides.
    """

    def __init__(self, dialect: Dialect, max_record_bytes: int, max_fields: int = 10_000) -> None:
        self._dialect = dialect
        self._max_fields = max_fields
        self._max = max_record_bytes
        self._delimiter, self._quote, self._escape = (
            ord(s) if s else -1 for s in (dialect.delimiter, dialect.quote, dialect.escape)
        )
        q, e = re.escape(dialect.quote), re.escape(dialect.escape)
        within = rf"(?:[^{q}{e}]|{e}.)*+" if e else rf"(?:[^{q}]|{q}{q})*+"
        self._quoted = re.compile(f"{q}({within}){q}" if q else "", re.DOTALL)
        self._plain = re.compile(
            (rf"(?:[^{re.escape(dialect.delimiter)}{e}]|{e}.)*+" if e else
             rf"[^{re.escape(dialect.delimiter)}]*+"), re.DOTALL,
        )  # fmt: skip
        self._escaped = re.compile(f"{e}(.)", re.DOTALL)

    def fields(self, text: str) -> list[Field]:
        """The fields of one record, without its line end.

        Raises:
            Malformed: the record is not written as the dialect says, or is Endless.
        """
        d = self._dialect
        nul = text.find("\0")
        if nul >= 0:
            raise Malformed(f"character U+0000 at {nul}")
        if not (d.quote and d.quote in text) and not (d.escape and d.escape in text):
            if "\r" in text:
                raise Malformed(f"a carriage return outside of quotes at {text.index(chr(13))}")
            if text.count(d.delimiter) >= self._max_fields:
                raise self._endless()
            return [Field(part, False) for part in text.split(d.delimiter)]
        found: list[Field] = []
        at = 0
        while True:
            field, at = self._next(text, at)
            found.append(field)
            if at == len(text):
                return found
            at += 1
            if len(found) >= self._max_fields:
                raise self._endless()

    def _endless(self) -> Endless:
        return Endless(f"more than {self._max_fields:,} fields; see the setting max_fields")

    def _next(self, text: str, at: int) -> tuple[Field, int]:
        """The field that starts at ``at``, and where the delimiter behind it stands."""
        d = self._dialect
        if d.quote and text.startswith(d.quote, at):
            match = self._quoted.match(text, at)
            if match is None:
                raise Malformed(f"the quote at {at} is not closed in its record")
            end, value = match.end(), match[1]
            if end < len(text) and text[end] != d.delimiter:
                raise Malformed(f"{text[end]!r} behind a closing quote at {end}")
            if d.escape:
                return Field(self._escaped.sub(r"\1", value), True), end
            return Field(value.replace(d.quote * 2, d.quote), True), end
        match = self._plain.match(text, at)
        assert match is not None
        end, value = match.end(), match[0]
        if end < len(text) and text[end] != d.delimiter:
            raise Malformed(f"nothing to take behind {d.escape!r} at {end}")
        bare = self._escaped.sub("", value) if d.escape else value
        barred = "" if d.bare_quotes else d.quote
        for sign, name in ((barred, "a quote inside an unquoted field"),
                           ("\r", "a carriage return outside of quotes")):  # fmt: skip
            if sign and sign in bare:
                raise Malformed(f"{name} at {at + value.index(sign)}")
        if value in d.nulls:  # a text such as \N, which no escape is meant in
            return Field(value, False), end
        return Field(self._escaped.sub(r"\1", value) if d.escape else value, False), end

    def columns(
        self, records: Records, width: int, wanted: Mapping[int, bool]
    ) -> tuple[list[pa.Array], Ends] | None:
        """Those of the records that are plain and have ``width`` fields: the ``wanted`` fields as
        columns of text, in which what means NULL is null, and the positions; None for no record.

        ``wanted`` says of each field whether it is of text, so that a quoted text is one.
        """
        import pyarrow as pa

        if records.size:
            return None
        view = np.frombuffer(records.data, np.uint8)
        ends = records.ends
        bad = self._not_plain(records, view)
        keep, quoted_at = np.ones(len(view), bool), ends[:0]
        separators = np.flatnonzero(view == self._delimiter)
        quotes = np.flatnonzero(view == self._quote) if self._quote >= 0 else separators[:0]
        if len(quotes):
            separators, quoted_at = self._quotes(view, ends, separators, quotes, bad, keep)
        counts = np.diff(np.searchsorted(separators, ends), prepend=0)
        bad |= counts != width - 1
        if records.ended is False:
            bad[-1] = True
        good = np.flatnonzero(~bad)
        if not len(good):
            return None
        # Every field ends at a sign that belongs to no field.
        marks = np.zeros(len(view), bool)
        marks[separators] = True
        marks[ends - 1] = True
        keep[marks] = False
        carriage = ends[(ends > 1) & (view[ends - 1] == _LF)] - 2
        carriage = carriage[view[carriage] == _CR]
        keep[carriage] = False
        at = np.flatnonzero(marks)
        offsets = np.zeros(len(at) + 1, np.int32)
        if len(quotes):
            kept: bytes | npt.NDArray[np.uint8] = view[keep]
            offsets[1:] = at - np.searchsorted(np.flatnonzero(~keep), at)
        else:  # only the signs that end fields are gone, and carriage returns of line ends
            returns = np.zeros(len(at), np.int32)
            last = np.cumsum(counts + 1) - 1  # of each record
            returns[last[np.searchsorted(ends, carriage, "right")]] = 1
            offsets[1:] = at - np.arange(len(at)) - np.cumsum(returns)
            kept = self._without(records, view, keep, len(carriage))
        quoted = np.zeros(len(at), bool)
        quoted[np.searchsorted(at, quoted_at)] = True
        text, other = self._texts(kept, offsets, quoted)
        first = np.concatenate(([0], np.cumsum(counts + 1)[:-1]))[good]
        found = [(text if of else other).take(pa.array(first + i)) for i, of in wanted.items()]
        return found, good + records.first

    def _without(
        self, records: Records, view: npt.NDArray[np.uint8], keep: Mask, returns: int
    ) -> bytes | npt.NDArray[np.uint8]:
        """What is kept of a chunk; the quickest way needs one where all such signs are to go."""
        data = records.data
        if data.count(b"\n") == records.count and data.count(b"\r") == returns and records.ended:
            return data.translate(None, bytes([self._delimiter, _LF, _CR]))
        return view[keep]

    def _not_plain(self, records: Records, view: npt.NDArray[np.uint8]) -> Mask:
        """Which records hold something that needs a closer look."""
        data, ends = records.data, records.ends
        bad = np.diff(ends, prepend=0) - 1 > self._max
        if b"\0" in data:
            bad[np.searchsorted(ends, np.flatnonzero(view == 0), "right")] = True
        if self._escape >= 0:
            at = np.flatnonzero(view == self._escape)
            bad[np.searchsorted(ends, at, "right")] = True
        if b"\r" in data:
            carriage = np.flatnonzero(view[:-1] == _CR)
            alone = carriage[view[carriage + 1] != _LF]
            bad[np.searchsorted(ends, alone, "right")] = True
        if not data.isascii():
            try:
                data.decode()
            except UnicodeDecodeError:
                for index, (start, end) in enumerate(zip(records.starts, ends, strict=True)):
                    try:
                        data[start:end].decode()
                    except UnicodeDecodeError:
                        bad[index] = True
        return bad

    def _quotes(
        self,
        view: npt.NDArray[np.uint8],
        ends: Ends,
        separators: Ends,
        quotes: Ends,
        bad: Mask,
        keep: Mask,
    ) -> tuple[Ends, Ends]:
        """The delimiters outside of quotes, and where quoted fields begin; marks in ``bad`` the
        records with misplaced quotes, and takes the quotes that are no text out of ``keep``."""
        record = np.searchsorted(ends, quotes, "right")
        before = np.searchsorted(quotes, np.concatenate(([0], ends[:-1])))  # quotes ahead of each
        closing = (np.arange(len(quotes)) - before[record]) % 2 == 1
        odd = np.bincount(record, minlength=len(ends)) % 2 == 1
        starts = np.concatenate(([0], ends[:-1]))[record]
        near = np.append(view, _LF)
        next_to = np.append(np.diff(quotes) == 1, False)  # the next quote follows at once
        doubled = closing & next_to & ~np.append(closing[1:], True)
        second = np.append(False, doubled[:-1])
        behind = near[quotes + 1]
        ends_field = (behind == self._delimiter) | (behind == _LF) | (behind == _CR)
        starts_field = (quotes == starts) | (near[quotes - 1] == self._delimiter)
        if self._escape >= 0:
            doubled = second = np.zeros(len(quotes), bool)
        wrong = (closing & ~doubled & ~ends_field) | (~closing & ~second & ~starts_field)
        bad[record[wrong]] = True
        bad |= odd
        keep[quotes[~doubled]] = False
        inside = (np.searchsorted(quotes, separators) - before[
            np.searchsorted(ends, separators, "right")]) % 2 == 1  # fmt: skip
        return separators[~inside], quotes[~closing & ~second]

    def _texts(
        self, kept: bytes | npt.NDArray[np.uint8], offsets: Any, quoted: Mask
    ) -> tuple[pa.Array, pa.Array]:
        """All fields, one after the other, null where they mean NULL: as texts, and as others."""
        import pyarrow as pa
        import pyarrow.compute as pc

        d = self._dialect
        buffers = [pa.py_buffer(offsets), pa.py_buffer(kept)]
        every = pa.Array.from_buffers(pa.string(), len(quoted), [None, *buffers])
        if d.nulls == ("",):
            null = np.diff(offsets) == 0
        elif d.nulls:
            null = pc.is_in(every, pa.array(d.nulls, pa.string())).to_numpy(zero_copy_only=False)
        else:
            return every, every

        def without(null: Mask) -> pa.Array:
            valid = pa.py_buffer(np.packbits(~null, bitorder="little"))
            return pa.Array.from_buffers(pa.string(), len(quoted), [valid, *buffers])

        other = without(null)
        if d.quoted_nulls or not (null & quoted).any():
            return other, other
        return without(null & ~quoted), other
