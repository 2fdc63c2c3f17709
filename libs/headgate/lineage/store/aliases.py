"""Other names of one dataset added up: each dataset's row says which one stands for all of them.

The outcome follows from the set of aliases alone, in whatever order they came. A dataset of a lake
stands for the names that lead to it, the nearest where there are several, of those the first in
order; two datasets of lakes are never one. Elsewhere a name by which events told of a dataset
stands for what they said it is called too, and among several the first in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import sqlalchemy as sa

from headgate.lineage import names
from headgate.lineage.store import tables
from headgate.lineage.store.matching import matching
from headgate.lineage.store.naming import SYMLINK, Named, implied, implying

#: A row of ``alias``: dataset, its other name, and why.
Pair = tuple[int, int, str]
_AT_ONCE = 400
T = TypeVar("T")


@dataclass(frozen=True)
class Contested:
    """A name that leads to several datasets of lakes: which it is taken for, and all of them."""

    named: Named
    taken_for: Named
    claimed_by: tuple[Named, ...]


def record(
    connection: sa.Connection, pairs: Iterable[Pair], fresh: Collection[int], revision: int
) -> frozenset[int]:
    """Write aliases down and settle which dataset stands for which.

    Args:
        connection: in a transaction that alone takes events.
        pairs: symlinks, new ones or known; their datasets are rows already. What is implied is
            looked for here.
        fresh: datasets that are new, with aliases or without.
        revision: what rows that change are marked with.

    Returns:
        The datasets that now stand for, or are stood for by, another one than before.
    """
    added = _add(connection, [*pairs, *_implied(connection, fresh)])
    touched = {one for a, b, _ in added for one in (a, b)}
    alone = set(fresh) - touched
    for some in _portions(sorted(alone)):
        connection.execute(
            tables.dataset.update()
            .where(tables.dataset.c.id.in_(some))
            .values(canonical_id=tables.dataset.c.id, revision=revision)
        )
    if not touched:
        return frozenset()
    joined, nodes, before = _around(connection, touched)
    after = settle(nodes, joined)
    changed = [one for one in nodes if before[one] != after[one]]
    if changed:
        connection.execute(
            tables.dataset.update()
            .where(tables.dataset.c.id == sa.bindparam("one"))
            .values(canonical_id=sa.bindparam("stands"), revision=revision),
            [{"one": one, "stands": after[one]} for one in changed],
        )
    return frozenset(changed) - alone


def settle(nodes: Mapping[int, Named], pairs: Iterable[Pair]) -> dict[int, int]:
    """For every node the one that stands for it, itself at times."""
    links = _Links(nodes, pairs)
    found = links.from_lakes(links.lakes)
    for node in nodes:
        if node in found:
            continue
        group = set(links.reach([node], links.firm))
        told = links.told & group
        # What dies with its process stands for nothing that lives longer.
        best = min(group, key=lambda n: (nodes[n].transient, n not in told, nodes[n][:2]))
        found |= dict.fromkeys(group, best)
    return found


def contested(connection: sa.Connection) -> tuple[Contested, ...]:
    """Every name that leads to several datasets of lakes, in order: what events say of it disagrees."""
    pairs = [_pair(row) for row in connection.execute(sa.select(tables.alias))]
    nodes = _nodes(connection, {one for a, b, _ in pairs for one in (a, b)})[0]
    links = _Links(nodes, pairs)
    claims: dict[int, list[int]] = {}
    for lake in links.lakes:
        for node in links.from_lakes([lake]):
            claims.setdefault(node, []).append(lake)
    taken = links.from_lakes(links.lakes)
    found = [
        Contested(nodes[node], nodes[taken[node]], tuple(sorted(nodes[one] for one in lakes)))
        for node, lakes in claims.items()
        if len(lakes) > 1
    ]
    return tuple(sorted(found, key=lambda one: one.named))


class _Links:
    """Names that are connected, as far as that holds."""

    def __init__(self, nodes: Mapping[int, Named], pairs: Iterable[Pair]) -> None:
        self.firm: dict[int, list[int]] = {}
        self.of_lake: dict[int, list[int]] = {}
        self.told: set[int] = set()
        for one, other, source in pairs:
            if source == SYMLINK:
                self.told.add(one)
                for links in (self.firm, self.of_lake):
                    links.setdefault(one, []).append(other)
                    links.setdefault(other, []).append(one)
            else:  # says what a name means if the other is a lake's, and nothing otherwise
                self.of_lake.setdefault(other, []).append(one)
        ours = (n for n in nodes if names.lake_of(nodes[n].namespace) is not None)
        self.lakes = sorted(ours, key=lambda n: nodes[n])

    def from_lakes(self, starts: Sequence[int]) -> dict[int, int]:
        """Every node that leads to one of these datasets of lakes, with the nearest of them."""
        found = {one: one for one in starts}
        barred = set(self.lakes).difference(starts)
        waiting = deque(starts)
        while waiting:
            node = waiting.popleft()
            for other in self.of_lake.get(node, ()):
                if other not in found and other not in barred:
                    found[other] = found[node]
                    waiting.append(other)
        return found

    def reach(self, starts: Sequence[int], links: Mapping[int, Sequence[int]]) -> Iterator[int]:
        """The nodes that these are connected with, and themselves."""
        seen, waiting = set(starts), deque(starts)
        while waiting:
            node = waiting.popleft()
            yield node
            fresh = [other for other in links.get(node, ()) if other not in seen]
            seen.update(fresh)
            waiting.extend(dict.fromkeys(fresh))


def _implied(connection: sa.Connection, fresh: Collection[int]) -> Iterator[Pair]:
    """Aliases between new names and any, that follow from the names; none makes a row of its own."""
    found = _nodes(connection, fresh)[0]
    wanted: dict[tuple[str, str], list[tuple[int, str, bool]]] = {}
    for one, named in found.items():
        for alias in implied(named):
            wanted.setdefault(alias.other[:2], []).append((one, alias.source, True))
        for alias in implying(named):
            wanted.setdefault(alias.other[:2], []).append((one, alias.source, False))
    columns = ("id", "namespace", "name")
    for number, *name in matching(
        connection, tables.dataset, columns[1:], sorted(wanted), wanted=columns
    ):
        for one, source, forth in wanted[tuple(name)]:
            yield (one, number, source) if forth else (number, one, source)


def _add(connection: sa.Connection, pairs: Iterable[Pair]) -> list[Pair]:
    """Write down the aliases that are not known; a symlink says more than what is only implied."""
    given: dict[tuple[int, int], str] = {}
    for one, other, source in pairs:
        given[one, other] = min(source, given.get((one, other), source), key=_firmness)
    known: dict[tuple[int, int], str] = {}
    for some in _portions(sorted({one for one, _ in given})):
        rows = connection.execute(
            sa.select(tables.alias).where(tables.alias.c.dataset_id.in_(some))
        )
        known |= {(one, other): source for one, other, source in map(_pair, rows)}
    new = [(*pair, source) for pair, source in given.items() if pair not in known]
    firmer = [
        (*pair, source)
        for pair, source in given.items()
        if pair in known and _firmness(source) < _firmness(known[pair])
    ]
    if firmer:
        connection.execute(
            tables.alias.update()
            .where(tables.alias.c.dataset_id == sa.bindparam("one"))
            .where(tables.alias.c.other_id == sa.bindparam("other"))
            .values(source=sa.bindparam("why")),
            [{"one": one, "other": other, "why": why} for one, other, why in firmer],
        )
    if new:
        connection.execute(
            tables.alias.insert(),
            [{"dataset_id": one, "other_id": other, "source": why} for one, other, why in new],
        )
    return [*new, *firmer]


def _firmness(source: str) -> tuple[bool, str]:
    """What an event says comes before what is only implied."""
    return source != SYMLINK, source


def _around(
    connection: sa.Connection, start: Collection[int]
) -> tuple[list[Pair], dict[int, Named], dict[int, int | None]]:
    """All that is connected with these: aliases, names, and what stands for each as yet."""
    alias = tables.alias.c
    pairs: set[Pair] = set()
    seen, waiting = set(start), sorted(start)
    while waiting:
        found: set[Pair] = set()
        for some in _portions(waiting):
            for column in (alias.dataset_id, alias.other_id):
                rows = connection.execute(sa.select(tables.alias).where(column.in_(some)))
                found.update(map(_pair, rows))
        pairs |= found
        waiting = sorted({one for a, b, _ in found for one in (a, b)} - seen)
        seen.update(waiting)
    nodes, before = _nodes(connection, seen)
    return sorted(pairs), nodes, before


def _nodes(
    connection: sa.Connection, ids: Collection[int]
) -> tuple[dict[int, Named], dict[int, int | None]]:
    row = tables.dataset.c
    nodes: dict[int, Named] = {}
    stands: dict[int, int | None] = {}
    for some in _portions(sorted(ids)):
        for found in connection.execute(sa.select(tables.dataset).where(row.id.in_(some))):
            nodes[found.id] = Named(found.namespace, found.name, found.transient)
            stands[found.id] = found.canonical_id
    return nodes, stands


def _pair(row: sa.Row[tuple[int, int, str]]) -> Pair:
    return row.dataset_id, row.other_id, row.source


def _portions(ids: Iterable[T]) -> Iterator[list[T]]:
    """So many at once as a database takes in one query."""
    remaining = iter(ids)
    while some := list(islice(remaining, _AT_ONCE)):
        yield some
