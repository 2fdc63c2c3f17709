"""Where the boxes of a graph stand and which way its edges take: columns from left to right, on the server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headgate.portal.drawing import graph_heights, graph_order, graph_ranks
from headgate.portal.drawing.graph_heights import Joined
from headgate.portal.drawing.graph_ranks import Pair

#: Between two columns, and between two boxes of one, in units of the drawing.
COLUMN_GAP, ROW_GAP = 76.0, 16.0
#: How high the room is that an edge is given where it passes between boxes.
_PASSAGE = 4.0
#: No more room is kept for edges; the longest beyond that go straight, and behind what is in their way.
_MOST_PASSAGES = 2_000


@dataclass(frozen=True)
class Join:
    """An edge between boxes, by number; ``leaves`` and ``enters`` are how far below the middle of the
    boxes its ends are."""

    source: int
    target: int
    leaves: float = 0.0
    enters: float = 0.0


@dataclass(frozen=True)
class Place:
    """Where a box stands: its upper left corner, its size, and its column."""

    x: float
    y: float
    width: float
    height: float
    rank: int


@dataclass(frozen=True)
class Passage:
    """Where an edge passes a column that it does not end in: level at ``y``, between two ``x``."""

    begin: float
    end: float
    y: float


@dataclass(frozen=True)
class Laid:
    """A graph as it is to be drawn. ``passages`` has, by pair of boxes, what lies between them, from the
    source on (nothing of the few for which there was no room); pairs that lead back against the others are ``turned``."""

    width: float
    height: float
    places: tuple[Place, ...]
    passages: dict[Pair, tuple[Passage, ...]]
    turned: frozenset[Pair]


def lay(sizes: Sequence[tuple[float, float]], joins: Iterable[Join]) -> Laid:
    """Lay a graph out. The same boxes and edges are always laid out alike.

    Args:
        sizes: width and height of each box.
        joins: edges between boxes; several between the same two are one way. Those of a box to itself
            need no way and are left out.
    """
    ends = _ends(joins)
    turned = graph_ranks.turned(len(sizes), list(ends))
    # One that is turned may lie upon one that is not: they share their way.
    onward: dict[Pair, Joined] = {}
    for pair, (_, leaves, enters) in ends.items():
        key = (pair[1], pair[0]) if pair in turned else pair
        onward.setdefault(key, (0, enters, leaves) if pair in turned else (0, leaves, enters))
    ranks = graph_ranks.ranks(len(sizes), list(onward))
    net = _Net(sizes, ranks, onward)
    columns = graph_order.ordered(
        net.columns,
        [[n for n, _, _ in part] for part in net.left],
        [[n for n, _, _ in part] for part in net.right],
    )
    middle = graph_heights.heights(columns, net.heights, net.weights, net.left, net.right, ROW_GAP)
    return _laid(sizes, ranks, net, middle, ends, turned)


def _ends(joins: Iterable[Join]) -> dict[Pair, Joined]:
    """By pair of boxes how many edges there are, and where they leave and enter on average."""
    found: dict[Pair, Joined] = {}
    for one in joins:
        if one.source != one.target:
            pair = (one.source, one.target)
            count, leaves, enters = found.get(pair, (0, 0.0, 0.0))
            found[pair] = (count + 1, leaves + one.leaves, enters + one.enters)
    return {pair: (n, leaves / n, enters / n) for pair, (n, leaves, enters) in found.items()}


class _Net:
    """The graph with a small box of its own wherever an edge passes a column. Edges from one box share
    these as long as they go the same way, so that there are never more than boxes times columns."""

    def __init__(
        self,
        sizes: Sequence[tuple[float, float]],
        ranks: Sequence[int],
        onward: dict[Pair, Joined],
    ) -> None:
        self.heights = [height for _, height in sizes]
        self.weights = [1.0] * len(sizes)
        self.left: list[list[Joined]] = [[] for _ in sizes]
        self.right: list[list[Joined]] = [[] for _ in sizes]
        self.columns: list[list[int]] = [[] for _ in range(max(ranks, default=-1) + 1)]
        for box, rank in enumerate(ranks):
            self.columns[rank].append(box)
        #: By box and column, the small box of edges from there.
        self.passing: dict[Pair, int] = {}
        #: Edges for which there is room.
        self.routed: set[Pair] = set()
        by_length = sorted(onward, key=lambda pair: (ranks[pair[1]] - ranks[pair[0]], pair))
        for source, target in by_length:
            between = ranks[target] - ranks[source] - 1
            if between and len(self.passing) + between > _MOST_PASSAGES:
                break
            _, leaves, enters = onward[source, target]
            here, out = source, leaves
            for rank in range(ranks[source] + 1, ranks[target]):
                after = self.passing.get((source, rank))
                if after is None:
                    after = self.passing[source, rank] = self._small(rank)
                    self._join(here, after, out, 0.0)
                here, out = after, 0.0
            self._join(here, target, out, enters)
            self.routed.add((source, target))

    def _small(self, rank: int) -> int:
        number = len(self.heights)
        self.heights.append(_PASSAGE)
        # Long edges are to be straight.
        self.weights.append(3.0)
        self.left.append([])
        self.right.append([])
        self.columns[rank].append(number)
        return number

    def _join(self, near: int, far: int, leaves: float, enters: float) -> None:
        self.right[near].append((far, leaves, enters))
        self.left[far].append((near, enters, leaves))


def _laid(
    sizes: Sequence[tuple[float, float]],
    ranks: Sequence[int],
    net: _Net,
    middle: Sequence[float],
    ends: dict[Pair, Joined],
    turned: frozenset[Pair],
) -> Laid:
    wide = [0.0] * len(net.columns)
    for (width, _), rank in zip(sizes, ranks, strict=True):
        wide[rank] = max(wide[rank], width)
    begins, x = [], 0.0
    for width in wide:
        begins.append(x)
        x += width + COLUMN_GAP
    tops = [m - h / 2 for m, h in zip(middle, net.heights, strict=True)]
    top = min(tops, default=0.0)
    places = tuple(
        Place(begins[rank], round(tops[box] - top, 1), width, height, rank)
        for box, ((width, height), rank) in enumerate(zip(sizes, ranks, strict=True))
    )
    passages: dict[Pair, tuple[Passage, ...]] = {}
    for source, target in ends:
        back = (source, target) in turned
        near, far = (target, source) if back else (source, target)
        way = [
            Passage(begins[r], begins[r] + wide[r], round(middle[net.passing[near, r]] - top, 1))
            for r in range(ranks[near] + 1, ranks[far])
            if (near, far) in net.routed
        ]
        passages[source, target] = tuple(reversed(way)) if back else tuple(way)
    low = max((t + h - top for t, h in zip(tops, net.heights, strict=True)), default=0.0)
    return Laid(max(x - COLUMN_GAP, 0.0), round(low, 1), places, passages, turned)
