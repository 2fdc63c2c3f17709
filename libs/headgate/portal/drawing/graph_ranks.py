"""In which column of a drawn graph each node stands: edges lead one way, but those that close a circle."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

#: From node to node, by number.
Pair = tuple[int, int]


def turned(count: int, pairs: Sequence[Pair]) -> frozenset[Pair]:
    """The pairs that have to be turned around so that no circle is left; as few as a walk finds.

    The walk begins where nothing leads to, and goes in the order of numbers, so that the same graph
    is always broken at the same place. A node that leads to itself is not asked about.
    """
    following: list[list[int]] = [[] for _ in range(count)]
    leading = [0] * count
    for source, target in pairs:
        if source != target:
            following[source].append(target)
            leading[target] += 1
    order = [n for n in range(count) if not leading[n]] + [n for n in range(count) if leading[n]]
    found: set[Pair] = set()
    state = bytearray(count)  # 0 not seen, 1 on the way, 2 done
    for first in order:
        if state[first]:
            continue
        state[first] = 1
        path = [(first, iter(following[first]))]
        while path:
            node, rest = path[-1]
            for target in rest:
                if state[target] == 1:
                    found.add((node, target))
                elif not state[target]:
                    state[target] = 1
                    path.append((target, iter(following[target])))
                    break
            else:
                state[node] = 2
                path.pop()
    return frozenset(found)


def ranks(count: int, pairs: Sequence[Pair]) -> list[int]:
    """The column of each node of a graph without circles: right of all that leads to it.

    What more leads away from than to it is moved as near as it can to what it leads to, so that few
    edges are long.
    """
    following: list[list[int]] = [[] for _ in range(count)]
    leading = [0] * count
    for source, target in pairs:
        following[source].append(target)
        leading[target] += 1
    missing, found = list(leading), [0] * count
    ready = deque(n for n in range(count) if not leading[n])
    order: list[int] = []
    while ready:
        node = ready.popleft()
        order.append(node)
        for target in following[node]:
            found[target] = max(found[target], found[node] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    for node in reversed(order):
        if following[node] and len(following[node]) > leading[node]:
            found[node] = min(found[target] for target in following[node]) - 1
    first = min(found, default=0)
    return [rank - first for rank in found]
