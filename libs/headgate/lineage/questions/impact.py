"""What a change of a column or dataset reaches, and what breaks if it goes: columns, jobs, rules, tasks,
owners, releases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from headgate.lineage import names
from headgate.lineage.graph_node import ROWS, Edge, Node
from headgate.lineage.questions import lasting, makers, rules_told, subject
from headgate.lineage.questions.makers import Held, Task
from headgate.lineage.questions.rules_told import Rule

if TYPE_CHECKING:
    from headgate.lineage.graph import Graph
    from headgate.lineage.store.as_of import AsOf
    from headgate.lineage.store.fetching import PlainStore
    from headgate.lineage.store.opening import Store

Change = Literal["changes", "goes"]


@dataclass(frozen=True)
class Reached:
    """A column (or the rows, column ``*``, or all of a dataset) that follows, by the shortest way.

    ``path`` begins with what changes; ``ways`` are those of the last step; ``direct`` says that its
    values are made of what changes, at each step, and are not only decided by it.
    """

    node: Node
    direct: bool
    path: tuple[Node, ...]
    ways: tuple[tuple[str, str], ...]

    @property
    def depth(self) -> int:
        """How many steps away it is."""
        return len(self.path) - 1


@dataclass(frozen=True)
class Affected:
    """A dataset that a change reaches.

    ``breaks`` says that a job that makes it, or a rule that judges it, names what goes; ``stale``
    that it is made from one that breaks. ``rules`` are those that name what changes or a column that
    follows. ``is_foreign``: no lake of ours holds it, as with what a dashboard or another team makes.
    """

    dataset: str
    owners: tuple[str, ...]
    reached: tuple[Reached, ...]
    jobs: tuple[str, ...]
    tasks: tuple[Task, ...]
    rules: tuple[Rule, ...]
    held: Held | None
    breaks: bool = False
    stale: bool = False
    is_foreign: bool = False

    @property
    def direct(self) -> bool:
        """Whether any of its values are made of what changes."""
        return any(one.direct for one in self.reached)


@dataclass(frozen=True)
class Impact:
    """The answer. ``own`` is the dataset that changes, ``affected`` what follows, the nearest first;
    ``naming`` are the jobs that name what changes. Of ``untraced`` datasets nobody knows whether
    their columns follow."""

    start: Node
    change: Change
    as_of: str | None
    own: Affected
    affected: tuple[Affected, ...]
    naming: tuple[str, ...]
    untraced: tuple[str, ...]

    @property
    def owners(self) -> Mapping[str, tuple[Affected, ...]]:
        """The affected datasets by whom to tell; "" are those that nobody owns."""
        found: dict[str, list[Affected]] = {}
        for one in self.affected:
            for owner in one.owners or ("",):
                found.setdefault(owner, []).append(one)
        return {owner: tuple(found[owner]) for owner in sorted(found, key=lambda o: (not o, o))}


def impact(
    store: Store | PlainStore,
    what: str | Node,
    *,
    change: Change = "changes",
    as_of: str | datetime | AsOf | None = None,
    namespace: str | None = None,
) -> Impact:
    """What follows if ``what`` changes its values or meaning, or goes (or gets another name).

    Args:
        store: of lineage.
        what: ``DATASET`` or ``DATASET.COLUMN``, or a node of the graph.
        change: ``changes`` or ``goes``.
        as_of: as of then; see :func:`headgate.lineage.store.as_of.at`.
        namespace: of the dataset, where its name alone does not say it.

    Raises:
        NotFoundError: there is no such dataset, column, run or release.
        UsageError: ``as_of`` is none.
        LakeError: the store is broken, or cannot be reached.
    """
    when, graph = subject.graph_of(store, as_of)
    what = subject.node_of(graph, what, namespace)
    reached = _reached(graph, what)
    near = [e for e in graph.edges(what, "down") if e.target.dataset != what.dataset]
    asking = [e.target.dataset for e in graph.edges(Node(what.dataset), "down") if not e.direct]
    followed = {one.node.dataset for one in reached} - {what.dataset}
    known = rules_told.of_datasets(store, graph, {*followed, *asking, what.dataset})
    # Who looks keys up there is reached by its rule alone.
    asked = {d for d in asking if any(rule.names(what) for rule in known.get(d, ()))}
    broken = {e.target.dataset for e in near} | asked if change == "goes" else set()
    stale = _downstream(graph, broken) - broken - {what.dataset}
    datasets = [*dict.fromkeys([*(r.node.dataset for r in reached), *sorted(asked | stale)])]
    about = _About(store, graph, [what.dataset, *datasets], known, reached)
    return Impact(
        what,
        change,
        when.text if when else None,
        about.affected(what.dataset, [what]),
        tuple(
            about.affected(d, [what], breaks=d in broken, stale=d in stale)
            for d in datasets
            if d != what.dataset
        ),
        tuple(sorted({e.job for e in near})),
        graph.untraced({what, *(one.node for one in reached)}, "down"),
    )


def _reached(graph: Graph, start: Node) -> list[Reached]:
    """Everything downstream once: by direct steps alone where that is possible, the nearest first."""
    found: dict[Node, Reached] = {}
    for direct in (True, False):
        came: dict[Node, Edge] = {}
        for edge, _ in graph.walk(start, "down", indirect=not direct):
            came.setdefault(edge.target, edge)
        for node, edge in came.items():
            if node != start and node not in found:
                found[node] = Reached(node, direct, _path(came, start, node), edge.ways)
    return sorted(found.values(), key=lambda one: (one.depth, not one.direct, one.node))


def _path(came: Mapping[Node, Edge], start: Node, node: Node) -> tuple[Node, ...]:
    path = [node]
    while path[-1] != start:
        path.append(came[path[-1]].source)
    return tuple(reversed(path))


def _downstream(graph: Graph, datasets: Iterable[str]) -> set[str]:
    """Every dataset that is made from one of those, and these."""
    found: set[str] = set(datasets)
    for dataset in sorted(found):
        for edge, _ in graph.walk(Node(dataset), "down", indirect=False):
            found.add(edge.target.dataset)
    return found


class _About:
    """What is known of the datasets of one answer, each asked for once."""

    def __init__(
        self,
        store: Store | PlainStore,
        graph: Graph,
        datasets: list[str],
        rules: Mapping[str, tuple[Rule, ...]],
        reached: Iterable[Reached],
    ) -> None:
        told = lasting.of_datasets(store, graph, ("ownership",), datasets)
        self._graph, self._rules = graph, rules
        self._owners = {d: lasting.owners(facets) for d, facets in told.items()}
        self._jobs = makers.jobs(graph, datasets)
        self._tasks = makers.tasks(store, {j for said in self._jobs.values() for j in said})
        self._held = makers.releases(store, graph, datasets)
        self._reached: dict[str, list[Reached]] = {}
        for one in reached:
            self._reached.setdefault(one.node.dataset, []).append(one)

    def affected(
        self, dataset: str, named: list[Node], *, breaks: bool = False, stale: bool = False
    ) -> Affected:
        """What is to be told of one dataset; rules that name one of ``named``, or what follows."""
        reached = self._reached.get(dataset, [])
        nodes = [*named, *(one.node for one in reached if one.node.column not in ("", ROWS))]
        jobs = self._jobs.get(dataset, ())
        called = {self._tasks[j] for j in jobs if j in self._tasks}
        namespace, _ = self._graph.named(dataset)
        return Affected(
            dataset,
            self._owners.get(dataset, ()),
            tuple(reached),
            tuple(name for namespace, name in jobs if not makers.is_gate((namespace, name))),
            tuple(sorted(called, key=lambda t: (t.dag, t.name))),
            tuple(r for r in self._rules.get(dataset, ()) if any(r.names(n) for n in nodes)),
            self._held.get(dataset),
            breaks,
            stale,
            is_foreign=names.lake_of(namespace) is None,
        )
