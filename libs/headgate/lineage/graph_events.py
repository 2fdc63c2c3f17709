"""The graph of lineage read out of a file of events, or out of several, one lake upon another."""

from __future__ import annotations

import dataclasses
import difflib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from headgate.core.cache import Cache
from headgate.core.errors import NotFoundError
from headgate.lineage import callers, names, newest
from headgate.lineage.graph_node import ROWS, Direction, Edge, Found, Node
from headgate.lineage.names import GATE
from headgate.lineage.steps import Caller, ColumnInput


@dataclass(frozen=True)
class Made:
    """What the newest event says of one dataset: what it is made from, and by which job.

    ``inputs`` are datasets and declared sources; ``looked_up`` those that its gate looks keys up
    in. ``columns`` maps column to its inputs, empty where they could not be traced; ``rows`` are
    the inputs of which rows there are. ``by`` is who outside called for it, such as a task.
    """

    dataset: str
    job: str
    at: str
    run: str
    inputs: tuple[str, ...]
    columns: Mapping[str, tuple[ColumnInput, ...]]
    rows: tuple[ColumnInput, ...]
    looked_up: tuple[str, ...] = ()
    by: Caller | None = None


@dataclass(frozen=True)
class Graph:
    """All that is known of what is made from what.

    ``made`` has every dataset that some job wrote, ``columns`` those of everything spoken of.
    """

    made: Mapping[str, Made] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def _up(self) -> Mapping[Node, list[Edge]]:
        """Edges by what they lead to."""
        found: dict[Node, list[Edge]] = {}
        for edge in _edges(self.made.values()):
            found.setdefault(edge.target, []).append(edge)
        return found

    @cached_property
    def _down(self) -> Mapping[Node, list[Edge]]:
        """Edges by what they come from. That a dataset's rows decide its own columns is left out:
        each of them would be told to follow, whatever the question."""
        found: dict[Node, list[Edge]] = {}
        for edge in _edges(self.made.values()):
            if edge.source != Node(edge.target.dataset, ROWS):
                found.setdefault(edge.source, []).append(edge)
        return found

    def find(self, text: str) -> Node:
        """The dataset or column that ``text`` names.

        Raises:
            NotFoundError: there is none; the message has the nearest that there is.
        """
        if text in self.columns:
            return Node(text)
        dataset, _, column = text.rpartition(".")
        if column in self.columns.get(dataset, ()):
            return Node(dataset, column)
        if not self.made:
            raise NotFoundError(
                "no lineage yet: nothing was ever built here.", remedy="headgate run makes some."
            )
        if dataset in self.columns:
            near = difflib.get_close_matches(column, self.columns[dataset], 3, 0.3)
            told = ", ".join(near or self.columns[dataset])
            raise NotFoundError(f"{dataset} has no column {column!r}.", remedy=f"It has {told}.")
        near = difflib.get_close_matches(text, self.columns, 3, 0.4)
        near = near or difflib.get_close_matches(dataset, self.columns, 3, 0.4)
        raise NotFoundError(
            f"lineage knows no {text!r}.",
            remedy=f"Perhaps {' or '.join(near)}."
            if near
            else "headgate show datasets lists them.",
        )

    def untraced(self, nodes: Iterable[Node], direction: Direction) -> tuple[str, ...]:
        """Datasets that may be among the answers too, since nobody knows their columns' inputs.

        Up, these are the nodes' own datasets; down, those that read one of them.
        """
        datasets = {n.dataset for n in nodes if n.column}
        return tuple(
            sorted(
                one.dataset
                for one in self.made.values()
                if one.inputs and not one.columns
                and (one.dataset in datasets if direction == "up" else datasets & set(one.inputs))
            )
        )  # fmt: skip

    def edges(self, node: Node, direction: Direction) -> Sequence[Edge]:
        """What a node follows from (``up``) or what follows from it (``down``), one step away."""
        return (self._up if direction == "up" else self._down).get(node, ())

    def walk(
        self,
        start: Node,
        direction: Direction,
        *,
        depth: int | None = None,
        indirect: bool = True,
    ) -> Iterator[Found]:
        """Every edge that leads away from ``start``, each once, the nearest first; cycles end.

        Args:
            start: where to begin.
            direction: ``up`` to what it follows from, ``down`` to what follows from it.
            depth: go no more steps than that.
            indirect: follow also what only decides which value or row is taken.
        """
        seen, waiting = {start}, deque([(start, 1)])
        while waiting:
            node, level = waiting.popleft()
            if depth is not None and level > depth:
                return
            for edge in self.edges(node, direction):
                if not (indirect or edge.direct):
                    continue
                yield Found(edge, level)
                other = edge.source if direction == "up" else edge.target
                if other not in seen:
                    seen.add(other)
                    waiting.append((other, level + 1))


def _edges(made: Iterable[Made]) -> Iterator[Edge]:
    """Every edge once, with all its ways."""
    for one in made:
        dataset, rows = Node(one.dataset), Node(one.dataset, ROWS)
        for other in one.inputs:
            yield Edge(Node(other), dataset, (), one.job)
        for other in one.looked_up:
            if other not in one.inputs:
                yield Edge(Node(other), dataset, (("INDIRECT", "LOOKUP"),), f"{one.dataset}.{GATE}")
        for column, inputs in one.columns.items():
            yield from _made_of(inputs, Node(one.dataset, column), one.job)
            if one.rows:
                yield Edge(rows, Node(one.dataset, column), (("INDIRECT", "ROWS"),), one.job)
        yield from _made_of(one.rows, rows, one.job)
        for other in one.inputs:
            yield Edge(Node(other, ROWS), rows, (("INDIRECT", "ROWS"),), one.job)


def _made_of(inputs: Iterable[ColumnInput], target: Node, job: str) -> Iterator[Edge]:
    ways: dict[Node, set[tuple[str, str]]] = {}
    for i in inputs:
        ways.setdefault(Node(i.dataset, i.column), set()).add((i.type, i.subtype))
    for source, found in sorted(ways.items()):
        yield Edge(source, target, tuple(sorted(found)), job)


def read(
    path: Path,
    *,
    until: datetime | None = None,
    below: Graph | None = None,
    kept: Cache | None = None,
) -> Graph:
    """The graph of a lineage file; where that says nothing of a dataset, what ``below`` says.

    Args:
        path: the lineage file; one that does not exist has no events.
        until: take no event that is later.
        below: the graph of a lake that this one began as.
        kept: where it is kept how far the file was read.
    """
    made = dict(below.made) if below else {}
    columns = dict(below.columns) if below else {}
    read_from: dict[str, tuple[str, ...]] = {}
    for event in newest.events(path, until=until, kept=kept):
        try:
            _add(event, made, columns, read_from)
        except (KeyError, TypeError, AttributeError):
            continue  # of another producer, who says things otherwise than OpenLineage asks
    # Several datasets may take different fields of one source; each event lists its own.
    for dataset, listed in read_from.items():
        if dataset not in made:
            columns[dataset] = tuple(dict.fromkeys((*columns.get(dataset, ()), *listed)))
    return Graph(made, columns)


def _add(
    event: Mapping[str, Any],
    made: dict[str, Made],
    columns: dict[str, tuple[str, ...]],
    read_from: dict[str, tuple[str, ...]],
) -> None:
    job = str(event["job"]["name"])
    if _is_a_task(event):
        return  # it says what it may write, and who does the work says from what
    inputs = {_name(i): _listed(i) for i in event.get("inputs") or ()}
    for output in event.get("outputs") or ():
        dataset = _name(output)
        if job.endswith(f".{names.GATE}"):
            if dataset in made:
                others = tuple(sorted(inputs.keys() - {dataset}))
                made[dataset] = dataclasses.replace(made[dataset], looked_up=others)
            continue
        lineage = (output.get("facets") or {}).get("columnLineage") or {}
        fields = {
            str(column): tuple(_inputs(told.get("inputFields") or ()))
            for column, told in (lineage.get("fields") or {}).items()
        }
        rows = tuple(_inputs(lineage.get("dataset") or ()))
        for i in (*rows, *(i for given in fields.values() for i in given)):
            # What a query names is read, also where nothing was there to be read yet.
            if i.dataset != dataset:
                inputs[i.dataset] = (*inputs.get(i.dataset, ()), i.column)
        made[dataset] = Made(
            dataset, job, str(event["eventTime"]), str(event["run"]["runId"]),
            tuple(sorted(inputs.keys() - {dataset})), fields, rows, by=_caller(event),
        )  # fmt: skip
        columns[dataset] = tuple(dict.fromkeys([*_listed(output), *fields]))
    for other, listed in inputs.items():
        read_from[other] = (*read_from.get(other, ()), *listed)


def _caller(event: Mapping[str, Any]) -> Caller | None:
    try:
        return callers.told_by(event)
    except (KeyError, TypeError, AttributeError):
        return None  # another producer's parent, told otherwise than OpenLineage asks


def _is_a_task(event: Mapping[str, Any]) -> bool:
    """Whether an event is of a task of Airflow's that writes tables of a lake."""
    kind = (event["job"].get("facets") or {}).get("jobType") or {}
    outputs = event.get("outputs") or ()
    return kind.get("integration") == "AIRFLOW" and any(
        names.lake_of(str(o["namespace"])) is not None for o in outputs
    )


def _name(told: Mapping[str, Any]) -> str:
    """A node's name: datasets of lakes and files have their own, others one with a namespace."""
    namespace, name = str(told["namespace"]), str(told["name"])
    if names.lake_of(namespace) is not None or namespace == names.FILE_NAMESPACE:
        return name
    return f"{namespace}/{name}"


def _listed(told: Mapping[str, Any]) -> tuple[str, ...]:
    """A dataset's columns, as its schema facet lists them."""
    schema = (told.get("facets") or {}).get("schema") or {}
    return tuple(str(f["name"]) for f in schema.get("fields") or ())


def _inputs(fields: Iterable[Mapping[str, Any]]) -> Iterator[ColumnInput]:
    for told in fields:
        # Who says no way means that the value is made of it somehow.
        ways: Iterable[Mapping[str, Any]] = told.get("transformations") or ({},)
        for way in ways:
            kind: Literal["DIRECT", "INDIRECT"] = (
                "INDIRECT" if way.get("type") == "INDIRECT" else "DIRECT"
            )
            subtype = str(way.get("subtype") or "TRANSFORMATION")
            yield ColumnInput(_name(told), str(told["field"]), kind, subtype)
