"""What depends on what, and which datasets a selection means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter

from headgate.contracts.model import ContractSet
from headgate.core.errors import ContractError, UsageError

#: Dataset id to the ids of the datasets it is made from.
Graph = Mapping[str, Sequence[str]]


def topological(graph: Graph) -> list[str]:
    """The datasets so that each comes after those it is made from; ties in id order.

    Raises:
        ContractError: they depend on each other in a circle.
    """
    try:
        return ordered(graph)
    except CycleError as error:
        raise ContractError(
            f"datasets depend on each other: {' -> '.join(error.args[1])}."
        ) from None


def ordered(graph: Graph) -> list[str]:
    """The same, for who can tell more of a circle.

    Raises:
        CycleError: there is no such order.
    """
    sorter: TopologicalSorter[str] = TopologicalSorter({d: sorted(graph[d]) for d in sorted(graph)})
    return [d for d in sorter.static_order() if d in graph]


def parents_first(contracts: ContractSet, datasets: Iterable[str]) -> list[str]:
    """The datasets so that each comes after those that its foreign keys refer to."""
    named = list(datasets)
    known = set(named)
    refer = {d: known.intersection(contracts[d].parents) for d in named}
    ordered: dict[str, None] = {}
    while named:
        # Where they refer to each other in a circle, the first that was named comes first.
        one = next((d for d in named if refer[d] <= ordered.keys()), named[0])
        ordered[one] = None
        named.remove(one)
    return list(ordered)


def upstream(graph: Graph, dataset: str) -> set[str]:
    """Everything that a dataset is made from, near and far."""
    found: set[str] = set()
    waiting = list(graph.get(dataset, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += graph.get(one, ())
    return found


def downstream(graph: Graph, datasets: Iterable[str]) -> set[str]:
    """Everything that is made from any of the datasets, near and far."""
    readers: dict[str, list[str]] = {}
    for dataset, inputs in graph.items():
        for one in inputs:
            readers.setdefault(one, []).append(dataset)
    found: set[str] = set()
    waiting = list(datasets)
    while waiting:
        for reader in readers.get(waiting.pop(), ()):
            if reader not in found:
                found.add(reader)
                waiting.append(reader)
    return found


def select(contracts: ContractSet, graph: Graph, patterns: Sequence[str]) -> set[str]:
    """The datasets that the patterns mean; all if there are none.

    A pattern is a dataset id or a dbt model's name, may hold ``*``, and may have a ``+`` before
    (with what it is made from) or after it (with what is made from it).

    Raises:
        UsageError: a pattern means nothing.
    """
    mine = {d: c for d, c in contracts.items() if c.source or c.curated}
    if not patterns:
        return set(mine)
    chosen: set[str] = set()
    for pattern in patterns:
        name = pattern.strip("+")
        hits = {
            d
            for d, c in mine.items()
            if fnmatchcase(d, name) or (c.model and fnmatchcase(c.model, name))
        }
        if not hits:
            raise UsageError(
                f"--select {pattern!r} means no dataset.", remedy=f"Known: {', '.join(mine)}."
            )
        if pattern.startswith("+"):
            for hit in list(hits):
                hits |= upstream(graph, hit)
        if pattern.endswith("+"):
            hits |= downstream(graph, hits)
        chosen |= hits
    return chosen
