"""How high the nodes of a drawn graph stand: near to what they are joined to, and none upon another."""

from __future__ import annotations

from collections.abc import Sequence

#: A node's number, and how far above or below its own middle and the node's the edge between them ends.
Joined = tuple[int, float, float]
_SWEEPS = 3


def heights(
    columns: Sequence[Sequence[int]],
    sizes: Sequence[float],
    weights: Sequence[float],
    left: Sequence[Sequence[Joined]],
    right: Sequence[Sequence[Joined]],
    gap: float,
) -> list[float]:
    """The middle of each node.

    Args:
        columns: numbers of nodes by column, from above.
        sizes: how high each is.
        weights: how much it counts that a node stands where it would.
        left: by node, what it is joined to in the column before.
        right: in the column behind.
        gap: between two nodes of one column at least.
    """
    middle = [0.0] * len(sizes)
    for column in columns:
        below = -sum(sizes[n] for n in column) / 2 - gap * (len(column) - 1) / 2
        for node in column:
            middle[node] = below + sizes[node] / 2
            below += sizes[node] + gap
    for _ in range(_SWEEPS):
        for column in columns[1:]:
            _settle(column, left, middle, sizes, weights, gap)
        for column in reversed(columns[:-1]):
            _settle(column, right, middle, sizes, weights, gap)
    return middle


def _settle(
    column: Sequence[int],
    joined: Sequence[Sequence[Joined]],
    middle: list[float],
    sizes: Sequence[float],
    weights: Sequence[float],
    gap: float,
) -> None:
    """Move the nodes of a column as near as they come to what they are joined to on one side.

    The sum of the squares of what is left to each is the least: neighbours that would stand upon one
    another become a block, which stands where the mean of its nodes would.
    """
    blocks: list[tuple[float, float, int]] = []  # the height, the weight, how many nodes it has
    offset, before = 0.0, None
    for node in column:
        if before is not None:
            offset += (sizes[before] + sizes[node]) / 2 + gap
        before = node
        others = joined[node]
        wanted = middle[node]
        if others:
            wanted = sum(middle[o] + theirs - own for o, own, theirs in others) / len(others)
        block = (wanted - offset, weights[node], 1)
        while blocks and blocks[-1][0] >= block[0]:
            height, weight, count = blocks.pop()
            both = weight + block[1]
            block = ((height * weight + block[0] * block[1]) / both, both, count + block[2])
        blocks.append(block)
    offset, place = 0.0, 0
    for height, _, count in blocks:
        for _ in range(count):
            node = column[place]
            if place:
                offset += (sizes[column[place - 1]] + sizes[node]) / 2 + gap
            middle[node] = height + offset
            place += 1
