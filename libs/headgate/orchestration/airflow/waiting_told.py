"""Lineage of tasks that only wait in the triggerer: told by who did their work, with their run ids.

Airflow calls its listeners where a task runs on a worker, so that the OpenLineage provider knows nothing
of a task that a trigger ended, and the parent of what a model's build tells would be nowhere.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from headgate.core import clock
from headgate.orchestration.airflow.lineage import TaskIds, waits

if TYPE_CHECKING:
    from headgate.orchestration.parts import NodeState

log = logging.getLogger("headgate.lineage")

#: What is told of a dataset's task, by its dataset's state. One that is skipped never starts.
_TOLD = {"built": True, "unchanged": True, "failed": False}
#: So many seconds the last events have, as the provider's own have.
PATIENCE = 10.0

Tell = Callable[["NodeState"], None]


@contextmanager
def waiting_told(context: Mapping[str, Any]) -> Iterator[Tell]:
    """Gives a function that takes what became of a dataset, and tells lineage of that dataset's task.

    Nothing here fails the task or keeps it waiting: a thread of its own tells, and what is not told
    ``PATIENCE`` seconds after the block is left out. Without the provider nothing is told.
    """
    teller = _teller(context)
    if teller is None:
        yield lambda _: None
        return
    teller.start()
    try:
        yield teller.put
    finally:
        teller.finish()


def _teller(context: Mapping[str, Any]) -> _Teller | None:
    try:
        ids = TaskIds(context)
        return _Teller(context, ids) if ids.provided else None
    except Exception as error:
        log.warning("lineage does not tell of waiting tasks: %s: %s", type(error).__name__, error)
        return None


class _Teller:
    """Tells of the waiting tasks of one DAG run."""

    def __init__(self, context: Mapping[str, Any], ids: TaskIds) -> None:
        own = context["ti"].task_id
        self._dag, self._run, self._ids = context["dag"], context["dag_run"], ids
        self._tasks = {i: t for i, t in self._dag.task_dict.items() if waits(t) and i != own}
        self._told: dict[str, bool] = {}
        self._nodes: queue.SimpleQueue[tuple[NodeState, datetime, bool] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._tell_on, name="lineage", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def put(self, node: NodeState) -> None:
        """Have it told what became of a dataset, if its task is one that waits; again, if it came to
        be broken after it was built."""
        well = _TOLD.get(node.state)
        if node.dataset in self._tasks and well is not None:
            before = self._told.get(node.dataset)
            if before is None or (before and not well):
                self._told[node.dataset] = well
                self._nodes.put((node, clock.now(), before is None))

    def finish(self) -> None:
        """Wait until all is told, but not for long."""
        self._nodes.put(None)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            log.warning("lineage does not tell of every waiting task: its end answers too slowly.")

    def _tell_on(self) -> None:
        try:
            adapter = _adapter()
            while (found := self._nodes.get()) is not None:
                self._tell(adapter, *found)
        except Exception as error:
            log.warning("lineage of waiting tasks: %s: %s", type(error).__name__, error)

    def _tell(self, adapter: Any, node: NodeState, ended: datetime, first: bool) -> None:
        from airflow.providers.openlineage.extractors import ExtractorManager, OperatorLineage
        from airflow.providers.openlineage.utils import utils

        task, made = self._tasks[node.dataset], OperatorLineage()
        ExtractorManager().extract_inlets_and_outlets(made, task)
        doc, kind = utils.get_task_documentation(task)
        caller = self._ids.caller(node.dataset, self._ids.waiting_try)
        said = {
            "run_id": caller.run_id,
            "job_name": caller.job,
            "task": made,
            "owners": [o.strip() for o in str(task.owner).split(",")],
            "tags": self._dag.tags,
            "job_description": doc,
            "job_description_type": kind,
            "nominal_start_time": _iso(self._run.data_interval_start),
            "nominal_end_time": _iso(self._run.data_interval_end),
            "run_facets": {"parent": self._ids.parent()},
        }
        began = ended - timedelta(seconds=max(node.seconds, 0.0))
        if first:
            adapter.start_task(event_time=clock.iso(began), **said)
        if _TOLD[node.state]:
            adapter.complete_task(end_time=clock.iso(ended), **said)
        else:
            adapter.fail_task(end_time=clock.iso(ended), error=node.message, **said)


def _adapter() -> Any:
    """The provider's door to lineage, of our own: its listener uses another in another thread."""
    from airflow.providers.openlineage.plugins.adapter import OpenLineageAdapter

    return OpenLineageAdapter()


def _iso(at: datetime | None) -> str | None:
    return clock.iso(at) if at else None
