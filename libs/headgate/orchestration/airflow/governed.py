"""What every DAG of ours has: owner, a page that names its contract, alert route, safe retries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Param
from airflow.sdk.definitions.timetables.trigger import CronTriggerTimetable

from headgate.core import settings as core_settings
from headgate.orchestration.airflow.notifier import alert_route

#: Nothing is ever run for the time before now (`catchup` is off); a DAG must have a start all the
#: same, and one that moves would make another DAG of it each time the file is parsed.
START = datetime(2026, 1, 1, tzinfo=UTC)
_LONGEST_RETRY = timedelta(hours=1)
#: Airflow's own bound, beyond which it makes no DAG.
_LONGEST_TAG = 100
TAG = "headgate"


def root_of(file: str) -> Path:
    """The project of a DAG file: ``HEADGATE_ROOT``, or the folder above ``dags/``.

    Raises:
        UsageError: there is no project.
    """
    return core_settings.find_root(Path(file).resolve().parent)


def under_lock(settings: core_settings.Settings) -> dict[str, Any]:
    """What a task is given that holds the lake while it works: the pool in which such tasks wait
    for one another, if there is one."""
    return {"pool": settings.airflow_pool} if settings.airflow_pool else {}


def governed(
    dag_id: str,
    *,
    file: str,
    owner: str,
    page: str,
    dataset: str = "",
    schedule: Any = None,
    timezone: str = "UTC",
    retries: int = 3,
    retry_minutes: float = 1.0,
    description: str = "",
    tags: Iterable[str] = (),
    params: Mapping[str, Param] | None = None,
    **more: Any,
) -> DAG:
    """A DAG without tasks, governed as all are: who answers for it, what it is for, who is told.

    ``file`` is the DAG file's ``__file__``; ``page`` is what its page in Airflow says (Markdown; see
    :func:`page_of`); ``schedule`` is a cron of five fields in ``timezone``, or what else Airflow
    takes, such as Assets; ``dataset`` is what alerts are about. ``more`` goes to the DAG as it is,
    before what is decided here.
    """
    if isinstance(schedule, str):
        schedule = CronTriggerTimetable(schedule, timezone=timezone)
    route = alert_route(owner, dataset=dataset)
    decided: dict[str, Any] = {
        "catchup": False,
        "max_active_runs": 1,
        "start_date": START,
        "default_args": {
            "owner": owner,
            "on_failure_callback": route,
            "retries": retries,
            "retry_delay": timedelta(minutes=retry_minutes),
            "retry_exponential_backoff": 2,
            "max_retry_delay": max(_LONGEST_RETRY, timedelta(minutes=retry_minutes)),
        },
    }
    dag = DAG(
        dag_id,
        schedule=schedule,
        description=description or None,
        doc_md=page,
        tags=sorted({tag[:_LONGEST_TAG] for tag in (TAG, f"owner:{owner}", *tags)}),
        on_failure_callback=route,
        **{**decided, **more},
    )
    # Given to the DAG when it is made, they are judged by JSON Schema, each time a file is parsed.
    dag.params.update(params or {})
    dag.fileloc = str(Path(file).resolve())  # Airflow takes the file of the call for it
    return dag


def page_of(does: str, facts: Mapping[str, object], *, factory: str, file: str,
            more: str = "") -> str:  # fmt: skip
    """A DAG's page: what it does, a table of what it is derived from, and by which factory."""
    rows = {
        **facts,
        "Factory": f"`headgate.orchestration.airflow.{factory}` in `dags/{Path(file).name}`",
    }
    told = {name: " ".join(str(value).replace("|", "\\|").split()) for name, value in rows.items()}
    table = "\n".join(f"| {name} | {value} |" for name, value in told.items() if value)
    return f"{does}\n\n| | |\n|---|---|\n{table}\n\n{more}".rstrip() + "\n"
