"""Datasets that are made from each other, so that they have no order."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError

from headgate.orchestration.order import Graph, downstream, ordered, upstream


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
    return upstream(graph, circle[0]) & downstream(graph, circle[:1]) | set(circle)
