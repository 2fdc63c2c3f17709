"""Lineage: events that can be read, names that are declared, runs that ended, gates that were told of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate.contracts.load import from_document
from headgate.contracts.names import DatasetName
from headgate.core.errors import HeadgateError, UsageError
from headgate.lake import kept
from headgate.lineage import callers, log, names
from headgate.lineage.steps import State
from headgate.orchestration.verifying.accounts import GATED
from headgate.orchestration.verifying.finding import ERROR, WARNING, Check, Fault
from headgate.orchestration.verifying.look import Look

CLOSE = "tells in lineage that the run of a dead process ended"
_ENDED = (State.COMPLETE.value, State.FAIL.value, State.ABORT.value)


@dataclass
class Told:
    """What the lineage file tells: damaged lines, names used, steps without an end, runs that ended."""

    damaged: list[int] = field(default_factory=list)
    torn: bool = False
    named: dict[tuple[str, str], int] = field(default_factory=dict)
    open: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    completed: set[str] = field(default_factory=set)
    gates: set[str] = field(default_factory=set)


def told(look: Look) -> Told:
    """The lineage file, read once."""
    found = vars(look).get("_told")
    if found is None:
        found = vars(look)["_told"] = _read(look, _path(look))
    assert isinstance(found, Told)
    return found


def completed_runs(look: Look) -> set[str]:
    """Runs that said in lineage that they ended well."""
    return told(look).completed


def _path(look: Look) -> Path:
    settings = look.project.settings
    return look.project.lake.root / settings.lineage_file


def _read(look: Look, path: Path) -> Told:
    found, lake = Told(), names.namespace(look.project.settings.lake_name)
    if not path.exists():
        return found
    look.progress.step("lineage", "reading events")
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                found.torn = True  # half a line: it may be written this moment
                break
            events = list(log.whole(line))
            if not events and line.strip():
                found.damaged.append(number)
            for event in events:
                try:
                    _take(found, event, number, lake)
                except (KeyError, TypeError, AttributeError):
                    found.damaged.append(number)
    return found


def _take(found: Told, event: dict[str, Any], number: int, lake: str) -> None:
    job, run, state = event["job"], str(event["run"]["runId"]), event.get("eventType")
    if job["namespace"] != lake:
        return  # another producer's
    for side in ("inputs", "outputs"):
        for node in event.get(side) or ():
            found.named.setdefault((str(node["namespace"]), str(node["name"])), number)
            facets = node.get("facets") or {}
            fields = (facets.get("columnLineage") or {}).get("fields") or {}
            for column in fields.values():
                for source in column.get("inputFields") or ():
                    found.named.setdefault((str(source["namespace"]), str(source["name"])), number)
    try:
        kind, _ = names.parse_job(str(job["name"]))
    except UsageError:
        return
    if kind == names.GATE:
        found.gates.add(run)
    if state == State.START.value:
        found.open.setdefault(run, (number, event))
    elif state in _ENDED:
        found.open.pop(run, None)
        if kind == names.RUN and state == State.COMPLETE.value:
            found.completed.add(run)


def _readable(look: Look) -> Iterator[Fault]:
    found, place = told(look), look.project.settings.lineage_file
    for number in found.damaged:
        last = look.dead is not None
        yield Fault(
            f"{place}:{number}", "the event cannot be read.", severity=WARNING if last else None
        )
    if found.torn and not look.running:
        yield Fault(place, "the last event was never finished; the next run begins a new line.",
                    severity=WARNING)  # fmt: skip


def _named(look: Look) -> Iterator[Fault]:
    known, place = _known(look), look.project.settings.lineage_file
    for (namespace, name), number in sorted(told(look).named.items()):
        if (namespace, name) not in known:
            yield Fault(f"{place}:{number}", f"lineage names {name!r} in {namespace!r}, which is neither a "
                        "contract nor a declared source.")  # fmt: skip


def _known(look: Look) -> frozenset[tuple[str, str]]:
    """What contracts declare, today's and those that are kept, and tables that are there."""
    project = look.project
    lake = names.namespace(project.settings.lake_name)
    contracts = list(project.contracts.values())
    for dataset in project.lake.storage.names(kept.FOLDER):
        today = look.today(dataset)
        for name in project.lake.storage.names(f"{kept.FOLDER}/{dataset}"):
            try:
                document = kept.recall(project.lake, dataset, name.removesuffix(".json"))
                if document is not None:
                    path = today.path if today else Path(dataset)
                    contracts.append(from_document(path, document))
            except (HeadgateError, ValueError, KeyError, TypeError):
                continue
    tables = {(lake, d) for d in look.tables}
    return names.nodes(contracts, project.settings.lake_name) | tables


def _ended(look: Look) -> Iterator[Fault]:
    place = look.project.settings.lineage_file
    for run, (number, event) in sorted(told(look).open.items()):
        if {run, callers.run_of(event)} & look.running:
            continue
        yield Fault(
            f"{place}:{number}", f"{event['job']['name']} of run {run} started and never ended."
        )


def _gates(look: Look) -> Iterator[Fault]:
    gates = told(look).gates
    for table in look.data():
        for version, meta in table.metas():
            job = names.job(names.GATE, table.dataset)
            if meta.kind in GATED and names.run_id(meta.run_id, job, meta.batch_id) not in gates:
                yield Fault(table.place(version), f"lineage does not tell of the gate of batch "
                            f"{meta.batch_id}.", table.dataset, version)  # fmt: skip


def dataset_of(event: dict[str, Any]) -> str | None:
    """The dataset that an event's job is of."""
    kind, dataset = names.parse_job(str(event["job"]["name"]))
    return DatasetName.parse(dataset).id if dataset and kind else None


_KEEP = "Lineage is told, not relied on: nothing else is touched. Mend or remove the line by hand."

CHECKS = (
    Check("lineage-events", "Every lineage event can be read.", _KEEP, _readable, severity=ERROR),
    Check("lineage-names", "Every name in lineage is a contract or a declared source.", _KEEP, _named),
    Check("lineage-ended", "Every step that started has ended, unless its run goes on.",
          "The next run ends what the newest one left; `headgate fsck --repair` ends all.", _ended,
          severity=WARNING, repair=CLOSE),
    Check("lineage-gates", "Lineage tells of the gate of every commit.",
          "The log and the ledgers have it all; only pictures of lineage lack it.", _gates,
          severity=WARNING),
)  # fmt: skip
