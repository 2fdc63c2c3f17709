"""Lineage in Airflow: what a task starts names that task as its parent, and the DAG run as its root.

Airflow's OpenLineage provider tells of tasks and DAG runs, we tell of what was read and written; here
both agree on names and run ids.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.contracts.names import DatasetName
from headgate.core import ids
from headgate.core import json as hjson
from headgate.core.errors import UsageError
from headgate.lineage import names
from headgate.lineage.callers import Caller, Callers, calling

if TYPE_CHECKING:
    from headgate.core.settings import Settings

log = logging.getLogger("headgate.lineage")

_SECTION = "AIRFLOW__OPENLINEAGE__"
#: The file of Airflow's events, in the folder of ours.
FILE = "airflow.jsonl"


def provider_environment(settings: Settings) -> dict[str, str]:
    """What the OpenLineage provider needs to know of the lake, as environment variables.

    Its jobs and datasets are of the lake's namespace, and its events go to a file in the lake.
    """
    transport = {
        "type": "headgate.orchestration.airflow.lineage_transport.LakeTransport",
        "path": str(airflow_events(settings)),
    }
    return {
        f"{_SECTION}NAMESPACE": names.namespace(settings.lake_name),
        f"{_SECTION}TRANSPORT": hjson.dumps(transport),
        # A fork of a process that runs DuckDB's and Polars' threads may stand still.
        f"{_SECTION}EXECUTE_IN_THREAD": "True",
        # The code of tasks stands in the repository, and may hold what is nobody's business.
        f"{_SECTION}EMISSION_POLICY": hjson.dumps(
            [{"scope": {}, "controls": {"include_source_code": False}}]
        ),
    }


def airflow_events(settings: Settings) -> Path:
    """The file of the lake that events of Airflow's own go to."""
    return (settings.lake_path / settings.lineage_file).parent / FILE


@contextmanager
def called_by(context: Mapping[str, Any]) -> Iterator[None]:
    """While it holds, lineage events tell that the task of ``context`` called for their steps.

    Of a dataset that has a task of its own in the DAG, which only waits in the triggerer, that task
    is the parent. Nothing here fails the task: who cannot be told of, is not.
    """
    try:
        callers = callers_of(context)
    except Exception as error:
        log.warning("lineage does not name this task: %s: %s", type(error).__name__, error)
        yield
        return
    with calling(callers):
        yield


def callers_of(context: Mapping[str, Any]) -> Callers:
    """The task of ``context``, and for each dataset with a waiting task in its DAG that one."""
    ti, dag = context["ti"], context["dag"]
    of = TaskIds(context)
    own = of.caller(ti.task_id, ti.try_number, ti.map_index)
    nodes = {
        task_id: of.caller(task_id, of.waiting_try)
        for task_id, task in dag.task_dict.items()
        if waits(task) and task_id != ti.task_id
    }
    return Callers(own, nodes)


def waits(task: Any) -> bool:
    """Whether a task is a dataset's own that waits in the triggerer, where nobody tells of it."""
    if not getattr(task, "start_from_trigger", False):
        return False
    try:
        return bool(DatasetName.parse(task.task_id))
    except UsageError:
        return False


class TaskIds:
    """How lineage calls the tasks of one DAG run: as the provider does, if it is at work."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        run = context["dag_run"]
        self.dag_id = str(context["dag"].dag_id)
        self.clears = int(run.clear_number or 0)
        self._date, self._conf, self._run = run.logical_date or run.run_after, run.conf, run.run_id
        self.provided = provider_at_work()
        self.namespace = _namespace(self.provided, str(context["dag"].fileloc))

    @property
    def waiting_try(self) -> int:
        """The try of a task that waits: nobody tells it to another task, but it is the first one
        since the DAG run was last cleared, unless some tasks were cleared and others not."""
        return self.clears + 1

    def caller(self, task_id: str, number: int, map_index: int | None = -1) -> Caller:
        """A try of a task, and the DAG run as its root (or what the DAG run was given as root)."""
        job, index = f"{self.dag_id}.{task_id}", -1 if map_index is None else map_index
        if not self.provided:
            run = ids.name_based(
                "airflow", self.namespace, self.dag_id, self._run, str(self.clears)
            )
            task = ids.name_based("airflow", run, task_id, str(number), str(index))
            return Caller(self.namespace, job, task, self.dag_id, run)
        from airflow.providers.openlineage.utils.utils import build_task_instance_ol_run_id

        task = build_task_instance_ol_run_id(
            dag_id=self.dag_id, task_id=task_id, try_number=number, logical_date=self._date,
            map_index=index,
        )  # fmt: skip
        root = self.parent().root
        return Caller(self.namespace, job, task, root.job.name, root.run.runId, root.job.namespace)

    def parent(self) -> Any:
        """The provider's parent facet of any task of the DAG run."""
        from airflow.providers.openlineage.utils import utils

        run = utils.build_dag_run_ol_run_id(
            dag_id=self.dag_id, logical_date=self._date, clear_number=self.clears
        )
        return utils.get_task_parent_run_facet(
            parent_run_id=run, parent_job_name=self.dag_id,
            parent_job_namespace=self.namespace, dr_conf=self._conf,
        )["parent"]  # fmt: skip


def provider_at_work() -> bool:
    """Whether the OpenLineage provider tells of tasks here."""
    try:
        from airflow.providers.openlineage import conf
    except ImportError:
        return False
    return not conf.is_disabled()


def _namespace(provided: bool, file: str) -> str:
    if provided:
        from airflow.providers.openlineage import conf

        return conf.namespace()
    from headgate.core import settings
    from headgate.orchestration.airflow.governed import root_of

    return names.namespace(settings.load(root_of(file)).lake_name)
