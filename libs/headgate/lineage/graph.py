"""The graph that lineage events add up to: datasets and columns, what they are made from, what they serve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from headgate.lineage.graph_arrays import NO_LINKS, Edges, Flags, Ints, Links, Ways, firsts
from headgate.lineage.graph_history import History
from headgate.lineage.graph_node import ROWS, Direction, Edge, Found, Node
from headgate.lineage.graph_passing import Passing

__all__ = ["ROWS", "Direction", "Edge", "Found", "Graph", "Node", "Walk"]


class Graph:
    """What is made from what, now or as of some time. It never changes and may be used by many threads.

    Nodes have numbers, which hold as long as this graph and those of the same revision.
    """

    def __init__(self, history: History, at: Ints | None = None) -> None:
        self.history, self.names, self.ways = history, history.names, history.ways
        self.at = at
        self.holding: Flags = history.spans.holding(history.names, at)
        layers, wanted = history.now, self.holding
        if at is not None:
            layers, wanted = history.ever, np.ones(len(self.holding), np.bool_)
        self._parts: tuple[Edges, ...] = layers.of(
            wanted, history.spans, history.statements, history.names, history.ways
        )
        self._passing = Passing(self) if history.names.transient.any() else None

    @property
    def revision(self) -> int:
        """The revision of the store that this is."""
        return self.history.revision

    def find(self, text: str) -> Node:
        """The dataset or column that ``text`` names.

        A dataset is called as :attr:`Node.dataset` has it or by namespace and name with a slash
        between them; a column comes behind a dot.

        Raises:
            NotFoundError: there is none; the message has the nearest that there is.
        """
        return self.names.find(text)

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """Every dataset and source that was ever told of, sorted."""
        known = self.names
        own = np.flatnonzero((known.canonical == np.arange(len(known.ids))) & ~known.transient)
        return tuple(sorted(known.shown[p] for p in own))

    def columns(self, dataset: str) -> tuple[str, ...]:
        """The columns of a dataset that were ever told of; none of one that is unknown."""
        return self.names.columns(dataset)

    def named(self, dataset: str) -> tuple[str, str]:
        """Namespace and name of a dataset that is in the graph."""
        _, namespace, name, _, _ = self.names.datasets[self.names.places[dataset]]
        return namespace, name

    def job(self, saying: int) -> tuple[str, str]:
        """Namespace and name of the job that says it."""
        return self.history.jobs[int(self.history.spans.job[saying])]

    def links(self, nodes: Ints, direction: Direction, *, indirect: bool = True) -> Links:
        """What is one step away from nodes, as numbers; datasets that pass are gone through."""
        found = self.steps(nodes, direction, indirect=indirect)
        return self._passing.through(found, direction, indirect) if self._passing else found

    def steps(self, nodes: Ints, direction: Direction, *, indirect: bool = True) -> Links:
        """What is one step away, whether it passes or not."""
        several = []
        for part in self._parts:
            links = (part.up if direction == "up" else part.down).of_nodes(nodes)
            if len(links):
                keep = self.holding[links.saying]
                if not indirect:
                    keep &= self.ways.direct[links.ways]
                several.append(links.where(keep))
        found = Links.joined([s for s in several if len(s)])
        lookup = found.ways == Ways.LOOKUP
        return _without_lookups(found, lookup) if lookup.any() else found

    def edges(self, node: Node, direction: Direction) -> Sequence[Edge]:
        """What a node follows from (``up``) or what follows from it (``down``), one step away."""
        place = self.names.place(node)
        if place is None:
            return ()
        links = self.links(np.array([place]), direction)
        found = [self._edge(*one, direction) for one in _each(links)]
        return sorted(found, key=lambda e: (e.source, e.target, e.job))

    def _edge(self, near: int, far: int, ways: int, saying: int, direction: Direction) -> Edge:
        one, other = self.names.node(near), self.names.node(far)
        source, target = (other, one) if direction == "up" else (one, other)
        return Edge(source, target, self.ways.sets[ways], self.job(saying)[1])

    def walk(
        self,
        start: Node,
        direction: Direction,
        *,
        depth: int | None = None,
        indirect: bool = True,
        limit: int | None = None,
    ) -> Walk:
        """Every edge that leads away from ``start``, each once, the nearest first; cycles end.

        Args:
            start: where to begin.
            direction: ``up`` to what it follows from, ``down`` to what follows from it.
            depth: go no more steps than that.
            indirect: follow also what only decides which value or row is taken.
            limit: reach no more nodes than that.
        """
        place = self.names.place(start)
        if place is None:
            return Walk(self, direction, -1, (), False)
        seen = np.zeros(len(self.names.field_ids), np.bool_)
        scratch = np.empty(len(seen), np.int64)
        seen[place], level, reached, cut = True, np.array([place]), 1, False
        levels: list[Links] = []
        while len(level) and not cut and (depth is None or len(levels) < depth):
            links = self.links(level, direction, indirect=indirect)
            if not len(links):
                break
            new = links.far[~seen[links.far]]
            level = new[firsts(new, scratch)]
            if limit is not None and reached + len(level) > limit:
                level, cut = level[: limit - reached], True
            seen[level] = True
            reached += len(level)
            levels.append(links.where(seen[links.far]) if cut else links)
        return Walk(self, direction, place, tuple(levels), cut)

    def untraced(self, nodes: Iterable[Node], direction: Direction) -> tuple[str, ...]:
        """Datasets that may be among the answers too, since nobody knows their columns' inputs.

        Up, these are the nodes' own datasets; down, those that read one of them.
        """
        # Of a column that nothing was told of, its dataset is known all the same.
        own = {self.names.places.get(node.dataset) for node in nodes if node.column}
        return self._untraced_in(
            np.array(sorted(p for p in own if p is not None), np.int64), direction
        )

    def untraced_by(self, nodes: Ints, direction: Direction) -> tuple[str, ...]:
        """The same of nodes by number."""
        known = self.names
        return self._untraced_in(known.dataset_of[nodes[~known.is_whole[nodes]]], direction)

    def _untraced_in(self, datasets: Ints, direction: Direction) -> tuple[str, ...]:
        """The same of datasets by place, of which columns are asked about."""
        known = self.names
        reached = np.zeros(len(known.ids), np.bool_)
        reached[datasets] = True
        found = self._untraced
        if direction == "up":
            found = found & reached
        elif found.any():
            # There are few of them: what they read is looked at, and not who reads all that is reached.
            wholes = known.whole_of[found]
            links = self.links(wholes[wholes >= 0], "up")
            reads = (links.ways == Ways.PLAIN) & reached[known.dataset_of[links.far]]
            found = np.zeros(len(known.ids), np.bool_)
            found[known.dataset_of[links.near[reads]]] = True
        return tuple(sorted(known.shown[p] for p in np.flatnonzero(found)))

    @cached_property
    def _untraced(self) -> Flags:
        """By place of dataset: made from others, and no job tells what its columns are made from."""
        spans, statements = self.history.spans, self.history.statements
        said = np.flatnonzero(self.holding)
        dataset = self.names.canonical[spans.dataset[said]]
        place = spans.statement[said]
        found, told = (np.zeros(len(self.names.ids), np.bool_) for _ in range(2))
        found[dataset[statements.reads[place]]] = True
        told[dataset[statements.tells[place]]] = True
        return found & ~told & ~self.names.transient


@dataclass(frozen=True, eq=False)
class Walk:
    """The answer to a walk: ``levels[n]`` are the edges n + 1 steps away, as numbers.

    ``start`` is the node's number, -1 if nothing was told of it. ``cut`` says that there is more.
    Iterating gives every edge, level by level, those of one node in the order of their names.
    """

    graph: Graph
    direction: Direction
    start: int
    levels: tuple[Links, ...]
    cut: bool

    def __iter__(self) -> Iterator[Found]:
        order = {self.start: 0}
        for depth, links in enumerate(self.levels, 1):
            known = self.graph.names
            told = [(order[n], known.node(f), n, f, w, s) for n, f, w, s in _each(links)]
            told.sort(key=lambda one: one[:2])
            for _, _, near, far, ways, saying in told:
                order.setdefault(far, len(order))
                yield Found(self.graph._edge(near, far, ways, saying, self.direction), depth)

    def nodes(self) -> tuple[Ints, Ints]:
        """The nodes that it reaches, the start first, the nearest first, and how deep each is."""
        return self._nodes

    @cached_property
    def _nodes(self) -> tuple[Ints, Ints]:
        if self.start < 0:
            return NO_LINKS.near, NO_LINKS.near
        far = np.concatenate([np.array([self.start]), *(links.far for links in self.levels)])
        depth = np.repeat(np.arange(len(self.levels) + 1), [1, *(len(s) for s in self.levels)])
        first = firsts(far, np.empty(int(far.max()) + 1, np.int64))
        return far[first], depth[first]


def _each(links: Links) -> Iterator[tuple[int, int, int, int]]:
    return zip(
        links.near.tolist(), links.far.tolist(), links.ways.tolist(), links.saying.tolist(), strict=True
    )  # fmt: skip


def _without_lookups(links: Links, lookup: Flags) -> Links:
    """Less those that only look keys up where the same is read besides."""
    key = links.near * (int(links.far.max()) + 1) + links.far
    read = np.isin(key, key[links.ways == Ways.PLAIN])
    return links.where(~(lookup & read))
