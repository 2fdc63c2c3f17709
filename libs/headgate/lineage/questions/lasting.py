"""Facets that last, of datasets as the graph of lineage calls them: now, or as of the graph's time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headgate.core import json as hjson
from headgate.lineage import names
from headgate.lineage.store import loading
from headgate.lineage.store.fetching import Fetch, PlainStore, fetching

if TYPE_CHECKING:
    from headgate.lineage.graph import Graph
    from headgate.lineage.store.opening import Store

_IN_ONE_QUERY = 500
#: Facet's value by its name.
Facets = Mapping[str, Any]


def of_datasets(
    store: Store | PlainStore,
    graph: Graph,
    facets: Sequence[str],
    datasets: Iterable[str] | None = None,
) -> dict[str, Facets]:
    """The facets of those names, of all datasets or some, by what the graph calls them.

    Of what several say of one dataset, under whatever name, the newest word counts. What a lake
    does not say itself, the lake may say that it began as.

    Raises:
        LakeError: the store is broken, or cannot be reached.
    """
    known = graph.names
    wanted = None if datasets is None else {known.places[d] for d in datasets if d in known.places}
    found: dict[int, Facets] = {}
    below = loading.below_of(store)
    if below is not None:
        home = loading.home_of(store)

        def spoken(namespace: str) -> str:
            own = home is not None and namespace == names.namespace(below.lake)
            return names.namespace(home or "") if own else namespace

        found = _of_store(below.store, graph, facets, wanted, spoken, below.until)
    for place, told in _of_store(store, graph, facets, wanted, str, None).items():
        found[place] = {**found.get(place, {}), **told}
    return {known.shown[place]: told for place, told in found.items()}


def _of_store(
    store: Store | PlainStore,
    graph: Graph,
    facets: Sequence[str],
    wanted: set[int] | None,
    spoken: Callable[[str], str],
    until: int | None,
) -> dict[int, Facets]:
    """Facets by place of dataset: of each the value that held then and was said last."""
    newest: dict[tuple[int, str], tuple[int, int]] = {}
    with fetching(store) as fetch:
        for namespace, name, facet, begin, end, value in _facts(fetch, graph, facets, wanted, spoken):  # fmt: skip
            place = graph.names.places.get(f"{spoken(namespace)}/{name}")
            if place is None or (wanted is not None and place not in wanted):
                continue
            at = until if graph.at is None else int(graph.at[place])
            at = at if at is None or until is None else min(at, until)
            holds = end is None if at is None else begin <= at and (end is None or at < end)
            if holds and (begin, value) > newest.get((place, facet), (-(2**63), 0)):
                newest[place, facet] = begin, value
        values = _values(fetch, {value for _, value in newest.values()})
    found: dict[int, dict[str, Any]] = {}
    for (place, facet), (_, value) in newest.items():
        if not (isinstance(values[value], dict) and values[value].get("_deleted")):
            found.setdefault(place, {})[facet] = values[value]
    return dict(found)


def _facts(
    fetch: Fetch,
    graph: Graph,
    facets: Sequence[str],
    wanted: set[int] | None,
    spoken: Callable[[str], str],
) -> Iterator[tuple[str, str, str, int, int | None, int]]:
    """Rows of the facts of all datasets, or of those that may be wanted."""
    listed = ", ".join(f"'{facet}'" for facet in facets)
    query = (
        "SELECT d.namespace, d.name, f.facet, f.from_at, f.to_at, f.value_id FROM fact f"
        " JOIN dataset d ON d.id = f.subject_id"
        f" WHERE f.subject = 'dataset' AND f.facet IN ({listed})"
    )
    if wanted is None:
        yield from fetch(query)
        return
    known, numbers = graph.names, []
    for number, namespace, name in fetch("SELECT id, namespace, name FROM dataset"):
        if known.places.get(f"{spoken(namespace)}/{name}") in wanted:
            numbers.append(number)
    for some in portions(numbers):
        yield from fetch(f"{query} AND f.subject_id IN ({some})")


def _values(fetch: Fetch, numbers: Iterable[int]) -> dict[int, Any]:
    found = {}
    for some in portions(sorted(numbers)):
        for number, body in fetch(f"SELECT id, body FROM fact_value WHERE id IN ({some})"):
            found[number] = unpacked(body)
    return found


def portions(numbers: Sequence[int]) -> Iterator[str]:
    """Numbers as lists for SQL, of which none is too long."""
    for start in range(0, len(numbers), _IN_ONE_QUERY):
        yield ", ".join(map(str, numbers[start : start + _IN_ONE_QUERY]))


def unpacked(body: bytes) -> Any:
    """A JSON value that the store keeps packed."""
    return hjson.loads(zlib.decompress(body))


def owners(told: Facets) -> tuple[str, ...]:
    """Whom an ownership facet names."""
    listed = (told.get("ownership") or {}).get("owners") or ()
    return tuple(str(o["name"]) for o in listed if isinstance(o, dict) and o.get("name"))
