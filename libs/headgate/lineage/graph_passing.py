"""Datasets that cannot outlive their process: a walk goes through them, and never shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headgate.lineage.graph_arrays import Links
from headgate.lineage.graph_node import Direction

if TYPE_CHECKING:
    from headgate.lineage.graph import Graph
    from headgate.lineage.graph_arrays import WaySet

#: A value that went through two steps is what the stronger of them made it.
_STRENGTH = {"IDENTITY": 0, "TRANSFORMATION": 1, "AGGREGATION": 2}
_ROWS = ("INDIRECT", "ROWS")


class Passing:
    """What lies behind the datasets of a graph that pass; worked out once for each of their nodes."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._passes = graph.names.transient[graph.names.dataset_of]
        self._behind: dict[tuple[int, Direction], list[tuple[int, int, int]]] = {}

    def through(self, links: Links, direction: Direction, indirect: bool) -> Links:
        """The links, where each that leads to what passes is replaced by those to what is behind it."""
        passing = self._passes[links.far] if len(links) else None
        if passing is None or not passing.any():
            return links
        kept = links.where(~passing)
        known = set(zip(kept.near.tolist(), kept.far.tolist(), kept.ways.tolist(), strict=True))
        more: dict[tuple[int, int, int], int] = {}
        for place in np.flatnonzero(passing).tolist():
            near, ways = int(links.near[place]), int(links.ways[place])
            for far, other, saying in self._beyond(int(links.far[place]), direction):
                both = self._both(ways, other, direction)
                # The job that counts is the one that wrote what is made, not what it passed through.
                said = int(links.saying[place]) if direction == "up" else saying
                wanted = indirect or self._graph.ways.direct[both]
                if wanted and far != near and (near, far, both) not in known:
                    more.setdefault((near, far, both), said)
        if not more:
            return kept
        rows = np.array([(*key, said) for key, said in more.items()], np.int64)
        return Links.joined([kept, Links(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3])])

    def _beyond(self, node: int, direction: Direction) -> list[tuple[int, int, int]]:
        """Of a node that passes: what is behind it and does not, with the ways to there and the saying."""
        found = self._behind.get((node, direction))
        if found is not None:
            return found
        reached: dict[tuple[int, int], int] = {}
        seen, waiting = {(node, -1)}, [(node, -1)]
        while waiting:
            here, ways = waiting.pop()
            steps = self._graph.steps(np.array([here]), direction)
            for far, other, saying in zip(
                steps.far.tolist(), steps.ways.tolist(), steps.saying.tolist(), strict=True
            ):
                both = other if ways < 0 else self._both(ways, other, direction)
                if not self._passes[far]:
                    reached.setdefault((far, both), saying)
                elif (far, both) not in seen:
                    seen.add((far, both))
                    waiting.append((far, both))
        found = [(far, ways, saying) for (far, ways), saying in reached.items()]
        self._behind[node, direction] = found
        return found

    def _both(self, near: int, far: int, direction: Direction) -> int:
        """The ways of two steps; upwards the near one is the later, downwards the earlier."""
        sets = self._graph.ways.sets
        later, earlier = (near, far) if direction == "up" else (far, near)
        return self._graph.ways.number(after(sets[earlier], sets[later]))


def after(earlier: WaySet, later: WaySet) -> WaySet:
    """The ways in which something follows that goes one step, and then another.

    A step between datasets or rows adds nothing. Of two indirect ways the later one is told.
    """
    if not earlier or earlier == (_ROWS,):
        return later if later else earlier
    if not later or later == (_ROWS,):
        return earlier
    found = set()
    for kind, subtype in later:
        for other_kind, other in earlier:
            if kind != "DIRECT":
                found.add((kind, subtype))
            elif other_kind != "DIRECT":
                found.add((other_kind, other))
            else:
                stronger = _STRENGTH.get(subtype, 1) >= _STRENGTH.get(other, 1)
                found.add(("DIRECT", subtype if stronger else other))
    return tuple(sorted(found))
