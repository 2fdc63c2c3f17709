"""Datasets in the order of what they are made from, and those that have no such order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

Graph = Mapping[str, Sequence[str]]


def ordered(graph: Graph) -> list[str]:
    """The datasets so that each comes after those it is made from; ties in id order.

    Raises:
        CycleError: there is no such order.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter({d: sorted(graph[d]) for d in sorted(graph)})
    return [d for d in sorter.static_order() if d in graph]


def circles(graph: Graph) -> list[list[str]]:
    """A circle for each knot of datasets that are made from each other: each is made from the next,
    and the last from the first. What is only made from those of a knot is in none."""
    left = dict(graph)
    found: list[list[str]] = []
    while True:
        try:
            ordered(left)
        except CycleError as error:
            # Each before the one that is made from it, and the first again at the end.
            circle = list(reversed(error.args[1]))[:-1]
        else:
            return found
        first = circle.index(min(circle))
        found.append(circle[first:] + circle[:first])
        for dataset in whole(circle, left):
            del left[dataset]


def whole(circle: Sequence[str], graph: Graph) -> set[str]:
    """All of the knot that a circle is part of: what it is made from and is made from it."""
    readers: dict[str, list[str]] = {}
    for dataset, inputs in graph.items():
        for one in inputs:
            readers.setdefault(one, []).append(dataset)
    return _reached(circle[0], graph) & _reached(circle[0], readers) | set(circle)


def _reached(start: str, graph: Graph) -> set[str]:
    found, waiting = set[str](), [start]
    while waiting:
        for one in graph.get(waiting.pop(), ()):
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found
