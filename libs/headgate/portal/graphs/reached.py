"""What a question about lineage reaches: nodes and edges as arrays, now or then, or what two moments differ in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headgate.core.errors import LakeError
from headgate.lineage.graph import Direction, Graph, Node
from headgate.lineage.graph_arrays import Ints, Links
from headgate.lineage.questions import subject

if TYPE_CHECKING:
    from headgate.lineage.store.fetching import PlainStore
    from headgate.lineage.store.opening import Store
    from headgate.portal.graphs.asked import Asked

#: An answer reaches no more nodes than so many, each way.
MOST_NODES = 10_000
#: Where a node is: among what the start is made from, the start, among what is made from it.
UP, START, DOWN = -1, 0, 1
#: Of two moments: in both, only in the one asked for, only in the other.
KEPT, ADDED, GONE = 0, 1, 2
_TRIES = 5


@dataclass(frozen=True, eq=False)
class Reached:
    """Nodes (``node``, with ``side`` and ``depth``) and edges between them, as parallel arrays.

    Edges lead from ``source`` to ``target`` in ``ways``, as ``saying`` has it, and were found at the
    ``distance``. ``graph`` is as of then, ``other`` as of the moment compared with; their numbers are
    the same. ``start`` is None where the whole platform is asked for. ``cut``: more is reached.
    ``left_out`` counts nodes that only decide values or rows, where these are not ``indirect`` and so
    left out; ``untraced`` are datasets whose columns may belong here too.
    """

    graph: Graph
    other: Graph | None
    start: Node | None
    node: Ints
    side: Ints
    depth: Ints
    source: Ints
    target: Ints
    ways: Ints
    saying: Ints
    distance: Ints
    change: Ints
    indirect: bool = True
    cut: bool = False
    left_out: int = 0
    untraced: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Part:
    """What was found in one graph: rows of node, side and depth; of source, target, ways, saying and
    distance."""

    nodes: Ints
    edges: Ints
    indirect: bool = True
    cut: bool = False
    left_out: int = 0
    untraced: tuple[str, ...] = ()


def find(store: Store | PlainStore, asked: Asked) -> Reached:
    """What is reached from a dataset or column; of the whole platform every dataset and edge.

    Raises:
        NotFoundError: there is no such dataset, column, run or release.
        UsageError: what was asked as of is none.
        LakeError: the store is broken, or cannot be reached.
    """
    return within(*_graphs(store, asked), asked)


def within(graph: Graph, other: Graph | None, asked: Asked) -> Reached:
    """The same in a graph, perhaps compared with another of the same revision.

    Raises:
        NotFoundError: there is no such dataset or column.
    """
    start = _start(graph, asked) if asked.dataset else None
    part = _part(graph, start, asked)
    if other is None:
        return _reached(graph, None, start, part, np.zeros(len(part.edges), np.int64))
    one_way = dataclasses.replace(asked, indirect="yes" if part.indirect else "no")
    return _compared(graph, other, start, part, _part(other, start, one_way))


def _graphs(store: Store | PlainStore, asked: Asked) -> tuple[Graph, Graph | None]:
    """The graph as of then and the one that it is compared with, of one revision: only then do nodes
    have the same numbers in both."""
    for _ in range(_TRIES):
        _, graph = subject.graph_of(store, asked.as_of or None)
        if not asked.against:
            return graph, None
        _, other = subject.graph_of(store, asked.against)
        if other.revision == graph.revision:
            return graph, other
    raise LakeError("lineage changes too fast to be compared.", remedy="Try again.")


def _start(graph: Graph, asked: Asked) -> Node:
    found = graph.find(asked.dataset)
    known = Node(found.dataset, asked.column)
    if asked.column and graph.names.place(known) is None:
        return graph.find(f"{found.dataset}.{asked.column}")
    return known


def _part(graph: Graph, start: Node | None, asked: Asked) -> _Part:
    if start is None:
        return _platform(graph)
    ways = ("up", "down") if asked.direction == "both" else (asked.direction,)
    indirect = asked.indirect == "yes" or (not asked.indirect and not start.column)
    parts = [_walked(graph, start, direction, asked.depth, indirect) for direction in ways]
    if not (asked.indirect or indirect or any(len(p.edges) for p in parts)):
        indirect = True
        parts = [_walked(graph, start, direction, asked.depth, True) for direction in ways]
    nodes = np.concatenate([p.nodes for p in parts])
    # What is reached both ways, as in a circle, stands where it is nearer.
    nodes = nodes[np.lexsort((nodes[:, 1], nodes[:, 2], nodes[:, 0]))]
    _, first = np.unique(nodes[:, 0], return_index=True)
    edges = np.concatenate([p.edges for p in parts])
    edges = edges[np.lexsort((edges[:, 4], *edges[:, :4].T))]
    new = np.ones(len(edges), np.bool_)
    new[1:] = (edges[1:, :4] != edges[:-1, :4]).any(axis=1)
    return _Part(
        nodes[first], edges[new], indirect, any(p.cut for p in parts),
        sum(p.left_out for p in parts), tuple(sorted({u for p in parts for u in p.untraced})),
    )  # fmt: skip


def _walked(graph: Graph, start: Node, direction: str, steps: int | None, indirect: bool) -> _Part:
    way: Direction = "up" if direction == "up" else "down"
    walk = graph.walk(start, way, depth=steps, indirect=indirect, limit=MOST_NODES)
    number, depth = walk.nodes()
    side = np.where(depth == 0, START, UP if way == "up" else DOWN)
    left_out = 0
    if not indirect:
        every = graph.walk(start, way, depth=steps, limit=MOST_NODES).nodes()[0]
        left_out = len(np.setdiff1d(every, number))
    edges = [_rows(links, way, level) for level, links in enumerate(walk.levels, 1)]
    return _Part(
        np.stack([number, side, depth], axis=1), _stacked(edges), indirect, walk.cut, left_out,
        graph.untraced_by(number, way) if start.column else (),
    )  # fmt: skip


def _platform(graph: Graph) -> _Part:
    """Every dataset and all that leads from one to another."""
    known = graph.names
    wholes = known.whole_of[(known.whole_of >= 0) & ~known.transient]
    links = graph.links(wholes, "up")
    wholes = np.unique(np.concatenate([links.near, links.far]))
    return _Part(
        np.stack([wholes, np.full(len(wholes), START), np.zeros(len(wholes), np.int64)], axis=1),
        _rows(links, "up", 1),
    )


def _rows(links: Links, direction: Direction, distance: int) -> Ints:
    source, target = (links.far, links.near) if direction == "up" else (links.near, links.far)
    return np.stack(
        [source, target, links.ways, links.saying, np.full(len(links), distance)], axis=1
    )


def _stacked(parts: list[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.zeros((0, 5), np.int64)


def _compared(graph: Graph, other: Graph, start: Node | None, now: _Part, then: _Part) -> Reached:
    """Both put together: an edge is the same if it leads between the same nodes, whoever says it."""
    size = len(graph.names.field_ids)
    key, old = (p.edges[:, 0] * size + p.edges[:, 1] for p in (now, then))
    gone = ~np.isin(old, key)
    change = np.concatenate([np.where(np.isin(key, old), KEPT, ADDED), np.full(gone.sum(), GONE)])
    lost = ~np.isin(then.nodes[:, 0], now.nodes[:, 0])
    both = _Part(
        np.concatenate([now.nodes, then.nodes[lost]]),
        np.concatenate([now.edges, then.edges[gone]]),
        now.indirect, now.cut or then.cut, now.left_out, now.untraced,
    )  # fmt: skip
    return _reached(graph, other, start, both, change)


def _reached(
    graph: Graph, other: Graph | None, start: Node | None, part: _Part, change: Ints
) -> Reached:
    order = np.lexsort((part.nodes[:, 0], part.nodes[:, 2]))
    node, side, depth = part.nodes[order].T
    source, target, ways, saying, distance = part.edges.T
    return Reached(
        graph, other, start, node, side, depth, source, target, ways, saying, distance, change,
        indirect=part.indirect, cut=part.cut, left_out=part.left_out, untraced=part.untraced,
    )  # fmt: skip
