"""Where a dataset or column comes from, and what follows from it: a part of the graph, now or as of a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headgate.core import json as hjson
from headgate.lineage.graph import Direction, Edge, Graph, Node, Walk
from headgate.lineage.graph_arrays import Ints
from headgate.lineage.questions import subject

if TYPE_CHECKING:
    from headgate.lineage.store.as_of import AsOf
    from headgate.lineage.store.fetching import PlainStore
    from headgate.lineage.store.opening import Store

#: An answer reaches no more nodes than so many, unless it is asked for more.
MOST_NODES = 10_000
#: Numbers of so many digits are written once and kept: no place in an answer has more.
_WIDEST = 5


class Reached(NamedTuple):
    """A node of an answer, by namespace, name and column; ``depth`` is 0 for where it began."""

    namespace: str
    name: str
    column: str
    depth: int


@dataclass(frozen=True, eq=False)
class Trace:
    """The answer. ``cut`` says that more is reached; ``untraced`` are datasets whose columns may be
    among it too, since nobody said what they are made from. ``left_out`` counts nodes that only
    decide values or rows and were not asked for."""

    start: Node
    direction: Direction
    depth: int | None
    indirect: bool
    as_of: str | None
    walk: Walk
    untraced: tuple[str, ...]
    left_out: int

    @property
    def cut(self) -> bool:
        """Whether there is more than was asked for."""
        return self.walk.cut

    @cached_property
    def nodes(self) -> tuple[Reached, ...]:
        """All that is reached, where it began first, the nearest first."""
        known = self.walk.graph.names
        found = []
        for number, depth in zip(*(part.tolist() for part in self.walk.nodes()), strict=True):
            _, namespace, name, _, _ = known.datasets[known.dataset_of[number]]
            found.append(Reached(namespace, name, known.field_names[number], depth))
        return tuple(found) or (
            Reached(*self.walk.graph.named(self.start.dataset), self.start.column, 0),
        )

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """All edges, each once, the nearest first."""
        return tuple(found.edge for found in self.walk)

    def json(self) -> str:
        """The answer as JSON: see :data:`SCHEMA`. Edges name nodes, sets of ways and jobs by place."""
        graph, (nodes, depth) = self.walk.graph, self.walk.nodes()
        links = [part for part in self.walk.levels if len(part)]
        near = _joined([part.near for part in links])
        far = _joined([part.far for part in links])
        jobs, job = _numbered(graph.history.spans.job[_joined([part.saying for part in links])])
        sets, ways = _numbered(_joined([part.ways for part in links]))
        place = np.empty(len(graph.names.field_ids), np.int64)
        place[nodes] = np.arange(len(nodes))
        source, target = (far, near) if self.direction == "up" else (near, far)
        head: dict[str, Any] = {
            "as_of": self.as_of, "cut": self.cut, "depth": self.depth,
            "direction": self.direction, "indirect": self.indirect, "left_out": self.left_out,
            "start": {"column": self.start.column, **_told(graph, self.start)},
            "untraced": [_told(graph, Node(d)) for d in self.untraced],
            "ways": [[{"type": kind, "subtype": subtype} for kind, subtype in graph.ways.sets[w]]
                     for w in sets],
        }  # fmt: skip
        edges = _edges(place[source], place[target], ways, job)
        told = hjson.dumps(head)
        said = ",".join(graph.history.jobs_json(jobs))
        reached = _nodes(graph, nodes, depth) or hjson.dumps({**head["start"], "depth": 0})
        return f'{told[:-1]},"jobs":[{said}],"nodes":[{reached}],"edges":[{edges}]}}'


def trace(
    store: Store | PlainStore,
    what: str | Node,
    direction: Direction,
    *,
    depth: int | None = None,
    indirect: bool = True,
    as_of: str | datetime | AsOf | None = None,
    limit: int = MOST_NODES,
    namespace: str | None = None,
) -> Trace:
    """What a dataset or column is made from (``up``), or what is made from it (``down``).

    Args:
        store: what lineage events add up to.
        what: ``DATASET`` or ``DATASET.COLUMN``, or a node of the graph.
        direction: ``up`` or ``down``.
        depth: go no more steps than that.
        indirect: follow also what only decides which value or row is taken.
        as_of: the graph as of then; see :func:`headgate.lineage.store.as_of.at`.
        limit: reach no more nodes than that.
        namespace: of the dataset, where its name alone does not say it.

    Raises:
        NotFoundError: there is no such dataset, column, run or release.
        UsageError: ``as_of`` is none.
        LakeError: the store is broken, or cannot be reached.
    """
    when, graph = subject.graph_of(store, as_of)
    what = subject.node_of(graph, what, namespace)
    walk = graph.walk(what, direction, depth=depth, indirect=indirect, limit=limit)
    reached = walk.nodes()[0]
    left_out = 0
    if not indirect:
        every = graph.walk(what, direction, depth=depth, limit=limit).nodes()[0]
        left_out = len(np.setdiff1d(every, reached))
    untraced = graph.untraced_by(reached, direction)
    if walk.start < 0 and what.column:
        untraced = graph.untraced([what], direction)
    return Trace(
        what, direction, depth, indirect, when.text if when else None, walk, untraced, left_out
    )


def _joined(parts: Sequence[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _numbered(values: Ints) -> tuple[list[int], Ints]:
    """The values, each once, and for each its place among them; none is negative, or far above their number."""
    there = np.zeros(int(values.max(initial=0)) + 1, np.bool_)
    there[values] = True
    places: Ints = np.cumsum(there) - 1
    return np.flatnonzero(there).tolist(), places[values]


def _told(graph: Graph, node: Node) -> dict[str, Any]:
    namespace, name = graph.named(node.dataset)
    return {"namespace": namespace, "name": name}


def _nodes(graph: Graph, nodes: Ints, depth: Ints) -> str:
    """Nodes, the nearest first; those of one depth end alike, and are written at once."""
    told = graph.names.json(nodes.tolist())
    found, begin = [], 0
    for steps, count in enumerate(np.bincount(depth).tolist()):
        end = f',"depth":{steps}}}'
        if count:
            found.append(f"{end},".join(told[begin : begin + count]) + end)
        begin += count
    return ",".join(found)


def _edges(source: Ints, target: Ints, ways: Ints, job: Ints) -> str:
    """Objects of four numbers each, written by columns: of thousands, one at a time is most of the work.
    Numbers are as wide as the greatest in their column; before a number JSON allows blanks."""
    columns: list[bytes | NDArray[np.bytes_]] = [
        b'{"source":', _decimal(source), b',"target":', _decimal(target),
        b',"ways":', _decimal(ways), b',"job":', _decimal(job), b"},",
    ]  # fmt: skip
    form = [
        (str(place), f"S{len(c) if isinstance(c, bytes) else c.itemsize}")
        for place, c in enumerate(columns)
    ]
    text = np.empty(len(source), form)
    for (place, _), column in zip(form, columns, strict=True):
        text[place] = column
    return text.tobytes()[:-1].decode("ascii")


def _decimal(numbers: Ints) -> NDArray[np.bytes_]:
    """Numbers in decimal, blanks before them, all as wide as the greatest."""
    width = len(str(int(numbers.max(initial=0))))
    if width > _WIDEST:
        return np.array([b"%*d" % (width, number) for number in numbers.tolist()], np.bytes_)
    found: NDArray[np.bytes_] = _written(width)[numbers]
    return found


@cache
def _written(width: int) -> NDArray[np.bytes_]:
    """Every number of at most so many digits as :func:`_decimal` has it."""
    numbers = range(10**width)
    return np.frombuffer((f"%{width}d" * len(numbers) % tuple(numbers)).encode(), f"S{width}")


#: What :meth:`Trace.json` gives, as a JSON schema.
_DATASET = {"namespace": {"type": "string"}, "name": {"type": "string"}}
_PLACE = {"type": "integer", "minimum": 0}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["as_of", "cut", "depth", "direction", "edges", "indirect", "jobs", "left_out",
                 "nodes", "start", "untraced", "ways"],
    "properties": {
        "as_of": {"type": ["string", "null"]},
        "cut": {"type": "boolean", "description": "More is reached than the limit on nodes let in."},
        "depth": {"type": ["integer", "null"]},
        "direction": {"enum": ["up", "down"]},
        "indirect": {"type": "boolean"},
        "left_out": {**_PLACE, "description": "Nodes that only decide values or rows."},
        "start": {"type": "object", "required": ["namespace", "name", "column"],
                  "properties": {**_DATASET, "column": {"type": "string"}}},
        "nodes": {"type": "array", "items": {
            "type": "object", "required": ["namespace", "name", "column", "depth"],
            "properties": {**_DATASET, "depth": _PLACE, "column": {
                "type": "string", "description": "Empty: the dataset as a whole; *: which rows it has."}}}},
        "edges": {"type": "array", "items": {
            "type": "object", "required": ["source", "target", "ways", "job"],
            "description": "Places in `nodes`, `ways` and `jobs`.",
            "properties": dict.fromkeys(("source", "target", "ways", "job"), _PLACE)}},
        "ways": {"type": "array", "items": {"type": "array", "items": {
            "type": "object", "required": ["type", "subtype"],
            "properties": {"type": {"type": "string"}, "subtype": {"type": "string"}}}}},
        "jobs": {"type": "array", "items": {
            "type": "object", "required": ["namespace", "name"], "properties": _DATASET}},
        "untraced": {"type": "array", "items": {
            "type": "object", "required": ["namespace", "name"], "properties": _DATASET}},
    },
}  # fmt: skip
