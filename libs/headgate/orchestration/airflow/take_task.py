"""The tasks of an ingest DAG: take what is new at a source, and fail for what was refused."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSkipException,
    DownstreamTasksSkipped,
)

from headgate.core.errors import UsageError
from headgate.orchestration.airflow.assets import asset, waiting
from headgate.orchestration.airflow.notifier import told_already
from headgate.orchestration.airflow.telling import (
    Told,
    committed,
    emit,
    events_of,
    tell_refused,
)
from headgate.orchestration.airflow.working import Working, part
from headgate.orchestration.alerting import words

if TYPE_CHECKING:
    from headgate.orchestration.parts import PartReport

log = logging.getLogger("headgate.task")

#: Under this key the task says what was refused, for the task that fails because of it.
REFUSED = "refused"


class Take(BaseOperator):
    """Takes what is new at the source of ``dataset``, or the files that the run was given.

    Its Asset event says what was committed; skipped if that is nothing. Where some was refused
    beside it, the task after this one fails; where nothing else was taken, this one. Rows of other
    datasets that waited for these are told of through the alias among its outlets.
    """

    template_fields = ("dataset",)
    ui_color = "#d6eaf8"

    def __init__(self, *, dataset: str, lake_name: str, **arguments: Any) -> None:
        outlets = [asset(dataset, lake_name), waiting(dataset)]
        super().__init__(outlets=outlets, **arguments)
        self.dataset = dataset
        self.lake_name = lake_name

    def execute(self, context: Mapping[str, Any]) -> None:
        """Take it.

        Raises:
            AirflowFailException: all that was new was refused, or a contract is wrong.
            AirflowSkipException: nothing is new.
            DownstreamTasksSkipped: all is well; how Airflow is told that nothing was refused.
        """
        paths = tuple(context["params"].get("paths") or ())
        with part(context) as work:
            report = take(work, self.dataset, paths=paths)
            told = refusals(work, report)
            events = events_of(work, self.outlets[0], committed(report))
        tell_refused(work.project, self.dataset, told, context)
        if not events:
            if told:
                raise told_already(AirflowFailException(said(told, self)))
            raise AirflowSkipException(f"{self.dataset}: nothing is new at its source.")
        own, alias = self.outlets
        emit(context, events, self.lake_name, alias=alias, own=own)
        if not told:
            raise DownstreamTasksSkipped(tasks=sorted(self.downstream_task_ids))
        context["ti"].xcom_push(key=REFUSED, value=said(told, self))


class Refusals(BaseOperator):
    """Fails with what the gate refused while the rest was taken; it does nothing else."""

    ui_color = "#fadbd8"

    def execute(self, context: Mapping[str, Any]) -> None:
        """Fail.

        Raises:
            AirflowFailException: always; where nothing was refused, this is skipped.
        """
        told = context["ti"].xcom_pull(task_ids=sorted(self.upstream_task_ids), key=REFUSED)
        # The task before this one sent the alert.
        raise told_already(AirflowFailException("\n".join(t for t in told if t)))


def take(
    work: Working, dataset: str, *, paths: Sequence[str] = (),
    dates: Sequence[date] | None = None, parallel: int = 0,
) -> PartReport:  # fmt: skip
    """Take what is new of a dataset as a part of a run, and log what else it has to say.

    ``paths`` that are not absolute lie below the project; the rest is as for
    :func:`headgate.orchestration.parts.take`.

    Raises:
        UsageError: the contract names no place to look at, and none is given.
    """
    from headgate.orchestration import parts

    source = work.project.contracts[dataset].source
    if source is not None and not source.path and not paths:
        raise UsageError(
            f"the contract of {dataset} names no place where its files lie.",
            remedy="Give the run some as its parameter `paths`, or say in the contract's"
            " headgate.source where they lie (path).",
        )
    report = parts.take(
        work.project, dataset, paths=[str(work.project.settings.root / p) for p in paths],
        dates=dates, parallel=parallel, progress=work.progress, task=work.task,
    )  # fmt: skip
    for note in report.notes:
        log.info("%s", note)
    for problem in report.problems:
        log.error("%s", problem)
    return report


def refusals(work: Working, report: PartReport) -> list[Told]:
    """What was refused, each with a sentence: batches by the gate, and files that could not be taken."""
    refused = [
        Told(
            o.dataset,
            " ".join(o.problems) or "The gate refused it.",
            o.source,
            o.refused,
            words.refused(o),
        )
        for o in work.progress.refused
    ]
    return [*refused, *(Told("", problem) for problem in report.problems)]


def said(told: Sequence[Told], task: BaseOperator) -> str:
    """All of it in one text, with what to do."""
    lines = [str(t) for t in told]
    again = f"When it is mended, clear task {task.task_id!r}."
    shown = [f"headgate show verdicts {d}" for d in dict.fromkeys(t.dataset for t in told) if d]
    return "\n".join([*lines, f"See {', '.join(shown)}. {again}" if shown else again])
