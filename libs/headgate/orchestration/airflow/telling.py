"""What Airflow and people are told of a take: what no event has told of yet, and what was refused."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.orchestration.alerting import words
from headgate.orchestration.alerts import Alert, send

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from headgate.orchestration.airflow.working import Working
    from headgate.orchestration.project import Project

log = logging.getLogger("headgate.task")


@dataclass(frozen=True)
class Told:
    """One thing that was refused: a batch of a dataset, or a sentence of what could not be taken.

    ``outside``: what an alert says of it, which holds no value of a row.
    """

    dataset: str
    what: str
    source: str = ""
    rows: int = 0
    outside: str = ""

    def __str__(self) -> str:
        rows = f" ({self.rows:,} rows refused)" if self.rows else ""
        return f"{self.dataset}: {self.source}{rows}: {self.what}" if self.dataset else self.what


def tell_refused(
    project: Project, dataset: str, refused: Sequence[Told], context: Mapping[str, Any]
) -> None:
    """One alert of all that was refused of a dataset, if anything was. Never fails the task."""
    if not refused:
        return
    alert = Alert(
        kind="refused",
        dataset=dataset,
        owner=context["task"].owner,
        what=" ".join(t.outside or words.without_values(str(t)) for t in refused),
        show=words.shows("refused", dataset),
        link=getattr(context["ti"], "log_url", "") or "",
        run=context["run_id"],
    )
    for problem in send(project, alert):
        log.warning("%s", problem)


def untold(work: Working, task: BaseOperator) -> dict[str, Any] | None:
    """What an event must still say of the task's dataset although nothing was taken just now.

    A try that was killed after its commit told nobody, and the next one finds nothing new: what
    was committed is then neither released nor told of. None if there is no such thing.
    """
    from airflow.sdk.execution_time.context import InletEventsAccessor

    [outlet] = task.outlets
    dataset = outlet.name
    newest = work.project.releases.newest()
    snapshot = work.project.lake.snapshot(dataset)
    if snapshot is None or (newest and newest.versions.get(dataset) == snapshot.version):
        return None
    # Asked for without an inlet: the task does not read its table.
    last = InletEventsAccessor(asset_name=outlet.name, asset_uri=outlet.uri)
    last = last.ascending(False).limit(1)
    if any(event.extra.get("version") == snapshot.version for event in last):
        return None
    log.info("%s: version %s was committed by a try that told nobody.", dataset, snapshot.version)
    return {"dataset": dataset, "version": snapshot.version, "release": None}
