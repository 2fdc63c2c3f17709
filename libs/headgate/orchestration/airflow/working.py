"""Where a task becomes a part of a run: the project opened, errors told in Airflow's terms."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from headgate.core import clock
from headgate.core.errors import (
    ContractError,
    HeadgateError,
    ModelError,
    RefusedError,
    UsageError,
)
from headgate.orchestration.airflow.governed import root_of
from headgate.orchestration.airflow.lineage import called_by

if TYPE_CHECKING:
    from headgate.orchestration.project import Project
    from headgate.quality.outcome import BatchOutcome

log = logging.getLogger("headgate.task")

#: What another try would meet again: the data, a contract, SQL or a setting is wrong.
LASTING = (ContractError, ModelError, RefusedError, UsageError)
#: A long file says how far it is so often.
_TELL_EVERY_SECONDS = 10.0


@dataclass(frozen=True)
class Working:
    """What a task works with: the project, who is told how far it is, and what the task is called in
    all of its tries (see :mod:`headgate.orchestration.tries`)."""

    project: Project
    progress: LoggedProgress
    task: str


@contextmanager
def part(context: Mapping[str, Any]) -> Iterator[Working]:
    """Within the block, the task of ``context`` works on its project.

    It waits for the lake as long as setting ``airflow_lock_seconds`` says, tells its progress to
    the task's log, and names the task as the parent of its lineage. What another try cannot mend
    fails the task at once; everything else is left to its retries.

    Raises:
        AirflowFailException: a contract, model or setting is wrong, or the gate refused.
    """
    with failing_at_once(), called_by(context):
        yield Working(
            open_project(context["dag"].fileloc), LoggedProgress(), _called(context["ti"])
        )


def open_project(file: str) -> Project:
    """The project of a DAG file, with the patience of a task.

    Raises:
        UsageError: there is none, or a setting is wrong.
    """
    from headgate.orchestration.project import Project

    project = Project.open(Path(root_of(file)))
    settings = project.settings
    patience = max(settings.lock_wait_seconds, settings.airflow_lock_seconds)
    # A contract that is wrong is told of by dags/contract_errors.py, and must not stop the others.
    return Project(dataclasses.replace(settings, lock_wait_seconds=patience), sound=True)


@contextmanager
def failing_at_once() -> Iterator[None]:
    """Within the block, an error that another try would meet again fails the task for good."""
    try:
        yield
    except LASTING as error:
        raise AirflowFailException(str(error)) from error
    except HeadgateError as error:
        log.warning("%s: %s", type(error).__name__, error)  # the sentence, above the stack
        raise


def _called(task: Any) -> str:
    return f"{task.dag_id}/{task.run_id}/{task.task_id}/{task.map_index}"


class LoggedProgress:
    """Progress of a part of a run, as lines of the task's log."""

    def __init__(self) -> None:
        self._told = clock.monotonic()
        #: Batches that the gate refused, as they ended.
        self.refused: list[BatchOutcome] = []

    def step(self, dataset: str, what: str) -> None:
        """Work on a dataset begins."""
        log.info("%s: %s", dataset, what)

    def rows(self, dataset: str, done: int, total: int | None) -> None:
        """So many rows are done; told now and then."""
        if clock.monotonic() - self._told >= _TELL_EVERY_SECONDS:
            self._told = clock.monotonic()
            log.info("%s: %s rows%s", dataset, f"{done:,}", f" of {total:,}" if total else "")

    def done(self, outcome: BatchOutcome) -> None:
        """A batch has ended: its account, and what was wrong with it."""
        log.info(
            "%s: %s %s: %s read = %s published + %s quarantined + %s deduplicated + %s refused",
            outcome.dataset, outcome.source, outcome.outcome, f"{outcome.read:,}",
            f"{outcome.published:,}", f"{outcome.quarantined:,}", f"{outcome.deduplicated:,}",
            f"{outcome.refused:,}",
        )  # fmt: skip
        if outcome.outcome == "refused":
            self.refused.append(outcome)
        for problem in outcome.problems:
            log.warning("%s: %s", outcome.dataset, problem)
