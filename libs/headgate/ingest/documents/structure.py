"""The structure of JSON text without its meaning: brackets outside strings, and their depth.

Numpy goes over megabytes at once. What is found holds for valid JSON; of other text it says
something all the same, so whoever uses it parses the pieces strictly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_QUOTE, _ESCAPE, _OPEN, _CLOSE = 1, 2, 4, 5
_KINDS = bytearray(256)
for _byte, _kind in ((34, _QUOTE), (92, _ESCAPE), (91, _OPEN), (123, _OPEN), (93, _CLOSE),
                     (125, _CLOSE)):  # fmt: skip
    _KINDS[_byte] = _kind
_TABLE = bytes(_KINDS)


class Marks(NamedTuple):
    """Where quotes and brackets stand that no backslash escapes, and which is which."""

    places: Places
    kinds: npt.NDArray[np.uint8]


def marks(data: bytes) -> Marks:
    """The quotes and brackets of ``data``, which begins outside any escape."""
    kinds = np.frombuffer(data.translate(_TABLE), np.uint8)
    places = np.flatnonzero(kinds.view(np.bool_))
    found = kinds[places]
    escapes = found == _ESCAPE
    if not escapes.any():
        return Marks(places, found)
    # In a run of backslashes the first, third … escape what follows them.
    runs = places[escapes]
    begins = np.concatenate(([True], np.diff(runs) != 1))
    index = np.arange(len(runs))
    nth = index - np.maximum.accumulate(np.where(begins, index, 0))
    escaped = runs[nth % 2 == 0] + 1
    at = np.searchsorted(places, escaped)
    inside = at < len(places)
    at, escaped = at[inside], escaped[inside]
    keep = ~escapes
    keep[at[places[at] == escaped]] = False
    return Marks(places[keep], found[keep])


def deepest(data: bytes) -> int:
    """How deep brackets nest in ``data``."""
    kinds = marks(data).kinds
    text = np.cumsum(kinds == _QUOTE, dtype=np.int32) & 1 == 1
    steps = _STEPS[kinds]
    steps[text] = 0
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0))


def balanced(data: bytes, starts: Places, ends: Places) -> Flags:
    """Which of the pieces ``data[starts[i]:ends[i]]`` (ascending, apart) are one whole value.

    Whole is an object or array whose last bracket closes its first, as far as brackets and
    quotes tell; each piece is looked at by itself.
    """
    if not len(starts):
        return np.zeros(0, dtype=np.bool_)
    places, kinds = marks(data)
    low, high = np.searchsorted(places, starts), np.searchsorted(places, ends)
    counts = high - low
    if counts.sum() != len(places):  # marks between the pieces
        inside = np.zeros(len(places) + 1, dtype=np.int64)
        np.add.at(inside, low, 1)
        np.add.at(inside, high, -1)
        keep = np.cumsum(inside)[:-1] > 0
        places, kinds = places[keep], kinds[keep]
        high = np.cumsum(counts)
        low = high - counts
    good = counts >= 2
    if not good.any():
        return good
    last = high - 1
    owner = np.repeat(np.arange(len(starts)), counts)
    text = _inside(kinds, low, counts)
    depth = _depth(kinds, text)
    before = np.where(low > 0, depth[low - 1], 0)
    level = depth - np.repeat(before, counts)
    zeros = np.bincount(owner[(level <= 0) & ~text], minlength=len(starts))
    tail = np.where(good, last, 0)
    head = np.where(good, low, 0)
    good &= (places[head] == starts) & (kinds[head] == _OPEN)
    good &= (places[tail] == ends - 1) & (kinds[tail] == _CLOSE)
    good &= (level[tail] == 0) & ~text[tail] & (zeros == 1)
    return good


def split(data: bytes, gap: bytes) -> tuple[Places, Places]:
    """The first objects or arrays of ``data``, which begins with one, ``gap`` between each two.

    The last one is given only if the gap and a further one follow; what comes behind anything
    else is not given.
    """
    places, kinds = marks(data)
    text = (np.cumsum(kinds == _QUOTE) & 1).astype(np.bool_)
    depth = _depth(kinds, text)
    closing = np.flatnonzero((depth == 0) & (kinds == _CLOSE) & ~text)
    negative = np.flatnonzero(depth < 0)
    if len(negative):
        closing = closing[closing < negative[0]]
    closing = closing[closing + 1 < len(places)]
    ends = places[closing] + 1
    follows = places[closing + 1]
    good = (follows == ends + len(gap)) & (kinds[closing + 1] == _OPEN)
    bytes_ = np.frombuffer(data, np.uint8)
    for index, byte in enumerate(gap):
        good &= bytes_[np.minimum(ends + index, len(data) - 1)] == byte
    wrong = np.flatnonzero(~good)
    count = int(wrong[0]) if len(wrong) else len(ends)
    ends = ends[:count]
    starts = np.concatenate((np.zeros(1, dtype=np.int64), ends + len(gap)))[:count]
    return starts, ends


class Skipper:
    """Follows one JSON value through pieces of a stream, to find its end without keeping it."""

    def __init__(self) -> None:
        self._depth = 0
        self._text = False
        self._escaped = False
        self._begun = False

    def end(self, piece: bytes) -> int:
        """Where in ``piece``, the next of the value's, it ends; -1 if it goes on."""
        if not self._begun and piece:
            self._begun = True
            if piece[0] not in b'"[{':
                return self._scalar(piece)
        elif not self._depth and not self._text and not self._escaped:
            return self._scalar(piece)
        shift = 0
        if self._escaped:
            self._escaped, shift = False, 1
            piece = b" " + piece[1:]
        places, kinds = marks(piece)
        text = (np.cumsum(kinds == _QUOTE) + self._text) & 1 == 1
        depth = _depth(kinds, text) + self._depth
        closed = np.flatnonzero((depth <= 0) & ~text)
        if len(closed):
            return int(places[closed[0]]) + 1
        if len(places):
            self._text, self._depth = bool(text[-1]), int(depth[-1])
        tail = len(piece) - len(piece.rstrip(b"\\"))
        self._escaped = bool(tail % 2) and bool(piece[shift:])
        return -1

    def _scalar(self, piece: bytes) -> int:
        found = [at for sign in b",]} \t\r\n" if (at := piece.find(sign)) >= 0]
        return min(found, default=-1)


def _inside(kinds: npt.NDArray[np.uint8], low: Places, counts: Places) -> Flags:
    """Which marks stand inside a string or open one, counting quotes from each piece's start."""
    quotes = np.cumsum(kinds == _QUOTE)
    before = np.where(low > 0, quotes[low - 1], 0)
    return ((quotes - np.repeat(before, counts)) & 1).astype(np.bool_)


def _depth(kinds: npt.NDArray[np.uint8], text: Flags) -> Places:
    steps = np.where(text, np.int8(0), _STEPS[kinds])
    return np.cumsum(steps, dtype=np.int64)


_STEPS = np.array([0, 0, 0, 0, 1, -1], dtype=np.int8)
