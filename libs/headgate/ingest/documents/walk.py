"""One element of a JSON array after the other: where it ends, and what to make of what does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from headgate.core import json as hjson
from headgate.ingest.documents.feed import Feed, Long
from headgate.ingest.documents.resume import Resume
from headgate.ingest.documents.structure import Skipper

#: Raw text that is kept of a unit too long to be read, in bytes.
_KEPT = 65_536
#: Bytes beyond the longest unit in which what follows a damaged one is looked for at once.
_ROOM = 1 << 20


class Step(NamedTuple):
    """One element: its end, where the next begins, and whether the array or the stream ended."""

    end: int
    after: int
    closed: bool = False
    cut: bool = False


class Lost(Long):
    """A unit is damaged, and nothing that may follow it stands near."""


class Walk:
    """Goes through the array whose opening bracket the feed's cursor has passed.

    Places are those in the feed's data. ``limit`` is the longest unit that is kept whole, in
    bytes; ``tail`` says whether text that begins with the array's closing bracket may end the
    document. ``gap`` is what stands between two elements, as far as is known, and ``opening`` the
    first one's first byte.
    """

    def __init__(self, feed: Feed, limit: int, tail: Callable[[bytes], bool]) -> None:
        self._feed, self._limit, self._tail = feed, limit, tail
        self.opening = b"{"
        self.learn(b",")
        #: An element that was whole, or its beginning.
        self.sample = b""
        #: Whether the array ended, or the stream did, and that inside a unit.
        self.closed = False
        self.cut = False
        self.inside = False
        #: Whether the last unit is damaged, and goes on to the stream's end for that.
        self.swallowed = False
        #: Whether it was guessed where the element behind a damaged one begins.
        self.guessed = False
        #: Where something other than a comma stands between two elements.
        self.fault = ""

    def begin(self) -> None:
        """Come to the first element, if there is one."""
        feed = self._feed
        feed.drop()
        self.opening = self._sign()
        self.closed, self.cut = self.opening == b"]", not self.opening
        feed.at += self.closed
        self.learn(b"," + feed.data[: feed.at])

    def learn(self, gap: bytes) -> None:
        """Take ``gap`` for what stands between two elements."""
        self.gap = gap
        self._resume = Resume(gap, self.opening)
        closing = {b"{": b"}", b"[": b"]"}.get(self.opening, b"")
        self.separator = re.compile(re.escape(closing + gap + self.opening))

    def one(self, at: int) -> Step:
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
        if not self.sample:
            self.sample = feed.data[at : min(end, at + _KEPT)]
        return self._behind(at, end) or self._damaged(at)

    def taken(self, step: Step) -> None:
        """Note how the array or the stream ended with an element, if it did."""
        self.closed, self.cut = step.closed, step.cut

    def pass_long(self) -> tuple[int, bytes, int]:
        """Pass over the unit at the data's beginning: its place in the stream, its first bytes
        and its length."""
        feed = self._feed
        feed.at = 0
        begin, kept = feed.offset, feed.data[:_KEPT]
        try:
            feed.value_end(self._limit)
            damaged = True
        except Long:
            damaged = False
        except ValueError:
            damaged = True
        step = None
        if not damaged:
            self._skip()
            size = feed.place - begin
            step = self._behind(feed.at, feed.at)
        if step is None:
            step = self._sought()
            size = feed.offset + step.end - begin
        feed.at = step.after
        self.taken(step)
        return begin, kept, size

    def _behind(self, at: int, end: int) -> Step | None:
        """What follows the whole value from ``at`` to ``end``, where the cursor stands; None if
        nothing fits, so that the value may be a part of a damaged one."""
        feed = self._feed
        sign = feed.sign()
        here = feed.at
        if not sign:
            return Step(end, here, cut=True)
        if sign == b"]":
            feed.at += 1
            follows = feed.sign()
            if follows != self.opening:
                return Step(end, here + 1, closed=True)
            self._told(here, "a closing bracket between two elements")
            return Step(end, feed.at)
        if sign == self.opening and sign in b"{[":
            self._told(here, "no comma between two elements")
            return Step(end, here)
        if sign != b",":
            return None
        feed.at += 1
        follows = self._sign()
        start = feed.at
        if not follows:
            return Step(end, start, cut=True)
        if follows == b"]":
            feed.at += 1
            if not (behind := feed.sign()) or behind in b",}]":
                self._told(here, "a comma before the closing bracket")
                return Step(end, start + 1, closed=True)
        elif follows == self.opening or self._goes_on():
            return Step(end, start)
        if self._resume.complete(feed.data, at, end, self.sample):
            return Step(end, start)
        return None

    def _sign(self) -> bytes:
        """The first sign of an element, or what stands there instead; commas are passed over."""
        feed = self._feed
        while (sign := feed.sign()) == b",":
            self._told(feed.at, "a comma without an element before it")
            feed.at += 1
        return sign

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

    def _damaged(self, at: int) -> Step:
        """The damaged unit at ``at``, which ends where another element or the array's end is."""
        feed = self._feed
        self.guessed = True
        if self.opening != b"{":
            # Elements that are no objects are hardly ever meant: the first one's sign is damaged.
            self.opening, self.sample = b"{", b""
            self.learn(self.gap)
        seen = at + 1
        while True:
            found = self._resume.find(feed.data, seen, feed.ended, self._tail, self.sample)
            if found:
                return Step(max(found.end, at), found.after, closed=found.closed)
            if feed.ended:
                self.inside = self.swallowed = True
                end = len(feed.data.rstrip(b" \t\r\n"))
                return Step(max(end, at + 1), len(feed.data), cut=True)
            seen = max(at + 1, self._resume.seen(feed.data))
            if len(feed.data) - at > self._limit + _ROOM:
                raise Lost
            feed.more()

    def _skip(self) -> None:
        """Pass over the value at the cursor."""
        feed, skipper = self._feed, Skipper()
        while (end := skipper.end(feed.data[feed.at :])) < 0:
            feed.at = len(feed.data)
            feed.drop()
            if not feed.more():
                self.inside = True
                return
        feed.at += end

    def _sought(self) -> Step:
        """What follows damage that is longer than what is kept, looked for to the stream's end."""
        feed = self._feed
        seen = feed.at + 1
        while True:
            found = self._resume.find(feed.data, seen, feed.ended, self._tail, self.sample)
            if found:
                return Step(found.end, found.after, closed=found.closed)
            if feed.ended:
                self.inside = self.swallowed = True
                return Step(len(feed.data), len(feed.data), cut=True)
            feed.at = max(feed.at, self._resume.seen(feed.data))
            feed.drop()
            seen = 0
            feed.more()
