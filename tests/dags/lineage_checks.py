"""What Airflow's lineage and ours must have in common: names, parents that exist, valid events."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from headgate.lineage import callers, log, names
from headgate.orchestration.airflow.lineage import airflow_events
from headgate.orchestration.project import Project
from tests.unit.lineage.openlineage_spec import Spec

Event = Mapping[str, Any]
STANDARD = "https://openlineage.io/spec/facets/"


def check(project: Project, spec: Spec, airflow: Path | None = None) -> list[str]:
    """All that is wrong with the lineage of a lake whose every run was one of Airflow's; read when
    its DAG runs have ended. ``airflow`` is where a server over another lake wrote its events."""
    ours, theirs = told(project)
    theirs = list(log.read(airflow)) if airflow else theirs
    known = names.nodes(project.contracts.values(), project.settings.lake_name)
    found = [] if ours and theirs else [f"{len(ours)} events of ours, {len(theirs)} of Airflow's"]
    found += [
        f"neither contract nor declared source: {node}" for node in nodes(ours, theirs) - known
    ]
    found += _parents(ours, theirs)
    found += [f"{_called(e)}: {p}" for e in ours for p in spec.problems(dict(e))]
    found += [f"{_called(e)}: {p}" for e in theirs for p in spec.problems(_standard(e))]
    return found


def told(project: Project) -> tuple[list[Event], list[Event]]:
    """Our events, and Airflow's."""
    files = (project.lake.root / project.settings.lineage_file, airflow_events(project.settings))
    return list(log.read(files[0])), list(log.read(files[1]))


def nodes(*events: Iterable[Event]) -> set[tuple[str, str]]:
    """Every dataset that events speak of, also as where a column comes from."""
    return {node for some in events for event in some for node in _nodes(event)}


def _nodes(event: Event) -> Iterator[tuple[str, str]]:
    for told_of in (*(event.get("inputs") or ()), *(event.get("outputs") or ())):
        yield told_of["namespace"], told_of["name"]
        lineage = (told_of.get("facets") or {}).get("columnLineage") or {}
        fields = [f for c in (lineage.get("fields") or {}).values() for f in c["inputFields"]]
        for field in (*fields, *(lineage.get("dataset") or ())):
            yield field["namespace"], field["name"]


def _parents(ours: Iterable[Event], theirs: Iterable[Event]) -> Iterator[str]:
    """Each event of ours is of a task, each task of a DAG run, and Airflow's events know both."""
    theirs = list(theirs)
    known = {(e["job"]["namespace"], e["job"]["name"], e["run"]["runId"]) for e in theirs}
    roots: dict[tuple[str, str, str], set[tuple[str, str, str]]] = {}
    for event in theirs:
        mine = (event["job"]["namespace"], event["job"]["name"], event["run"]["runId"])
        if (caller := callers.told_by(event)) is not None:
            roots.setdefault(mine, set()).add(_root(caller))
    for event in ours:
        caller = callers.told_by(event)
        if caller is None:
            yield f"{_called(event)} has no task"
            continue
        task = (caller.namespace, caller.job, caller.run_id)
        if task not in known:
            yield f"{_called(event)}: Airflow told nothing of {task}"
        if _root(caller) not in known:
            yield f"{_called(event)}: Airflow told nothing of {_root(caller)}"
        if roots.get(task, set()) != {_root(caller)}:
            yield f"{_called(event)}: {task} is of {roots.get(task)}, not of {_root(caller)}"


def tasks_of_datasets(events: Iterable[Event]) -> dict[str, set[str]]:
    """By dataset, the tasks that our events of it name as their parents."""
    found: dict[str, set[str]] = {}
    for event in events:
        _, dataset = names.parse_job(event["job"]["name"])
        caller = callers.told_by(event)
        if dataset and caller:
            found.setdefault(dataset, set()).add(caller.job)
    return found


def _root(caller: callers.Caller) -> tuple[str, str, str]:
    return caller.root_namespace or caller.namespace, caller.root_job, caller.root_run_id


def _standard(event: Event) -> dict[str, Any]:
    """The event without facets of Airflow's own, which the specification allows and cannot describe."""
    found = copy.deepcopy(dict(event))
    for owner in (found["run"], found["job"], *found["inputs"], *found["outputs"]):
        for part in ("facets", "inputFacets", "outputFacets"):
            facets = owner.get(part) or {}
            owner[part] = {k: f for k, f in facets.items() if f["_schemaURL"].startswith(STANDARD)}
    return found


def _called(event: Event) -> str:
    return f"{event.get('eventType')} of {event['job']['name']}"
