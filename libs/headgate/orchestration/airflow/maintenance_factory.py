"""Maintenance DAGs: small files put together, late datasets told of, the lake verified, lineage sent on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Param, get_parsing_context

from headgate.core import forwards
from headgate.core import settings as core_settings
from headgate.core.settings import Settings
from headgate.orchestration.airflow.governed import governed, page_of, root_of, under_lock
from headgate.orchestration.airflow.maintenance_tasks import Forward, Freshness, Fsck, Maintain


def maintenance_dags(file: str) -> dict[str, DAG]:
    """The DAGs `maintain`, `freshness` and `fsck` of a DAG file's project, by id, and `forward` where
    lineage is to be forwarded to somebody; a worker that runs one of them gets only that.

    Raises:
        UsageError: there is no project, or a setting is wrong.
    """
    settings, wanted = core_settings.load(root_of(file)), get_parsing_context().dag_id
    made = {name: make for name, make in _DAGS.items() if wanted in (None, name)}
    if not forwards.read(settings.root)[0]:
        made.pop("forward", None)
    return {name: make(settings, file) for name, make in made.items()}


def _maintain(settings: Settings, file: str) -> DAG:
    dag = _dag(
        settings, "maintain", file,
        "Puts small files together, cuts logs short, and removes what no kept version or release "
        "needs. No row changes.",
        "headgate maintain --dry-run", "docs/how-to/maintain-a-lake.md", "airflow_maintain_schedule",
    )  # fmt: skip
    Maintain(task_id="maintain", dag=dag, **under_lock(settings))
    return dag


def _freshness(settings: Settings, file: str) -> DAG:
    dag = _dag(
        settings, "freshness", file,
        "Looks for datasets that are older than their contract promises, and tells their owners: "
        "when they become late, daily while they are, and when they are back.",
        "headgate status", "docs/runbooks/a-dataset-is-late.md", "airflow_freshness_schedule",
    )  # fmt: skip
    Freshness(task_id="freshness", dag=dag)
    return dag


def _fsck(settings: Settings, file: str) -> DAG:
    deep = Param(
        False, type="boolean", title="Read every row and byte",
        description="Otherwise logs, ledgers, releases and the files' footers.",
    )  # fmt: skip
    dag = _dag(
        settings, "fsck", file,
        "Verifies the lake: logs, files, accounts, ledgers, releases, quarantine, lineage. Fails if a "
        "promise is broken; changes nothing.",
        "headgate fsck", "docs/runbooks/fsck-found-something.md", "airflow_fsck_schedule",
        params={"deep": deep},
    )  # fmt: skip
    Fsck(task_id="fsck", dag=dag)
    return dag


def _forward(settings: Settings, file: str) -> DAG:
    dag = _dag(
        settings, "forward", file,
        "Sends lineage that runs and Airflow told, and that destinations do not have yet. Fails if one "
        "of them is configured wrongly, lets nobody in, or takes nothing for an hour; what is left is "
        "sent later.",
        "headgate lineage forward", "docs/how-to/forward-lineage.md", "airflow_forward_schedule",
        retries=0,  # the next run is the next try
    )  # fmt: skip
    Forward(task_id="forward", dag=dag)
    return dag


_DAGS: dict[str, Callable[[Settings, str], DAG]] = {
    "maintain": _maintain,
    "freshness": _freshness,
    "fsck": _fsck,
    "forward": _forward,
}


def _dag(settings: Settings, name: str, file: str, does: str, by_hand: str, guide: str, setting: str,
         **more: Any) -> DAG:  # fmt: skip
    schedule, owner = getattr(settings, setting), settings.airflow_owner
    facts = {
        "Contract": "those of all datasets: `data_contracts/`",
        "By hand": f"`{by_hand}`",
        "Guide": f"`{guide}`",
        "Schedule": f"`{schedule}` (UTC), by setting `{setting}`" if schedule else "by hand only",
        "Owner": owner,
    }
    return governed(
        name,
        file=file,
        owner=owner,
        page=page_of(does, facts, factory="maintenance_dags", file=Path(file).name),
        schedule=schedule or None,
        description=does.partition(". ")[0].rstrip(".") + ".",
        tags=("maintenance",),
        **more,
    )
