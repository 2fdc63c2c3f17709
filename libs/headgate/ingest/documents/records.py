"""Cutting the elements of one JSON array out of a stream, without holding or parsing it whole.

In pretty-printed text the white space between two elements shows where one may end, since no line
breaks inside a JSON string. Each cut is checked: a piece that is one whole value, between commas,
has no other reading. What fails is looked at by a strict scanner, so that odd but valid text is
cut rightly; only text that no JSON begins with is damage, and the next element is looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from headgate.core import json as hjson
from headgate.ingest.documents import structure
from headgate.ingest.documents.feed import Feed, Long
from headgate.ingest.documents.structure import Flags, Places
from headgate.ingest.documents.walk import Step, Walk

#: Which units are proven, and how many inner records each holds (-1 where that is not known).
Judge = Callable[[bytes, Places, Places], tuple[Flags, Places]]
#: Bytes that are cut at once, about.
CHUNK = 1 << 20
#: Elements that are cut one by one before the fast way is tried again; more if it fails again.
_SINGLES = (64, 4096)
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
    its end the cursor stands behind the closing bracket, or ``walk`` says what is wrong.
    """

    def __init__(
        self, feed: Feed, limit: int, judge: Judge | None, tail: Callable[[bytes], bool]
    ) -> None:
        self._feed, self._judge = feed, judge
        self.walk = Walk(feed, limit, tail)
        self._singles = _SINGLES[0]
        #: Units that were cut.
        self.count = 0

    def chunks(self) -> Iterator[Chunk]:
        """The units, in order."""
        feed, walk = self._feed, self.walk
        walk.begin()
        while not walk.closed and not walk.cut:
            feed.drop()
            while len(feed.data) < CHUNK and feed.more():
                pass
            chunk = self._chunk()
            self.count += chunk.units
            yield chunk

    def _chunk(self) -> Chunk:
        """Units from the cursor on, which stands on an element and then on the next one."""
        feed, walk = self._feed, self.walk
        parts, after = self._many() if walk.opening in (b"{", b"[") else ([], 0)
        self._singles = _SINGLES[0] if parts else min(2 * self._singles, _SINGLES[1])
        if not parts:
            try:
                part, after = self._few()
            except Long:
                offset, kept, size = walk.pass_long()
                one = _unjudged(np.array([0]), np.array([len(kept)]))
                return Chunk(self.count + 1, offset, kept, *one, size=size)
            parts = [part]
        found = _joined(parts)
        feed.at = after
        data = feed.data[: int(found.ends[-1])]
        ended = not walk.inside or walk.swallowed
        return Chunk(self.count + 1, feed.offset, data, *found, ended=ended)

    def _many(self) -> tuple[list[_Part], int]:
        """Units that are found all at once, and where the next one begins; none if that fails."""
        data, walk = self._feed.data, self.walk
        if data[:1] != walk.opening:
            return [], 0
        if b"\n" in walk.gap:
            ends = np.array([m.start() + 1 for m in walk.separator.finditer(data)], np.int64)
            starts = np.append(0, ends + len(walk.gap))[: len(ends)]
        else:
            starts, ends = structure.split(data, walk.gap)
        if not len(ends):
            return [], 0
        after = int(ends[-1]) + len(walk.gap)
        part = self._judged(data, starts, ends)
        whole = part.proven
        if b"\n" not in walk.gap:
            walk.sample = walk.sample or data[: int(ends[0])]
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
        walk = self.walk
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
                step = walk.one(start)
            except (Long, hjson.Unfinished):
                return found, start
            found.append(_unjudged(np.array([start]), np.array([step.end])))
            walk.taken(step)
            at = int(np.searchsorted(part.starts, step.after))
            goes_on = step.after == (part.starts[at] if at < count else after)
            if step.closed or step.cut or not goes_on:
                return found, step.after

    def _few(self) -> tuple[_Part, int]:
        """Some units, one by one; raises Long if the first is too long."""
        found: list[tuple[int, int]] = []
        walk, at = self.walk, 0
        while len(found) < self._singles and at < CHUNK and not walk.closed and not walk.cut:
            try:
                step = walk.one(at)
            except Long:
                if found:
                    break
                raise
            except hjson.Unfinished:
                walk.inside = True
                end = len(self._feed.data.rstrip(b" \t\r\n"))
                step = Step(max(end, at), len(self._feed.data), cut=True)
            found.append((at, step.end))
            walk.taken(step)
            at = step.after
        starts, ends = np.array(found, dtype=np.int64).T
        data = self._feed.data[: int(ends[-1])]
        if len(found) > 1:
            gap = data[ends[0] : starts[1]]
            if gap != walk.gap and gap[:1] == b"," and not gap[1:].strip(b" \t\r\n"):
                walk.learn(gap)
        return self._judged(data, starts, ends), at


def _joined(parts: list[_Part]) -> _Part:
    return _Part(
        np.concatenate([p.starts for p in parts]),
        np.concatenate([p.ends for p in parts]),
        np.concatenate([p.proven for p in parts]),
        np.concatenate([p.inner for p in parts]),
    )


def _unjudged(starts: Places, ends: Places) -> _Part:
    return _Part(starts, ends, np.zeros(len(starts), np.bool_), np.full(len(starts), -1, np.int64))
