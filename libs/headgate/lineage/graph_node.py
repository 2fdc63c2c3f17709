"""Nodes and edges of the graph of lineage, as values that a program or a person reads."""

from __future__ import annotations

from typing import Literal, NamedTuple

Direction = Literal["up", "down"]

#: The column of a node that stands for which rows a dataset has, and which of them met.
ROWS = "*"


class Node(NamedTuple):
    """A dataset, one of its columns, or (column ``*``) which rows it has."""

    dataset: str
    column: str = ""

    def __str__(self) -> str:
        if self.column == ROWS:
            return f"{self.dataset} (which rows)"
        return f"{self.dataset}.{self.column}" if self.column else self.dataset


class Edge(NamedTuple):
    """``target`` follows from ``source``, as ``job`` last said.

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
