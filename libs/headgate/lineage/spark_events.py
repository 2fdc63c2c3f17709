"""What Spark's lineage listener tells, put right: names of ours, inputs that it left out, failures.

Pure: events in OpenLineage's form go in and come out. Whatever they hold besides is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from headgate.contracts.names import QUARANTINE_SUFFIX, DatasetName
from headgate.core import clock
from headgate.core.errors import UsageError
from headgate.lineage import names
from headgate.lineage.facets import EVENT_SCHEMA, PRODUCER, Facet, facet
from headgate.lineage.steps import State
from headgate.lineage.store.naming_forms import normal

_LONGEST = 2_000
_ENDED = (State.COMPLETE.value, State.FAIL.value, State.ABORT.value)
_UNKNOWN = "The job ended before it was known how this ended."


@dataclass(frozen=True)
class Job:
    """An execution of a job of somebody's on Spark: its name and namespace, its run's id, and the
    lake whose tables it knows by their paths."""

    name: str
    namespace: str
    run_id: str
    lake: str
    lake_path: PurePosixPath


def of_job(
    job: Job, state: State, *, error: str = "", at: datetime | None = None
) -> dict[str, Any]:
    """The event of the job itself, which says of no dataset: its statements do."""
    run: dict[str, Any] = {}
    if error:
        run["errorMessage"] = _error(error)
    kind = facet(
        "JobTypeJobFacet", processingType="BATCH", integration="SPARK", jobType="APPLICATION"
    )
    return {
        "eventTime": clock.iso(at),
        "eventType": State(state).value,
        "producer": PRODUCER,
        "schemaURL": EVENT_SCHEMA,
        "run": {"runId": job.run_id, "facets": run},
        "job": {"namespace": job.namespace, "name": job.name, "facets": {"jobType": kind}},
        "inputs": [],
        "outputs": [],
    }


def mended(
    told: Iterable[Mapping[str, Any]], job: Job, ends: Mapping[int, str]
) -> Iterator[dict[str, Any]]:
    """The listener's events of the job's statements, as they are to be told.

    ``ends`` are the errors of what Spark carried out by the millisecond at which it ended, empty
    where it succeeded. What began and has no end in ``told``, or one that Spark knows nothing of,
    is ABORT: a table is not said to be made of something by who may have failed.
    """
    begun: dict[str, dict[str, Any]] = {}
    for event in told:
        if not _is_statement(event):
            continue
        found = _mended(event, job)
        run, state = found["run"]["runId"], found.get("eventType")
        if state == State.START:
            begun[run] = found
        elif state in _ENDED:
            begun.pop(run, None)
            _settle(found, ends)
        yield found
    for left in begun.values():
        facets = {**left["run"]["facets"], "errorMessage": _error(_UNKNOWN)}
        yield {
            **left, "eventType": State.ABORT.value, "eventTime": clock.iso(),
            "run": {**left["run"], "facets": facets},
        }  # fmt: skip


def _is_statement(event: Mapping[str, Any]) -> bool:
    """Whether it says anything: the application as a whole is the job, which tells of itself."""
    facets = event["job"].get("facets") or {}
    if (facets.get("jobType") or {}).get("jobType") == "APPLICATION":
        return False
    return bool(event.get("inputs") or event.get("outputs") or "sql" in facets)


def _settle(event: dict[str, Any], ends: Mapping[int, str]) -> None:
    """Have an end say what Spark knows of it."""
    if event["eventType"] != State.COMPLETE:
        return
    error = ends.get(clock.micros(clock.parse_iso(event["eventTime"])) // 1000, _UNKNOWN)
    if error:
        event["eventType"] = (State.ABORT if error == _UNKNOWN else State.FAIL).value
        event["run"]["facets"]["errorMessage"] = _error(error)


def _mended(event: Mapping[str, Any], job: Job) -> dict[str, Any]:
    run = event["run"]
    ours = {"namespace": job.namespace, "name": job.name}
    parent = facet(
        "ParentRunFacet", run={"runId": job.run_id}, job=ours,
        root={"run": {"runId": job.run_id}, "job": ours},
    )  # fmt: skip
    outputs = [_dataset(one, job) for one in event.get("outputs") or ()]
    inputs = [_dataset(one, job) for one in event.get("inputs") or ()]
    known = {(one["namespace"], one["name"]) for one in inputs}
    for one in outputs:
        lineage = (one.get("facets") or {}).get("columnLineage")
        for field in _fields(lineage):
            place = field["namespace"], field["name"]
            if place not in known:
                known.add(place)
                inputs.append({"namespace": place[0], "name": place[1], "facets": {}})
    facets = {**(run.get("facets") or {}), "parent": parent}
    # The listener begins with the job's name as it spells it, which has no dot.
    statement = event["job"]["name"].partition(".")[2] or event["job"]["name"]
    return {
        **event,
        "run": {**run, "facets": facets},
        "job": {**event["job"], "namespace": job.namespace, "name": f"{job.name}.{statement}"},
        "inputs": inputs,
        "outputs": outputs,
    }


def _dataset(told: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """A dataset by its own name; what the listener called it stands among its symlinks."""
    namespace, name = _named(told, job)
    facets = dict(told.get("facets") or {})
    if (namespace, name) != (told["namespace"], told["name"]):
        links = list((facets.get("symlinks") or {}).get("identifiers") or ())
        where = normal(told["namespace"], told["name"])
        # What lies in a quarantine's path is of the table, and no other place of it.
        if not where[1].endswith(QUARANTINE_SUFFIX):
            links.append({"namespace": where[0], "name": where[1], "type": "LOCATION"})
        facets["symlinks"] = facet("SymlinksDatasetFacet", identifiers=links)
    lineage = facets.get("columnLineage")
    if lineage:
        facets["columnLineage"] = _renamed(lineage, job)
    return {**told, "namespace": namespace, "name": name, "facets": facets}


def _renamed(lineage: Mapping[str, Any], job: Job) -> Facet:
    def of(field: Mapping[str, Any]) -> dict[str, Any]:
        namespace, name = _named(field, job)
        return {**field, "namespace": namespace, "name": name}

    fields = {
        column: {**told, "inputFields": [of(f) for f in told.get("inputFields") or ()]}
        for column, told in (lineage.get("fields") or {}).items()
    }
    found = {**lineage, "fields": fields}
    if lineage.get("dataset"):
        found["dataset"] = [of(f) for f in lineage["dataset"]]
    return found


def _fields(lineage: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    for told in ((lineage or {}).get("fields") or {}).values():
        yield from told.get("inputFields") or ()
    yield from (lineage or {}).get("dataset") or ()


def _named(told: Mapping[str, Any], job: Job) -> tuple[str, str]:
    """Namespace and name of a dataset: the lake's own where it lies in the lake."""
    namespace, name = normal(told["namespace"], told["name"])
    if namespace != names.FILE_NAMESPACE:
        return told["namespace"], told["name"]
    try:
        parts = PurePosixPath(name).relative_to(job.lake_path).parts
        dataset = DatasetName.parse(".".join(parts).removesuffix(QUARANTINE_SUFFIX))
    except (ValueError, UsageError):
        return told["namespace"], told["name"]
    return names.namespace(job.lake), dataset.id


def _error(text: str) -> Facet:
    return facet("ErrorMessageRunFacet", message=text[:_LONGEST], programmingLanguage="SCALA")
