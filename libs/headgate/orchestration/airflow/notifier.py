"""Alerts from Airflow: the one ``on_failure_callback`` that every DAG and task has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.core import settings as core_settings
from headgate.orchestration.alerts import Alert, send


@dataclass(frozen=True)
class AlertRoute:
    """Tells an owner that a task or a DAG run failed for good. Never raises.

    ``dataset`` is what the task makes, if it makes one.
    """

    owner: str
    dataset: str = ""
    root: Path | None = None

    def __call__(self, context: Mapping[str, Any]) -> None:
        """Airflow calls it with a task's context, or with a DAG run's."""
        task = context.get("ti")
        dag_id = getattr(context.get("dag"), "dag_id", "") or getattr(task, "dag_id", "")
        what = f"task {getattr(task, 'task_id', '?')} of DAG {dag_id} failed."
        alert = Alert("failed", self.dataset or dag_id, self.owner, what, "headgate status")
        send(core_settings.load(self.root), alert)


def alert_route(owner: str, *, dataset: str = "", root: Path | None = None) -> AlertRoute:
    """The ``on_failure_callback`` that tells ``owner``; give it to the DAG and, by
    ``default_args``, to its tasks: a task that failed is told of once."""
    return AlertRoute(owner, dataset, root)
