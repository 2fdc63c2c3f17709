"""The graph of lineage read out of a file of events, or out of several, one lake upon another."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from headgate.core.cache import Cache
from headgate.lineage import callers, names, newest
from headgate.lineage.graph import Graph, Made
from headgate.lineage.steps import Caller, ColumnInput


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
