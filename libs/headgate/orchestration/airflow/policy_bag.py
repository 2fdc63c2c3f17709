"""What every DAG of a bag keeps to: owner, page, alert route, retries, tags; for tests of DAG files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from headgate.core import owners
from headgate.core import settings as core_settings
from headgate.orchestration import dag_index
from headgate.orchestration.airflow.governed import TAG
from headgate.orchestration.airflow.notifier import AlertRoute
from headgate.orchestration.airflow.policy import OURS, Finding


def judge_bag(dags: Mapping[str, Any], errors: Mapping[str, str], root: Path) -> list[Finding]:
    """What is wrong with the DAGs of a bag (``bag.dags`` and ``bag.import_errors``) of the project at
    ``root``; a bag without DAGs is wrong as well.

    Raises:
        SettingError: the owners in ``headgate.toml`` are wrong.
    """
    found = [
        Finding(file, f"it cannot be parsed: {told.strip().splitlines()[-1]}", "import")
        for file, told in errors.items()
    ]
    if not dags:
        found.append(Finding(str(root / "dags"), "there is no DAG.", "bag"))
    known = owners_of(root)
    for dag in dags.values():
        found += judge_dag(dag, known)
    return sorted(found)


def owners_of(root: Path) -> frozenset[str]:
    """Who may answer for a DAG: the owners that the project names, or else those of contracts; and
    who answers for the DAGs that are of no dataset.

    Raises:
        SettingError: the owners or the settings in ``headgate.toml`` are wrong.
    """
    known = frozenset(owners.load(root))
    if not known:
        known = frozenset(e.owner for e in dag_index.load(root).entries.values() if e.owner)
    return known | {core_settings.load(root).airflow_owner}


def judge_dag(dag: Any, known: Collection[str]) -> list[Finding]:
    """What is wrong with one DAG; ``known`` are owners."""
    return [Finding(f"DAG {dag.dag_id}", problem, name) for name, problem in _judged(dag, known)]


def _judged(dag: Any, known: Collection[str]) -> Iterator[tuple[str, str]]:
    if not dag.tasks:
        yield "tasks", "it has no task."
    nobody = sorted({str(t.owner) for t in dag.tasks} - set(known))
    if nobody:
        yield (
            "owner",
            f"nobody knows its owner {', '.join(nobody)}. Known: {', '.join(sorted(known))}.",
        )
    if not (dag.doc_md or "").strip():
        yield "page", "it has no doc_md: its page in Airflow does not say what it is for."
    routes = dag.on_failure_callback
    routes = routes if isinstance(routes, list | tuple) else [routes]
    if not any(isinstance(route, AlertRoute) for route in routes):
        yield (
            "alerts",
            "nobody is told when it fails: give it on_failure_callback=alert_route(owner).",
        )
    once = [t.task_id for t in dag.tasks if t.retries < 1 and not _knows_what_it_does(t)]
    if once:
        yield (
            "retries",
            f"{', '.join(once)} is tried once: a task may be killed at any time, so give it"
            " retries of 1 or more.",
        )
    if TAG not in dag.tags or not any(tag.startswith("owner:") for tag in dag.tags):
        yield "tags", f"it lacks the tags {TAG} and owner:<owner>, by which people find it."
    if dag.catchup:
        yield "catchup", "it would run for the past as soon as it is unpaused: say catchup=False."


def _knows_what_it_does(task: Any) -> bool:
    """Whether it is one of ours that fails on purpose, or is begun anew by other means."""
    from headgate.orchestration.airflow.handmade_tasks import ReleaseTask

    ours = type(task).__module__.startswith(f"{OURS}.")
    return ours and not isinstance(task, ReleaseTask)
