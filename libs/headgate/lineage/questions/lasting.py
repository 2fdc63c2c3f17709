"""Facets that last, of datasets as the graph of lineage calls them: now, or as of the graph's time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.lineage import names
from headgate.lineage.store import loading
from headgate.lineage.store.fetching import Fetch, PlainStore, fetching
from headgate.lineage.store.packing import unpacked

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
    for layer in reversed(layers(store)):
        for place, told in _of_store(layer, graph, facets, wanted).items():
            found[place] = {**found.get(place, {}), **told}
    return {known.shown[place]: told for place, told in found.items()}


@dataclass(frozen=True)
class Layer:
    """One of the stores that add up to an answer: the lake's own, what it began as, and so on.

    Of what it tells nothing later than ``until`` counts; its datasets in namespaces of ``lakes`` are
    those of the ``home`` lake.
    """

    store: Store | PlainStore
    until: int | None = None
    lakes: frozenset[str] = frozenset()
    home: str | None = None

    def spoken(self, namespace: str) -> str:
        """What a namespace is called above."""
        if self.home is not None and names.lake_of(namespace) in self.lakes:
            return names.namespace(self.home)
        return namespace


def layers(store: Store | PlainStore) -> list[Layer]:
    """The store itself, then what its lake began as, from the newest on."""
    found, home = [Layer(store)], loading.home_of(store)
    below, until, lakes = loading.below_of(store), None, frozenset[str]()
    while below is not None:
        until = below.until if until is None else min(until, below.until)
        lakes |= {below.lake}
        found.append(Layer(below.store, until, lakes, home))
        below = below.below
    return found


def _of_store(
    layer: Layer, graph: Graph, facets: Sequence[str], wanted: set[int] | None
) -> dict[int, Facets]:
    """Facets by place of dataset: of each the value that held then and was said last."""
    newest: dict[tuple[int, str], tuple[int, int]] = {}
    with fetching(layer.store) as fetch:
        for namespace, name, facet, begin, end, value in _facts(fetch, graph, facets, wanted, layer):  # fmt: skip
            place = graph.names.places.get(f"{layer.spoken(namespace)}/{name}")
            if place is None or (wanted is not None and place not in wanted):
                continue
            at = instant(graph, layer, place)
            holds = end is None if at is None else begin <= at and (end is None or at < end)
            if holds and (begin, value) > newest.get((place, facet), (-(2**63), 0)):
                newest[place, facet] = begin, value
        values = _values(fetch, {value for _, value in newest.values()})
    found: dict[int, dict[str, Any]] = {}
    for (place, facet), (_, value) in newest.items():
        if not (isinstance(values[value], dict) and values[value].get("_deleted")):
            found.setdefault(place, {})[facet] = values[value]
    return dict(found)


def instant(graph: Graph, layer: Layer, place: int) -> int | None:
    """As of when a dataset is asked about; None is now."""
    limits = [layer.until, None if graph.at is None else int(graph.at[place])]
    return min((at for at in limits if at is not None), default=None)


def _facts(
    fetch: Fetch, graph: Graph, facets: Sequence[str], wanted: set[int] | None, layer: Layer
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
    for some in portions([*numbers_of(fetch, graph, wanted, layer)]):
        yield from fetch(f"{query} AND f.subject_id IN ({some})")


def numbers_of(fetch: Fetch, graph: Graph, wanted: set[int], layer: Layer) -> dict[int, int]:
    """The ids that a layer's store has for datasets, under all their names, and their places."""
    known, found = graph.names, {}
    for number, namespace, name in fetch("SELECT id, namespace, name FROM dataset"):
        place = known.places.get(f"{layer.spoken(namespace)}/{name}")
        if place is not None and place in wanted:
            found[number] = place
    return found


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


def owners(told: Facets) -> tuple[str, ...]:
    """Whom an ownership facet names."""
    listed = (told.get("ownership") or {}).get("owners") or ()
    return tuple(str(o["name"]) for o in listed if isinstance(o, dict) and o.get("name"))
