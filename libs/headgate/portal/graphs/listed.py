"""The edges of a graph as rows of a table: from, to, how, by which job and run, since when; a page at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from headgate.core.errors import NotFoundError
from headgate.lineage.graph import Graph, Node
from headgate.lineage.graph_arrays import Ints
from headgate.lineage.graph_history import STILL
from headgate.lineage.store import instants
from headgate.lineage.store.fetching import PlainStore, fetching
from headgate.portal.graphs.reached import ADDED, GONE, Reached
from headgate.portal.graphs.words import how

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store

_CHANGES = {ADDED: "new", GONE: "gone"}


@dataclass(frozen=True)
class Listed:
    """An edge. ``since`` is when it was first said so and ever since, ``run`` the run of the lake that
    said it then, empty if nobody knows; ``distance`` counts from where the question began."""

    source: Node
    target: Node
    how: str
    direct: bool
    job: str
    run: str
    since: datetime | None
    distance: int
    change: str


@dataclass(frozen=True)
class Page:
    """Some of the edges, the nearest first; ``next`` is the key of the next page, None on the last."""

    edges: tuple[Listed, ...]
    total: int
    next: str | None


def page(store: Store | PlainStore, reached: Reached, *, after: str = "", limit: int = 50) -> Page:
    """One page of the edges.

    Raises:
        NotFoundError: ``after`` is no key of a page.
        LakeError: the store is broken, or cannot be reached.
    """
    keys = np.stack(
        [reached.distance, reached.source, reached.target, reached.ways, reached.saying], axis=1
    )
    order = np.lexsort(keys.T[::-1])
    begin = _place(keys[order], after) if after else 0
    chosen = order[begin : begin + limit]
    last = keys[chosen[-1]].tolist() if len(chosen) else []
    told = _told(store, reached, chosen)
    more = begin + limit < len(order)
    return Page(told, len(order), ".".join(map(str, last)) if more else None)


def _place(keys: Ints, after: str) -> int:
    """How many of the keys, which are sorted, come before the page."""
    parts = after.split(".")
    if len(parts) != keys.shape[1] or not all(p.isdigit() and len(p) < 16 for p in parts):
        raise NotFoundError("there is no such page.", remedy="Begin without `after`.")
    begin, end = 0, len(keys)
    for column, part in enumerate(parts):
        value = int(part)
        some = keys[begin:end, column]
        last = column == keys.shape[1] - 1
        first = begin + int(np.searchsorted(some, value, "right" if last else "left"))
        if last:
            return first
        begin, end = first, begin + int(np.searchsorted(some, value, "right"))
    return begin


def _told(store: Store | PlainStore, reached: Reached, chosen: Ints) -> tuple[Listed, ...]:
    names = reached.graph.names
    gone = reached.change[chosen] == GONE
    begins = _begins(reached.graph, reached.saying[chosen[~gone]])
    if reached.other is not None:
        begins |= _begins(reached.other, reached.saying[chosen[gone]])
    runs = _runs(store, reached.graph, begins)
    found = []
    for edge in chosen.tolist():
        saying = int(reached.saying[edge])
        since = begins.get(saying)
        found.append(
            Listed(
                source=names.node(int(reached.source[edge])),
                target=names.node(int(reached.target[edge])),
                how=how(reached, edge),
                direct=bool(reached.graph.ways.direct[reached.ways[edge]]),
                job=reached.graph.job(saying)[1],
                run=runs.get(saying, ""),
                since=instants.moment(since) if since is not None else None,
                distance=int(reached.distance[edge]),
                change=_CHANGES.get(int(reached.change[edge]), ""),
            )
        )
    return tuple(found)


def _begins(graph: Graph, sayings: Ints) -> dict[int, int]:
    """By saying, since when it holds that held then."""
    spans = graph.history.spans
    some = np.flatnonzero(np.isin(spans.saying, sayings))
    of = graph.names.canonical[spans.dataset[spans.saying[some]]]
    if graph.at is None:
        some = some[spans.end[some] == STILL]
    else:
        at = graph.at[of]
        some = some[(spans.begin[some] <= at) & (at < spans.end[some])]
    return dict(zip(spans.saying[some].tolist(), spans.begin[some].tolist(), strict=True))


def _runs(store: Store | PlainStore, graph: Graph, begins: dict[int, int]) -> dict[int, str]:
    """By saying the run of the lake that said it at that instant, where a run of a lake did."""
    spans, ids = graph.history.spans, graph.names.ids
    wanted = {s: (int(ids[spans.dataset[s]]), at) for s, at in begins.items()}
    if not wanted:
        return {}
    datasets = _listed(dataset for dataset, _ in wanted.values())
    times = _listed(at for _, at in wanted.values())
    with fetching(store) as fetch:
        rows = fetch(
            "SELECT d.dataset_id, d.stated_at, coalesce(r.whole, '') FROM run_dataset d"
            " JOIN run r ON r.id = d.run_id"
            f" WHERE d.dataset_id IN ({datasets}) AND d.slot IS NOT NULL AND d.stated_at IN ({times})"
            " ORDER BY d.run_id"
        )
    known = {(int(dataset), int(at)): str(run) for dataset, at, run in rows}
    return {saying: known.get(key, "") for saying, key in wanted.items()}


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(set(numbers))))
