"""What a dataset and its columns are made from, and what is made from them, as runs told lineage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headgate.core.errors import NotFoundError
from headgate.lineage import names
from headgate.lineage.graph_node import ROWS, Direction, Edge, Node
from headgate.lineage.questions import makers, trace
from headgate.lineage.store import loading

if TYPE_CHECKING:
    from headgate.lineage.graph import Graph
    from headgate.lineage.store.opening import Store

#: Nodes that one answer reaches, at the most; the graph's page goes further.
MOST = 400
#: How a value follows from another, in words.
WAYS = {
    ("DIRECT", "IDENTITY"): "copied",
    ("DIRECT", "TRANSFORMATION"): "computed",
    ("DIRECT", "AGGREGATION"): "added up",
    ("INDIRECT", "JOIN"): "rows meet by it",
    ("INDIRECT", "GROUP_BY"): "rows are grouped by it",
    ("INDIRECT", "FILTER"): "rows are chosen by it",
    ("INDIRECT", "SORT"): "rows are ordered by it",
    ("INDIRECT", "WINDOW"): "rows are looked at together by it",
    ("INDIRECT", "CONDITIONAL"): "decides which value is taken",
    ("INDIRECT", "ROWS"): "which rows there are",
    ("INDIRECT", "LOOKUP"): "looked up by the gate",
}


@dataclass(frozen=True)
class Neighbour:
    """A dataset one step away. ``is_ours`` says that a lake of ours holds it, so that it has a page;
    ``how`` is who makes the one from the other, or that the gate looks keys up there."""

    name: str
    is_ours: bool
    how: str


@dataclass(frozen=True)
class Step:
    """One step from a column to another, ``depth`` steps from where the answer began."""

    source: Node
    target: Node
    how: str
    is_direct: bool
    job: str
    depth: int


@dataclass(frozen=True)
class User:
    """A dataset that follows from a column: by which columns, the nearest ``depth`` steps away.

    ``is_direct``: values of it are made of the column, at each step; else they are only decided by it.
    """

    dataset: str
    is_ours: bool
    columns: tuple[str, ...]
    is_direct: bool
    depth: int
    jobs: tuple[str, ...]


@dataclass(frozen=True)
class Path:
    """All steps that lead away from a column, the nearest first; ``cut``: there are more."""

    steps: tuple[Step, ...]
    cut: bool
    untraced: tuple[str, ...]


def graph(store: Store) -> Graph:
    """Lineage as it is now."""
    return loading.graph(store)


def neighbours(known: Graph, dataset: str, direction: Direction) -> tuple[Neighbour, ...]:
    """The datasets that one is made from (``up``), or that are made from it (``down``)."""
    found: dict[str, Neighbour] = {}
    for edge in known.edges(Node(dataset), direction):
        other = edge.source.dataset if direction == "up" else edge.target.dataset
        if other == dataset:
            continue
        how = "the gate looks keys up" if edge.ways else edge.job
        if other not in found or found[other].how == "the gate looks keys up":
            found[other] = Neighbour(other, _is_ours(known, other), how)
    return tuple(found[name] for name in sorted(found))


def inputs_of_columns(
    known: Graph, dataset: str, columns: Iterable[str]
) -> dict[str, tuple[Edge, ...]]:
    """For each column what it is made of, one step up; what only decides it is left out."""
    return {
        column: tuple(e for e in known.edges(Node(dataset, column), "up") if e.direct)
        for column in columns
    }


def users_of_columns(known: Graph, dataset: str, columns: Iterable[str]) -> dict[str, int]:
    """For each column how many columns of other datasets are made of it, one step down."""
    return {
        column: len(
            {e.target for e in known.edges(Node(dataset, column), "down")
             if e.direct and e.target.dataset != dataset}
        )
        for column in columns
    }  # fmt: skip


def path(store: Store, dataset: str, column: str, direction: Direction) -> Path:
    """Every step by which a column is made, back to the sources, or by which others are made of it.

    What only decides its rows or values is among them one step away, and not followed further.
    """
    node = Node(dataset, column)
    try:
        found = trace.trace(store, node, direction, indirect=False, limit=MOST)
    except NotFoundError:
        return Path((), False, ())
    near = [e for e in graph(store).edges(node, direction) if not e.direct]
    steps = [_step(one.edge, one.depth) for one in found.walk]
    steps += [_step(edge, 1) for edge in near if ("INDIRECT", "ROWS") not in edge.ways]
    steps.sort(key=lambda s: (s.depth, not s.is_direct))
    return Path(tuple(steps), found.cut, found.untraced)


def users(store: Store, dataset: str, column: str) -> tuple[tuple[User, ...], bool]:
    """The datasets that follow from a column, the nearest first, and whether there are more."""
    known, node = graph(store), Node(dataset, column)
    reached: dict[str, dict[str, tuple[bool, int]]] = {}
    cut = False
    for indirect in (False, True):
        walk = known.walk(node, "down", indirect=indirect, limit=MOST)
        cut = cut or walk.cut
        for edge, depth in walk:
            if edge.target.dataset != dataset:
                told = reached.setdefault(edge.target.dataset, {})
                told.setdefault(edge.target.column, (not indirect, depth))
    jobs = makers.jobs(known, reached)
    found = [
        User(
            other,
            _is_ours(known, other),
            tuple(sorted(c for c in columns if c not in ("", ROWS))),
            any(direct for direct, _ in columns.values()),
            min(depth for _, depth in columns.values()),
            tuple(name for space, name in jobs.get(other, ()) if not makers.is_gate((space, name))),
        )
        for other, columns in reached.items()
    ]
    found.sort(key=lambda u: (not u.is_direct, u.depth, u.dataset))
    return tuple(found), cut


def how(edge: Edge) -> str:
    """How the one follows from the other, in words."""
    return in_words(edge.ways)


def in_words(ways: Sequence[tuple[str, str]]) -> str:
    """The same of OpenLineage's pairs of type and subtype."""
    told = [WAYS.get(way) or " ".join(way).lower().replace("_", " ").strip() for way in ways]
    return ", ".join(dict.fromkeys(told)) or "made from it"


def _step(edge: Edge, depth: int) -> Step:
    return Step(edge.source, edge.target, how(edge), edge.direct, edge.job, depth)


def _is_ours(known: Graph, dataset: str) -> bool:
    return names.lake_of(known.named(dataset)[0]) is not None
