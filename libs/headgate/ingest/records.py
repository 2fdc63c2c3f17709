"""Cutting the elements of one JSON array out of a stream, without holding or parsing it whole.

In pretty-printed text the white space between two elements shows where one may end, since no line
breaks inside a JSON string. Each cut is checked: a piece that is one whole value, between commas,
has no other reading. What fails is looked at by a strict scanner, so that odd but valid text is
cut rightly; only text that no JSON begins with is damage, and the next element is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from headgate.core import json as hjson
from headgate.ingest import structure
from headgate.ingest.exact import RAW_KEPT
from headgate.ingest.feed import Feed, Long
from headgate.ingest.resume import Resume
from headgate.ingest.structure import Flags, Places

#: Which units are proven, and how many inner records each holds (-1 where that is not known).
Judge = Callable[[bytes, Places, Places], tuple[Flags, Places]]
#: Bytes that are cut at once, about.
CHUNK = 1 << 20
#: Elements that are cut one by one before the fast way is tried again.
_SINGLES = 64
#: Share of pieces left open beyond which they are checked all at once.
_MANY = 0.05


@dataclass(frozen=True)
class Chunk:
    """Units one after the other, the first of which is number ``first`` (from 1).

    Unit i is ``data[starts[i]:ends[i]]``; ``offset`` is where ``data`` stands in the stream.
    ``proven`` and ``inner`` are what the judge said. ``size`` is not 0 for the one unit of a chunk
    that is too long to keep: its length, ``data`` being its beginning. ``ended`` is False if the
    stream ends inside the last unit.
    """

    first: int
    offset: int
    data: bytes
    starts: Places
    ends: Places
    proven: Flags
    inner: Places
    size: int = 0
    ended: bool = True

    @property
    def units(self) -> int:
        """How many units there are."""
        return len(self.starts)


class _Step(NamedTuple):
    """One element: its end, where the next begins, and whether the array or the stream ended."""

    end: int
    after: int
    closed: bool = False
    cut: bool = False


class _Part(NamedTuple):
    """Units that were found together."""

    starts: Places
    ends: Places
    proven: Flags
    inner: Places

    def piece(self, low: int, high: int) -> _Part:
        """Some of them."""
        starts, ends, proven, inner = self
        return _Part(starts[low:high], ends[low:high], proven[low:high], inner[low:high])


class Elements:
    """The elements of the array whose opening bracket the feed's cursor has passed.

    ``limit`` is the longest unit that is kept whole, in bytes; ``tail`` says whether text that
    begins with the array's closing bracket may end the document. When :meth:`chunks` has come to
    its end the cursor stands behind the closing bracket, or ``cut`` says that the stream ended
    before it (``inside`` a unit, which tells of it then). ``fault`` says where something other
    than a comma stands between two units.
    """

    def __init__(
        self, feed: Feed, limit: int, judge: Judge | None, tail: Callable[[bytes], bool]
    ) -> None:
        self._feed, self._limit, self._judge, self._tail = feed, limit, judge, tail
        self._opening = b""
        self._sample = b""
        self._learn(b",")
        self._closed = False
        self.count = 0
        self.cut = False
        self.inside = False
        self.fault = ""

    def chunks(self) -> Iterator[Chunk]:
        """The units, in order."""
        feed = self._feed
        feed.drop()
        self._opening = feed.sign()
        if self._opening == b"]":
            feed.at += 1
            return
        self.cut = not self._opening
        self._learn(b"," + feed.data[: feed.at])
        while not self._closed and not self.cut:
            feed.drop()
            while len(feed.data) < CHUNK and feed.more():
                pass
            chunk = self._chunk()
            self.count += chunk.units
            yield chunk

    def _chunk(self) -> Chunk:
        """Units from the cursor on, which stands on an element and then on the next one."""
        feed = self._feed
        parts, after = self._many() if self._opening in (b"{", b"[") else ([], 0)
        if not parts:
            try:
                part, after = self._few()
            except Long:
                return self._too_long()
            parts = [part]
        starts, ends, proven, inner = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        feed.at = after
        data = feed.data[: int(ends[-1])]
        return Chunk(
            self.count + 1, feed.offset, data, starts, ends, proven, inner,
            ended=not self.inside or self._swallowed,
        )  # fmt: skip

    _swallowed = False  # what is left of the stream is one damaged unit

    def _learn(self, gap: bytes) -> None:
        """Take ``gap`` for what stands between two elements."""
        self._gap = gap
        self._resume = Resume(gap, self._opening)
        closing = {b"{": b"}", b"[": b"]"}.get(self._opening, b"")
        self._separator = re.compile(re.escape(closing + gap + self._opening))

    def _many(self) -> tuple[list[_Part], int]:
        """Units that are found all at once, and where the next one begins; none if that fails."""
        data = self._feed.data
        if data[:1] != self._opening:
            return [], 0
        if b"\n" in self._gap:
            ends = np.array([m.start() + 1 for m in self._separator.finditer(data)], np.int64)
            starts = np.append(0, ends + len(self._gap))[: len(ends)]
        else:
            starts, ends = structure.split(data, self._gap)
        if not len(ends):
            return [], 0
        after = int(ends[-1]) + len(self._gap)
        part = self._judged(data, starts, ends)
        whole = part.proven
        if b"\n" not in self._gap:
            self._sample = self._sample or data[: min(int(ends[0]), RAW_KEPT)]
            whole = np.ones(len(ends), np.bool_)
        elif np.count_nonzero(~whole) > _MANY * len(ends):
            whole = whole | structure.balanced(data, starts, ends)
        if whole.all():
            return [part], after
        parts, after = self._mended(part, whole, after)
        if self._judge and len(parts) > 2 + _MANY * len(ends):
            # The cuts were wrong so often that what was judged is little of what there is.
            starts, ends, *_ = _joined(parts)
            parts = [self._judged(self._feed.data[: int(ends[-1])], starts, ends)]
        return parts, after

    def _judged(self, data: bytes, starts: Places, ends: Places) -> _Part:
        if self._judge is None:
            return _unjudged(starts, ends)
        return _Part(starts, ends, *self._judge(data, starts, ends))

    def _mended(self, part: _Part, whole: Flags, after: int) -> tuple[list[_Part], int]:
        """The part, those of its pieces that are not whole cut anew, one by one."""
        found: list[_Part] = []
        at, count = 0, len(part.starts)
        wrong = np.append(np.flatnonzero(~whole), count)
        while True:
            bad = int(wrong[np.searchsorted(wrong, at)])
            if bad > at:
                found.append(part.piece(at, bad))
            if bad == count:
                return found, after
            start = int(part.starts[bad])
            try:
                step = self._one(start)
            except (Long, hjson.Unfinished):
                return found, start
            found.append(_unjudged(np.array([start]), np.array([step.end])))
            self._closed, self.cut = step.closed, step.cut
            at = int(np.searchsorted(part.starts, step.after))
            goes_on = step.after == (part.starts[at] if at < count else after)
            if step.closed or step.cut or not goes_on:
                return found, step.after

    def _few(self) -> tuple[_Part, int]:
        """Some units, one by one; raises Long if the first is too long."""
        found: list[tuple[int, int]] = []
        at = 0
        while len(found) < _SINGLES and at < CHUNK and not self._closed and not self.cut:
            try:
                step = self._one(at)
            except Long:
                if found:
                    break
                raise
            except hjson.Unfinished:
                self.inside = True
                end = len(self._feed.data.rstrip(b" \t\r\n"))
                step = _Step(max(end, at), len(self._feed.data), cut=True)
            found.append((at, step.end))
            self._closed, self.cut, at = step.closed, step.cut, step.after
        starts, ends = np.array(found, dtype=np.int64).T
        data = self._feed.data[: int(ends[-1])]
        if len(found) > 1:
            gap = data[ends[0] : starts[1]]
            if gap != self._gap and gap[:1] == b"," and not gap[1:].strip(b" \t\r\n"):
                self._learn(gap)
        return self._judged(data, starts, ends), at

    def _one(self, at: int) -> _Step:
        """The element at ``at``.

        Raises:
            Unfinished: the stream ends inside it.
            Long: it is longer than the limit.
        """
        feed = self._feed
        feed.at = at
        try:
            feed.at = end = feed.value_end(self._limit)
        except hjson.Unfinished:
            raise
        except ValueError:
            return self._damaged(at)
        if not self._sample:
            self._sample = feed.data[at : min(end, at + RAW_KEPT)]
        return self._behind(at, end) or self._damaged(at)

    def _behind(self, at: int, end: int) -> _Step | None:
        """What follows the whole value from ``at`` to ``end``, where the cursor stands; None if
        nothing fits, so that the value may be a part of a damaged one."""
        feed = self._feed
        sign = feed.sign()
        here = feed.at
        if not sign:
            return _Step(end, here, cut=True)
        if sign == b"]":
            feed.at += 1
            follows = feed.sign()
            if follows != self._opening:
                return _Step(end, here + 1, closed=True)
            self._told(here, "a closing bracket between two elements")
            return _Step(end, feed.at)
        if sign == self._opening and sign in b"{[":
            self._told(here, "no comma between two elements")
            return _Step(end, here)
        if sign != b",":
            return None
        feed.at += 1
        follows = feed.sign()
        start = feed.at
        if not follows:
            return _Step(end, start, cut=True)
        if follows == b"]":
            feed.at += 1
            if not (behind := feed.sign()) or behind in b",}]":
                self._told(here, "a comma before the closing bracket")
                return _Step(end, start + 1, closed=True)
        elif follows == self._opening or self._goes_on():
            return _Step(end, start)
        if self._resume.complete(feed.data, at, end, self._sample):
            return _Step(end, start)
        return None

    def _goes_on(self) -> bool:
        """Whether an element may begin at the cursor, one of another kind than the first was."""
        feed = self._feed
        try:
            feed.at = feed.value_end(self._limit)
        except (hjson.Unfinished, Long):
            return True
        except ValueError:
            return False
        sign = feed.sign()
        return not sign or sign in b",]"

    def _told(self, at: int, what: str) -> None:
        self.fault = self.fault or f"{what} at byte {self._feed.offset + at}"

    def _damaged(self, at: int) -> _Step:
        """The damaged unit at ``at``, which ends where another element or the array's end is."""
        feed = self._feed
        if self._opening != b"{":
            # Elements that are no objects are hardly ever meant: the first one's sign is damaged.
            self._opening, self._sample = b"{", b""
            self._learn(self._gap)
        seen = at + 1
        while True:
            found = self._resume.find(feed.data, seen, feed.ended, self._tail, self._sample)
            if found:
                return _Step(max(found.end, at), found.after, closed=found.closed)
            if feed.ended:
                self.inside = self._swallowed = True
                end = len(feed.data.rstrip(b" \t\r\n"))
                return _Step(max(end, at + 1), len(feed.data), cut=True)
            seen = max(at + 1, self._resume.seen(feed.data))
            if len(feed.data) - at > self._limit + CHUNK:
                raise _Lost
            feed.more()

    def _too_long(self) -> Chunk:
        """The unit at the cursor, which is passed over and kept as its beginning and its size."""
        feed = self._feed
        feed.at = 0
        begin, kept = feed.offset, feed.data[:RAW_KEPT]
        try:
            feed.value_end(self._limit)
            lost = True
        except Long:
            lost = False
        except ValueError:
            lost = True
        size = self._skipped()[0] if not lost else 0
        step = None if lost else self._behind(feed.at, feed.at)
        if step is None:
            step = self._sought()
            size = feed.offset + step.end - begin
        feed.at = step.after
        self._closed, self.cut = step.closed, step.cut
        one = np.array([len(kept)])
        return Chunk(
            self.count + 1, begin, kept, np.array([0]), one, np.array([False]), np.array([-1]),
            size=size,
        )  # fmt: skip

    def _skipped(self) -> tuple[int, bool]:
        """Pass over the value at the cursor: its length, and whether it ended."""
        feed, skipper, size = self._feed, structure.Skipper(), 0
        while True:
            end = skipper.end(feed.data[feed.at :])
            if end >= 0:
                feed.at += end
                return size + end, True
            size += len(feed.data) - feed.at
            feed.at = len(feed.data)
            feed.drop()
            if not feed.more():
                self.inside = True
                return size, False

    def _sought(self) -> _Step:
        """What follows damage that is longer than what is kept, looked for to the stream's end."""
        feed = self._feed
        seen = feed.at + 1
        while True:
            found = self._resume.find(feed.data, seen, feed.ended, self._tail, self._sample)
            if found:
                return _Step(found.end, found.after, closed=found.closed)
            if feed.ended:
                self.inside = self._swallowed = True
                return _Step(len(feed.data), len(feed.data), cut=True)
            feed.at = max(feed.at, self._resume.seen(feed.data))
            feed.drop()
            seen = 0
            feed.more()


class _Lost(Long):
    """A unit is damaged, and nothing that may follow it stands near."""


def _joined(parts: list[_Part]) -> _Part:
    return _Part(
        np.concatenate([p.starts for p in parts]),
        np.concatenate([p.ends for p in parts]),
        np.concatenate([p.proven for p in parts]),
        np.concatenate([p.inner for p in parts]),
    )


def _unjudged(starts: Places, ends: Places) -> _Part:
    return _Part(starts, ends, np.zeros(len(starts), np.bool_), np.full(len(starts), -1, np.int64))
