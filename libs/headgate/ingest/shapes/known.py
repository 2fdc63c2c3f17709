"""Which records of a chunk are proven to be JSON as their contract wants it: judged once a shape.

The shape of a record is its skeleton. A shape that was judged good once is good for every record
that has it, so that a record costs a look into a dictionary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headgate.contracts.mapping import Mapping, mapping
from headgate.contracts.model import Contract
from headgate.core.settings import Settings
from headgate.ingest.shapes.places import Judge, Row
from headgate.ingest.shapes.skeleton import Flags, Places, Skeletons, skeletons

#: Shapes that are remembered; records of others are looked at exactly.
SHAPES_KEPT = 20_000
#: Units a shape, at least, for which it was worth to judge shapes; else judging takes longer.
_WORTH = 10
#: Bytes of skeletons that are remembered.
_BYTES_KEPT = 1 << 25
#: Bytes that are looked at in one go: what a processor's nearer cache holds with all its marks.
_PIECE = 1 << 18
#: Longest unit that is looked at, and longest skeleton that is judged, in bytes: what is longer is
#: rare, and takes memory and time.
_LONGEST = 1 << 20
_LONGEST_SHAPE = 1 << 16
_UNKNOWN = -1
#: The first figure of a value that is null or missing.
ABSENT = -9
Table = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Look:
    """What was seen of a chunk's units.

    ``proven[i]``: every record of unit ``i`` is what the contract asks for, but for what only its
    values can tell. ``inner[i]``: how many records it holds, -1 if that is not known. ``rows[i]`` is
    the row of its first record in the shapes' table, ``quotes`` are where strings open and close in
    the chunk, those of unit ``i`` from ``quotes[first[i]]`` on.
    """

    data: bytes
    starts: Places
    ends: Places
    proven: Flags
    inner: Places
    quotes: Places
    first: Places
    rows: Places


_last: list[tuple[Contract, Settings, Shapes]] = []


def learned(contract: Contract, settings: Settings) -> Shapes:
    """The shapes of the dataset that was read last, if it is this one; else none are known yet.

    A dataset's files come one after the other, and most have the shapes of the one before.
    """
    if not _last or _last[0][0] is not contract or _last[0][1] is not settings:
        _last[:] = [(contract, settings, Shapes(contract, settings))]
    return _last[0][2]


class Shapes:
    """Judges units of a source for its contract; what it learned serves for the next chunk."""

    def __init__(self, contract: Contract, settings: Settings) -> None:
        self.mapping: Mapping = mapping(contract)
        self._judge = Judge(contract.columns, self.mapping, settings.max_nesting)
        self._max_bytes = settings.max_record_bytes
        self._forget()

    def _forget(self) -> None:
        self._looked = 0  # units since nothing was known
        self._known: dict[bytes, int] = {}
        self._bytes = 0
        self._spans: list[Row] = []
        # By shape: records in a unit (-1: not known), its first row of the table (-1: not proven).
        self._inner: list[int] = []
        self._first: list[int] = []
        self._table: Table = np.empty((0, 5, len(self.names)), dtype=np.int32)
        self._stacked = 0  # rows of the table that are filled in

    @property
    def names(self) -> tuple[str, ...]:
        """The columns whose values stand in a unit."""
        return self._judge.names

    def judge(self, data: bytes, starts: Places, ends: Places) -> tuple[Flags, Places]:
        """Of every unit ``data[starts[i]:ends[i]]`` whether it is proven, and its records."""
        look = self.look(data, starts, ends)
        return look.proven, look.inner

    def look(self, data: bytes, starts: Places, ends: Places) -> Look:
        """All that can be told of the units ``data[starts[i]:ends[i]]``, ascending and apart."""
        if self._full() and self._looked > _WORTH * SHAPES_KEPT:
            # Shapes did serve; those that are common now need not be those that were.
            self._forget()
        self._looked += len(starts)
        starts, ends = np.asarray(starts, np.int64), np.asarray(ends, np.int64)
        shapes = np.empty(len(starts), dtype=np.int64)
        first = np.empty(len(starts), dtype=np.int64)
        quotes, counted = [np.empty(0, np.int64)], 0
        for low, high in _pieces(starts, ends):
            at = int(starts[low])
            if ends[high - 1] - at > _LONGEST:
                shapes[low:high], first[low:high] = _UNKNOWN, counted
                continue
            piece = data[at : int(ends[high - 1])]
            found = skeletons(piece, starts[low:high] - at, ends[low:high] - at)
            shapes[low:high] = self._shapes(found)
            first[low:high] = found.first + counted
            quotes.append(found.quotes + at)
            counted += len(found.quotes)
        shapes[ends - starts > self._max_bytes] = _UNKNOWN
        # The last entry of each list is that of the unknown shape.
        inner = np.array([*self._inner, -1], dtype=np.int64)[shapes]
        rows = np.array([*self._first, -1], dtype=np.int64)[shapes]
        return Look(data, starts, ends, rows >= 0, inner, np.concatenate(quotes), first, rows)

    def _shapes(self, found: Skeletons) -> Places:
        """The shape of every skeleton that nothing else speaks against."""
        known, text = self._known.get, found.text
        numbers = [
            known(text[s:e], _UNKNOWN) for s, e in zip(found.starts, found.ends, strict=True)
        ]
        if _UNKNOWN in numbers:
            for index, number in enumerate(numbers):
                if number == _UNKNOWN and found.sound[index]:
                    numbers[index] = self._shape(text[found.starts[index] : found.ends[index]])
        shapes = np.array(numbers, dtype=np.int64)
        shapes[~found.sound] = _UNKNOWN
        return shapes

    @property
    def table(self) -> Table:
        """The spans of all known rows: by row, five figures by column; ABSENT where null."""
        wanted = len(self._spans)
        if len(self._table) < wanted:
            grown = np.full((2 * wanted, 5, len(self.names)), ABSENT, dtype=np.int32)
            grown[: self._stacked] = self._table[: self._stacked]
            self._table = grown
        for index in range(self._stacked, wanted):
            for column, span in enumerate(self._spans[index]):
                if span is not None:
                    self._table[index, :, column] = span
            self._spans[index] = ()  # the table has them now
        self._stacked = wanted
        return self._table

    def _full(self) -> bool:
        shapes = max(len(self._known), len(self._spans))
        return shapes >= SHAPES_KEPT or self._bytes > _BYTES_KEPT

    def _shape(self, skeleton: bytes) -> int:
        known = self._known.get(skeleton)
        if known is not None:
            return known
        if self._full() or len(skeleton) > _LONGEST_SHAPE:
            return _UNKNOWN
        verdict = self._judge.judge(skeleton)
        shape = len(self._inner)
        self._known[skeleton] = shape
        self._bytes += len(skeleton)
        self._inner.append(verdict.inner if verdict else -1)
        if verdict is None or verdict.rows is None:
            self._first.append(-1)
        else:
            self._first.append(len(self._spans))
            self._spans.extend(verdict.rows)
        return shape


def _pieces(starts: Places, ends: Places) -> Iterator[tuple[int, int]]:
    """Runs of units of about a piece."""
    low = 0
    while low < len(starts):
        high = int(np.searchsorted(ends, starts[low] + _PIECE, side="right"))
        high = max(high, low + 1)
        yield low, high
        low = high
