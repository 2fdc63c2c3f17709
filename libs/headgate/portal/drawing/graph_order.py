"""In which order the nodes of each column of a drawn graph stand, so that few edges cross."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

#: So often the columns are gone through, there and back; after a round that mends nothing no more.
_ROUNDS = 4

#: What each node is joined to in the columns beside its own.
Neighbours = Sequence[Sequence[int]]


def ordered(columns: list[list[int]], left: Neighbours, right: Neighbours) -> list[list[int]]:
    """The columns with their nodes in order, by the means of where their neighbours stand.

    Args:
        columns: numbers of nodes by column.
        left: by node, those in the column before that are joined to it.
        right: those in the column behind.
    """
    place = [0] * len(left)
    _number(columns, place)
    now = [list(column) for column in columns]
    best, fewest = [list(column) for column in now], crossings(now, right, place)
    for _ in range(_ROUNDS):
        if not fewest:
            break
        for column in now[1:]:
            _sort(column, left, place)
        for column in reversed(now[:-1]):
            _sort(column, right, place)
        count = crossings(now, right, place)
        if count >= fewest:
            break
        best, fewest = [list(column) for column in now], count
    return best


def crossings(columns: Sequence[Sequence[int]], right: Neighbours, place: Sequence[int]) -> int:
    """How many pairs of edges between columns side by side cross."""
    found = 0
    for column in columns[:-1]:
        seen: list[int] = []
        for node in column:
            ends = [place[other] for other in right[node]]
            found += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return found


def _number(columns: Sequence[Sequence[int]], place: list[int]) -> None:
    for column in columns:
        for number, node in enumerate(column):
            place[node] = number


def _sort(column: list[int], beside: Neighbours, place: list[int]) -> None:
    """By the mean of the neighbours; who has none stays where it is among the others."""
    wanted = {}
    for node in column:
        others = beside[node]
        wanted[node] = sum(place[o] for o in others) / len(others) if others else float(place[node])
    column.sort(key=wanted.__getitem__)
    for number, node in enumerate(column):
        place[node] = number
