"""Alerts from Airflow: the one ``on_failure_callback`` that every DAG and task of ours has.

Airflow calls it in the worker, and in the DAG processor where a task was killed or ended in a
trigger; nothing heavy is imported here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from headgate.core import settings as core_settings
from headgate.core.errors import RefusedError
from headgate.core.settings import Settings
from headgate.orchestration.airflow.node_board import SEEN
from headgate.orchestration.alerting import told, words
from headgate.orchestration.alerts import Alert, send

_log = logging.getLogger("headgate.alerts")
_Error = TypeVar("_Error", bound=BaseException)
_TOLD = "headgate_told"
#: Why Airflow says that a DAG run failed, where a task of it did.
_BY_A_TASK = "task_failure"
_KILLED = "a task of it failed and could not say why, as where its process is killed."


def alert_route(owner: str, *, dataset: str = "", root: Path | None = None) -> AlertRoute:
    """The ``on_failure_callback`` that tells ``owner``.

    Give it to the DAG and, by ``default_args``, to its tasks: a task that failed for good is told of
    once, by the task; a DAG run of which no task told, by the DAG.
    ``dataset`` is what is made there; a task whose id is a dataset's needs none.
    """
    return AlertRoute(owner, dataset, root)


def told_already(error: _Error) -> _Error:
    """The error, marked so that the task which fails of it is not told of once more."""
    setattr(error, _TOLD, True)
    return error


@dataclass(frozen=True)
class AlertRoute:
    """Tells an owner that a task or a DAG run failed for good. Never raises.

    Airflow calls nobody for a task whose process was killed: such a run is told of by its DAG.
    """

    owner: str
    dataset: str = ""
    root: Path | None = None

    def __call__(self, context: Mapping[str, Any]) -> None:
        """Airflow calls it with a task's context, or with a DAG run's."""
        try:
            settings = core_settings.load(self.root or _root_of(context))
            alert = self.alert(context, settings)
            if alert is not None:
                send(settings, alert)
        except Exception as error:  # a task's end must not fail of it
            _log.error("the alert could not be made: %s", words.of_error(error))

    def alert(self, context: Mapping[str, Any], settings: Settings) -> Alert | None:
        """What is told; None where it was told already."""
        if "reason" in context:
            return self._of_run(context, settings)
        # Before it is sent, since the DAG run may be over sooner than that.
        _note(settings, context)
        error = context.get("exception")
        if getattr(error, _TOLD, False):
            return None
        task = context["ti"]
        dataset = self.dataset or _dataset_of(task.task_id)
        refused = _refused(task, error)
        return Alert(
            kind="refused" if refused else "failed",
            dataset=dataset or task.dag_id,
            owner=getattr(context.get("task"), "owner", "") or self.owner,
            what=f"Task {task.task_id} of DAG {task.dag_id} failed. {_why(error)}",
            show=words.shows("refused" if refused else "failed", dataset),
            link=str(getattr(task, "log_url", "") or ""),
            run=str(context.get("run_id") or getattr(task, "run_id", "")),
        )

    def _of_run(self, context: Mapping[str, Any], settings: Settings) -> Alert | None:
        dag, reason = context["dag"], str(context["reason"])
        if _was_told(settings, context) and reason == _BY_A_TASK:
            return None
        why = _KILLED if reason == _BY_A_TASK else f"{reason.replace('_', ' ')}."
        run_id = str(context.get("run_id", ""))
        return Alert(
            kind="failed",
            dataset=self.dataset or dag.dag_id,
            owner=self.owner,
            what=f"DAG {dag.dag_id} failed: {why}",
            show=words.shows("failed", self.dataset),
            link=_page_of(dag.dag_id, run_id),
            run=run_id,
        )


def _note(settings: Settings, context: Mapping[str, Any]) -> None:
    try:
        told.note(settings, _run_of(context))
    except Exception:  # then the DAG tells once more
        _log.debug("it could not be noted that a run was told of", exc_info=True)


def _was_told(settings: Settings, context: Mapping[str, Any]) -> bool:
    try:
        return told.take(settings, _run_of(context))
    except Exception:
        _log.debug("it could not be read who was told of a run", exc_info=True)
        return False


def _run_of(context: Mapping[str, Any]) -> str:
    """A DAG run by one name, from a task's context or its own."""
    task, dag = context.get("ti"), context.get("dag")
    dag_id = dag.dag_id if dag is not None else getattr(task, "dag_id", "")
    return f"{dag_id} {context.get('run_id') or getattr(task, 'run_id', '')}"


def _why(error: Any) -> str:
    if error is None:
        return "Its process ended before it could say why: its log says more."
    return (
        words.of_error(error)
        if isinstance(error, BaseException)
        else words.without_values(str(error))
    )


def _refused(task: Any, error: Any) -> bool:
    """Whether it was the gate that refused: by the error, or by what became of the dataset."""
    if isinstance(error, RefusedError) or isinstance(
        getattr(error, "__cause__", None), RefusedError
    ):
        return True
    if error is None or not _dataset_of(task.task_id):
        return False
    try:
        line = task.xcom_pull(task_ids=task.task_id, key=SEEN) or {}
        return bool((line.get("account") or {}).get("verdict") == "refused")
    except Exception:  # whatever it is, that the task failed is told all the same
        _log.debug("what became of %s could not be read", task.task_id, exc_info=True)
        return False


def _dataset_of(task_id: str) -> str:
    """The dataset whose name a task has, if it has one."""
    parts = task_id.split(".")
    return task_id if len(parts) == 3 and parts[0] in ("bronze", "silver", "gold") else ""


def _root_of(context: Mapping[str, Any]) -> Path:
    return core_settings.find_root(Path(context["dag"].fileloc).resolve().parent)


def _page_of(dag_id: str, run_id: str) -> str:
    from airflow.configuration import conf

    base = conf.get("api", "base_url", fallback="") or "http://localhost:8080"
    return f"{base.rstrip('/')}/dags/{dag_id}/runs/{quote(run_id)}"
