"""Columns of the measured platform from which a trace has an answer of about a size that is asked for."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from tests.bench.lineage_platform import Platform

Direction = Literal["up", "down"]
_Place = tuple[str, str]
ROWS = "*"
DEPTH = 10
#: So many columns are tried, besides those that everything is made from.
_TRIED = 1500


def starts(
    platform: Platform, direction: Direction, sizes: Sequence[int], count: int
) -> dict[int, list[str]]:
    """For each size so many columns, as text to ask by: those whose answers come nearest to it.

    Answers are as the platform was first built, walked here to depth 10 by a reference of its own.
    """
    graph = _graph(platform, direction)
    chance = random.Random(f"starts {direction}")
    low, high = (1, 3) if direction == "down" else (6, 9)
    offered = [
        (d.id, c) for d in platform.datasets.values()
        if d.kind == "ours" and low <= d.level <= high for c in d.columns
    ]  # fmt: skip
    hubs = [p for p in offered if direction == "down" and p[0].rpartition("_")[2] < "0012"]
    tried = dict.fromkeys([*hubs, *chance.sample(offered, min(_TRIED, len(offered)))])
    found = sorted((reached(graph, place), place) for place in tried)
    return {
        size: [
            ".".join(place) for _, place in sorted(found, key=lambda f: abs(f[0] - size))[:count]
        ]
        for size in sizes
    }


def reached(graph: Mapping[_Place, Sequence[_Place]], start: _Place, depth: int = DEPTH) -> int:
    """How many nodes a walk meets, where it began not counted."""
    seen, front = {start}, [start]
    for _ in range(depth):
        front = list(dict.fromkeys(o for p in front for o in graph.get(p, ()) if o not in seen))
        seen.update(front)
    return len(seen) - 1


def _graph(platform: Platform, direction: Direction) -> Mapping[_Place, Sequence[_Place]]:
    """Neighbours by column; ``*`` is which rows a dataset has."""
    found: dict[_Place, list[_Place]] = defaultdict(list)

    def add(source: _Place, target: _Place) -> None:
        if direction == "down":
            found[source].append(target)
        else:
            found[target].append(source)

    for one in platform.datasets.values():
        for column, inputs in one.made_of.items():
            for i in inputs:
                add((i.dataset, i.column), (one.id, column))
            if one.rows and direction == "up":
                add((one.id, ROWS), (one.id, column))
        for i in one.rows:
            add((i.dataset, i.column), (one.id, ROWS))
        for other in one.inputs:
            add((other, ROWS), (one.id, ROWS))
    return found
