"""Edges of the graph of lineage as arrays of integers, laid out so that a walk takes a whole level at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
#: Pairs of OpenLineage's type and subtype, sorted.
WaySet = tuple[tuple[str, str], ...]

_NONE: Ints = np.zeros(0, np.int64)


class Ways:
    """Sets of ways, each with a number; new ones may be added from any thread."""

    #: The set that is empty, as between datasets, and the one of a gate that only looks keys up.
    PLAIN, LOOKUP = 0, 1

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[WaySet, int] = {}
        self.sets: list[WaySet] = []
        self.direct: Flags = np.zeros(0, np.bool_)
        self.number(())
        self.number((("INDIRECT", "LOOKUP"),))

    def number(self, ways: WaySet) -> int:
        """The number of a set, which is sorted."""
        found = self._numbers.get(ways)
        if found is not None:
            return found
        with self._lock:
            if ways not in self._numbers:
                is_direct = not ways or any(kind == "DIRECT" for kind, _ in ways)
                self.sets.append(ways)
                self.direct = np.append(self.direct, is_direct)
                self._numbers[ways] = len(self.sets) - 1
            return self._numbers[ways]

    def of(self, pairs: Iterable[tuple[str, str]]) -> int:
        """The number of the set of those ways; a pair of nothing is no way."""
        return self.number(tuple(sorted({p for p in pairs if p != ("", "")})))


@dataclass(frozen=True, eq=False)
class Links:
    """Parallel arrays: from ``near`` to ``far``, in which ``ways``, by which ``saying``."""

    near: Ints
    far: Ints
    ways: Ints
    saying: Ints

    def __len__(self) -> int:
        return len(self.near)

    def where(self, chosen: Flags) -> Links:
        """Those alone that are chosen."""
        if chosen.all():
            return self
        return Links(self.near[chosen], self.far[chosen], self.ways[chosen], self.saying[chosen])

    @classmethod
    def joined(cls, several: Sequence[Links]) -> Links:
        """All of them, one after the other."""
        if len(several) == 1:
            return several[0]
        if not several:
            return NO_LINKS
        return cls(
            np.concatenate([s.near for s in several]), np.concatenate([s.far for s in several]),
            np.concatenate([s.ways for s in several]), np.concatenate([s.saying for s in several]),
        )  # fmt: skip


NO_LINKS = Links(_NONE, _NONE, _NONE, _NONE)


@dataclass(frozen=True, eq=False)
class Rows:
    """Links sorted by ``near``: those of node n are from ``starts[n]`` until ``starts[n + 1]``."""

    starts: Ints
    links: Links

    @classmethod
    def of(cls, links: Links) -> Rows:
        """The links, sorted; those of one node keep their order."""
        size = int(links.near.max()) + 1 if len(links) else 0
        order = np.argsort(links.near, kind="stable")
        starts = np.zeros(size + 1, np.int64)
        np.cumsum(np.bincount(links.near, minlength=size), out=starts[1:])
        return cls(
            starts,
            Links(links.near[order], links.far[order], links.ways[order], links.saying[order]),
        )

    def of_nodes(self, nodes: Ints) -> Links:
        """The links of those nodes, in their order."""
        inside = nodes[nodes < len(self.starts) - 1]
        begins = self.starts[inside]
        counts = self.starts[inside + 1] - begins
        total = int(counts.sum())
        if not total:
            return NO_LINKS
        # The places of every node's links: each node's own begin, and as many on as came before.
        before = np.cumsum(counts) - counts
        places = np.arange(total) + np.repeat(begins - before, counts)
        links = self.links
        return Links(links.near[places], links.far[places], links.ways[places], links.saying[places])  # fmt: skip


@dataclass(frozen=True, eq=False)
class Edges:
    """The same edges both ways: by what they lead to, and by what they come from."""

    up: Rows
    down: Rows

    @classmethod
    def of(cls, target: Ints, source: Ints, ways: Ints, saying: Ints, own_rows: Flags) -> Edges:
        """Edges of parallel arrays.

        Args:
            target, source: nodes.
            ways: the number of a set of ways.
            saying: which saying has it.
            own_rows: that a dataset's rows decide its own column. Downwards it is left out: each
                of them would be told to follow, whatever the question.
        """
        down = ~own_rows
        return cls(
            Rows.of(Links(target, source, ways, saying)),
            Rows.of(Links(source[down], target[down], ways[down], saying[down])),
        )


def firsts(values: Ints, scratch: Ints) -> Flags:
    """Of each value the first place where it stands; ``scratch`` is as long as values may be great."""
    places = np.arange(len(values))
    scratch[values[::-1]] = places[::-1]
    found: Flags = scratch[values] == places
    return found


def ranges(begins: Ints, counts: Ints) -> Ints:
    """All numbers of several ranges, one range after the other."""
    before = np.cumsum(counts) - counts
    found: Ints = np.arange(int(counts.sum())) + np.repeat(begins - before, counts)
    return found
