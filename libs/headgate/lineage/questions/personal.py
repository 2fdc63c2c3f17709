"""Where personal data and classified columns flow, as runs recorded it: what is made of them, where that
ends by declaration, and where it lands without one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from headgate.contracts.protection import Protection, strictest, strictness
from headgate.lineage.graph_node import ROWS, Edge, Node
from headgate.lineage.questions import lasting, protected, subject
from headgate.lineage.questions.protected import Tagged

if TYPE_CHECKING:
    from headgate.lineage.graph import Graph
    from headgate.lineage.store.as_of import AsOf
    from headgate.lineage.store.fetching import PlainStore
    from headgate.lineage.store.opening import Store

#: What may be said of where a column's values, or what they decide, come to:
#: it says so itself; the flow ends there, as declared; it should say so and does not; nobody says
#: anything of it (it has no contract); or they only decide what it is.
DECLARED, ENDED, UNDECLARED, UNKNOWN, INFLUENCED = (
    "declared", "ended", "undeclared", "unknown", "influenced",
)  # fmt: skip


@dataclass(frozen=True)
class Landing:
    """What follows from a protected column: by ``path``, the shortest way, the column first.

    ``state`` is one of the words above; ``how`` says how a flow ends, or what a column would have to
    declare. ``classification`` is empty where nobody says it.
    """

    column: Node
    state: str
    path: tuple[Node, ...]
    classification: str = ""
    personal: bool = False
    how: str = ""
    owners: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """How many steps away it is."""
        return len(self.path) - 1


@dataclass(frozen=True)
class Flow:
    """A protected column and what follows from it, the nearest first.

    ``comes_from`` are protected columns that it is made of itself; none of one where it begins.
    """

    column: Node
    classification: str
    personal: bool
    owners: tuple[str, ...]
    comes_from: tuple[Node, ...]
    landings: tuple[Landing, ...]

    def of(self, *states: str) -> tuple[Landing, ...]:
        """The landings in those states."""
        return tuple(one for one in self.landings if one.state in states)


@dataclass(frozen=True)
class Holder:
    """A dataset that holds protected columns, and so do the rows in its quarantine."""

    dataset: str
    owners: tuple[str, ...]
    classification: str
    personal: bool
    columns: tuple[str, ...]


@dataclass(frozen=True)
class PersonalData:
    """The answer: flows by column, and the datasets that hold such columns. Columns of ``untraced``
    datasets may follow too: what they are made of is not known."""

    as_of: str | None
    flows: tuple[Flow, ...]
    holders: tuple[Holder, ...]
    untraced: tuple[str, ...] = ()


class _Known:
    """What tags and ownership say of every dataset of a graph, or of some."""

    def __init__(
        self, store: Store | PlainStore, graph: Graph, datasets: Iterable[str] | None = None
    ) -> None:
        told = lasting.of_datasets(store, graph, ("tags", "ownership"), datasets)
        self.graph = graph
        self.owners = {d: lasting.owners(facets) for d, facets in told.items()}
        self.tagged: dict[Node, Tagged] = {
            Node(dataset, column): tagged
            for dataset, facets in told.items()
            for column, tagged in protected.of_columns(facets.get("tags")).items()
        }

    def ends(self, edge: Edge) -> bool:
        """Whether the flow along an edge ends in what it leads to."""
        tagged = self.tagged.get(edge.target)
        return tagged is not None and edge.direct and tagged.ends(edge.source)


def personal(
    store: Store | PlainStore,
    what: str | Node | None = None,
    *,
    as_of: str | datetime | AsOf | None = None,
    namespace: str | None = None,
) -> PersonalData:
    """Where every protected column flows, or one column, or those of one dataset.

    Args:
        store: of lineage.
        what: ``DATASET`` or ``DATASET.COLUMN``; a column that is named is followed whatever its class.
        as_of: as of then; see :func:`headgate.lineage.store.as_of.at`.
        namespace: of the dataset, where its name alone does not say it.

    Raises:
        NotFoundError: there is no such dataset, column, run or release.
        UsageError: ``as_of`` is none.
        LakeError: the store is broken, or cannot be reached.
    """
    when, graph = subject.graph_of(store, as_of)
    node = None if what is None else subject.node_of(graph, what, namespace)
    known = _Known(store, graph, None if node is None else _around(graph, node))
    columns = sorted(node for node, tagged in known.tagged.items() if tagged.is_protected)
    if node is not None:
        columns = [node] if node.column else [c for c in columns if c.dataset == node.dataset]
    flows = tuple(_flow(known, column, indirect=what is not None) for column in columns)
    reached = {n for flow in flows for one in flow.landings for n in (flow.column, one.column)}
    reached |= set(columns)
    return PersonalData(
        when.text if when else None,
        flows,
        tuple(_holders(known, {node.dataset for node in reached})),
        graph.untraced(reached, "down"),
    )


def _around(graph: Graph, node: Node) -> set[str]:
    """The datasets that an answer about one column, or those of one dataset, may speak of."""
    starts = [node] if node.column else [Node(node.dataset, c) for c in graph.columns(node.dataset)]
    found = {node.dataset}
    for start in starts:
        found.update(edge.source.dataset for edge in graph.edges(start, "up"))
        found.update(one.edge.target.dataset for one in graph.walk(start, "down"))
    return found


def _holders(known: _Known, datasets: Iterable[str]) -> Iterable[Holder]:
    held: dict[str, dict[str, Protection]] = {}
    for node, tagged in known.tagged.items():
        if tagged.is_protected:
            held.setdefault(node.dataset, {})[node.column] = tagged.protection
    for dataset in sorted(held.keys() & set(datasets)):
        whole = strictest(held[dataset].values())
        yield Holder(
            dataset, known.owners.get(dataset, ()), whole.classification, whole.personal,
            tuple(sorted(held[dataset])),
        )  # fmt: skip


def _flow(known: _Known, column: Node, *, indirect: bool) -> Flow:
    tagged = known.tagged.get(column)
    own = tagged.protection if tagged else Protection("")
    above = (e for e in known.graph.edges(column, "up") if e.direct and not known.ends(e))
    sources = {e.source for e in above}
    return Flow(
        column, own.classification, own.personal, known.owners.get(column.dataset, ()),
        tuple(sorted(s for s in sources if s in known.tagged and known.tagged[s].is_protected)),
        tuple(_landings(known, column, own, indirect)),
    )  # fmt: skip


def _landings(known: _Known, start: Node, own: Protection, indirect: bool) -> Iterable[Landing]:
    """What follows: first what is made of it, then what is only decided by it or by that."""
    edges: dict[Node, list[Edge]] = {}
    for edge, _ in known.graph.walk(start, "down", indirect=indirect):
        edges.setdefault(edge.source, []).append(edge)
    came: dict[Node, Node | None] = {start: None}
    ended: dict[Node, Node] = {}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for edge in edges.get(node, ()):
            if edge.target in came or not edge.direct:
                continue
            if known.ends(edge):
                ended.setdefault(edge.target, node)
                continue
            came[edge.target] = node
            waiting.append(edge.target)
    made = [n for n in came if n != start]
    for node in made:
        yield _landed(known, node, own, _path(came, node))
    for node, source in ended.items():
        if node not in came:
            how = known.tagged[node].anonymized
            yield _landing(known, node, ENDED, (*_path(came, source), node), how)
    yield from _influenced(known, edges, came, ended) if indirect else ()


def _influenced(
    known: _Known,
    edges: Mapping[Node, list[Edge]],
    made: Mapping[Node, Node | None],
    ended: Mapping[Node, Node],
) -> Iterable[Landing]:
    came, waiting = dict(made), deque(made)
    while waiting:
        node = waiting.popleft()
        for edge in edges.get(node, ()):
            if edge.target in came or known.ends(edge):
                continue
            came[edge.target] = node
            waiting.append(edge.target)
            if edge.target not in ended:
                yield _landing(known, edge.target, INFLUENCED, _path(came, edge.target))


def _landed(known: _Known, node: Node, own: Protection, path: tuple[Node, ...]) -> Landing:
    tagged = known.tagged.get(node)
    if tagged is None:
        return _landing(known, node, UNKNOWN, path)
    lacks = tagged.protection.lacks(own)
    return _landing(known, node, UNDECLARED if lacks else DECLARED, path, " and ".join(lacks))


def _landing(
    known: _Known, node: Node, state: str, path: tuple[Node, ...], how: str = ""
) -> Landing:
    tagged = known.tagged.get(node)
    own = tagged.protection if tagged and node.column != ROWS else Protection("")
    return Landing(
        node, state, path, own.classification, own.personal, how, known.owners.get(node.dataset, ())
    )


def _path(came: Mapping[Node, Node | None], node: Node) -> tuple[Node, ...]:
    path, step = [node], came[node]
    while step is not None:
        path.append(step)
        step = came[step]
    return tuple(reversed(path))


def worst_first(flows: Iterable[Flow]) -> list[Flow]:
    """Personal data first, then by class, the strictest first, then by name."""
    return sorted(flows, key=lambda f: (not f.personal, -strictness(f.classification), f.column))
