"""The graph that lineage events add up to: datasets and columns, what they are made from, what they serve."""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from headgate.core.errors import NotFoundError
from headgate.lineage.names import GATE
from headgate.lineage.steps import Caller, ColumnInput

Direction = Literal["up", "down"]


class Node(NamedTuple):
    """A dataset, one of its columns, or (column ``*``) which rows it has."""

    dataset: str
    column: str = ""

    def __str__(self) -> str:
        if self.column == ROWS:
            return f"{self.dataset} (which rows)"
        return f"{self.dataset}.{self.column}" if self.column else self.dataset


#: The column of a node that stands for which rows a dataset has, and which of them met.
ROWS = "*"


class Edge(NamedTuple):
    """``target`` follows from ``source``, as the newest event of ``job`` says.

    ``ways`` are pairs of OpenLineage's type and subtype, sorted. Between datasets there are none,
    or INDIRECT LOOKUP where only the gate looks keys up; INDIRECT ROWS leads from the rows of a
    dataset to those of another, and to its own columns.
    """

    source: Node
    target: Node
    ways: tuple[tuple[str, str], ...]
    job: str

    @property
    def direct(self) -> bool:
        """Whether the target is made of the source, or the source only decides what it is."""
        return not self.ways or any(kind == "DIRECT" for kind, _ in self.ways)


class Found(NamedTuple):
    """An edge of a walk; ``depth`` counts from 1."""

    edge: Edge
    depth: int


@dataclass(frozen=True)
class Made:
    """What the newest event says of one dataset: what it is made from, and by which job.

    ``inputs`` are datasets and declared sources; ``looked_up`` those that its gate looks keys up
    in. ``columns`` maps column to its inputs, empty where they could not be traced; ``rows`` are
    the inputs of which rows there are. ``by`` is who outside called for it, such as a task.
    """

    dataset: str
    job: str
    at: str
    run: str
    inputs: tuple[str, ...]
    columns: Mapping[str, tuple[ColumnInput, ...]]
    rows: tuple[ColumnInput, ...]
    looked_up: tuple[str, ...] = ()
    by: Caller | None = None


@dataclass(frozen=True)
class Graph:
    """All that is known of what is made from what.

    ``made`` has every dataset that some job wrote, ``columns`` those of everything spoken of.
    """

    made: Mapping[str, Made] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def _up(self) -> Mapping[Node, list[Edge]]:
        """Edges by what they lead to."""
        found: dict[Node, list[Edge]] = {}
        for edge in _edges(self.made.values()):
            found.setdefault(edge.target, []).append(edge)
        return found

    @cached_property
    def _down(self) -> Mapping[Node, list[Edge]]:
        """Edges by what they come from. That a dataset's rows decide its own columns is left out:
        each of them would be told to follow, whatever the question."""
        found: dict[Node, list[Edge]] = {}
        for edge in _edges(self.made.values()):
            if edge.source != Node(edge.target.dataset, ROWS):
                found.setdefault(edge.source, []).append(edge)
        return found

    def find(self, text: str) -> Node:
        """The dataset or column that ``text`` names.

        Raises:
            NotFoundError: there is none; the message has the nearest that there is.
        """
        if text in self.columns:
            return Node(text)
        dataset, _, column = text.rpartition(".")
        if column in self.columns.get(dataset, ()):
            return Node(dataset, column)
        if not self.made:
            raise NotFoundError(
                "no lineage yet: nothing was ever built here.", remedy="headgate run makes some."
            )
        if dataset in self.columns:
            near = difflib.get_close_matches(column, self.columns[dataset], 3, 0.3)
            told = ", ".join(near or self.columns[dataset])
            raise NotFoundError(f"{dataset} has no column {column!r}.", remedy=f"It has {told}.")
        near = difflib.get_close_matches(text, self.columns, 3, 0.4)
        near = near or difflib.get_close_matches(dataset, self.columns, 3, 0.4)
        raise NotFoundError(
            f"lineage knows no {text!r}.",
            remedy=f"Perhaps {' or '.join(near)}."
            if near
            else "headgate show datasets lists them.",
        )

    def untraced(self, nodes: Iterable[Node], direction: Direction) -> tuple[str, ...]:
        """Datasets that may be among the answers too, since nobody knows their columns' inputs.

        Up, these are the nodes' own datasets; down, those that read one of them.
        """
        datasets = {n.dataset for n in nodes if n.column}
        return tuple(
            sorted(
                one.dataset
                for one in self.made.values()
                if one.inputs and not one.columns
                and (one.dataset in datasets if direction == "up" else datasets & set(one.inputs))
            )
        )  # fmt: skip

    def edges(self, node: Node, direction: Direction) -> Sequence[Edge]:
        """What a node follows from (``up``) or what follows from it (``down``), one step away."""
        return (self._up if direction == "up" else self._down).get(node, ())

    def walk(
        self,
        start: Node,
        direction: Direction,
        *,
        depth: int | None = None,
        indirect: bool = True,
    ) -> Iterator[Found]:
        """Every edge that leads away from ``start``, each once, the nearest first; cycles end.

        Args:
            start: where to begin.
            direction: ``up`` to what it follows from, ``down`` to what follows from it.
            depth: go no more steps than that.
            indirect: follow also what only decides which value or row is taken.
        """
        seen, waiting = {start}, deque([(start, 1)])
        while waiting:
            node, level = waiting.popleft()
            if depth is not None and level > depth:
                return
            for edge in self.edges(node, direction):
                if not (indirect or edge.direct):
                    continue
                yield Found(edge, level)
                other = edge.source if direction == "up" else edge.target
                if other not in seen:
                    seen.add(other)
                    waiting.append((other, level + 1))


def _edges(made: Iterable[Made]) -> Iterator[Edge]:
    """Every edge once, with all its ways."""
    for one in made:
        dataset, rows = Node(one.dataset), Node(one.dataset, ROWS)
        for other in one.inputs:
            yield Edge(Node(other), dataset, (), one.job)
        for other in one.looked_up:
            if other not in one.inputs:
                yield Edge(Node(other), dataset, (("INDIRECT", "LOOKUP"),), f"{one.dataset}.{GATE}")
        for column, inputs in one.columns.items():
            yield from _made_of(inputs, Node(one.dataset, column), one.job)
            if one.rows:
                yield Edge(rows, Node(one.dataset, column), (("INDIRECT", "ROWS"),), one.job)
        yield from _made_of(one.rows, rows, one.job)
        for other in one.inputs:
            yield Edge(Node(other, ROWS), rows, (("INDIRECT", "ROWS"),), one.job)


def _made_of(inputs: Iterable[ColumnInput], target: Node, job: str) -> Iterator[Edge]:
    ways: dict[Node, set[tuple[str, str]]] = {}
    for i in inputs:
        ways.setdefault(Node(i.dataset, i.column), set()).add((i.type, i.subtype))
    for source, found in sorted(ways.items()):
        yield Edge(source, target, tuple(sorted(found)), job)
