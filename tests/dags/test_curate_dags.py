"""What curate DAGs look like: derived from contracts, for every release group, and from nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from headgate.orchestration.project import Project

FILE = "dags/curate.py"


@pytest.fixture
def dags(dags_project: Project) -> dict[str, Any]:
    """All curate DAGs of a copy of this project."""
    return made(dags_project)


def made(project: Project) -> dict[str, Any]:
    from headgate.orchestration.airflow import curate_dags

    return curate_dags(str(project.settings.root / FILE))


def contract(project: Project, dataset: str) -> Path:
    return Path(project.contracts[dataset].path)


def test_every_release_group_has_its_dag_with_a_task_for_each_curated_dataset(
    dags: dict[str, Any], dags_project: Project
) -> None:
    groups: dict[str, set[str]] = {}
    for found in dags_project.contracts.values():
        if found.name.layer != "system":
            mine = groups.setdefault(found.release_group, set())
            mine |= {found.id} if found.curated else set()
    assert dags.keys() == {f"curate.{g}" for g in groups}
    for group, curated in groups.items():
        tasks = set(dags[f"curate.{group}"].task_dict)
        assert tasks == {"release", *curated} | ({"build"} if curated else set())


def test_tasks_come_after_what_their_datasets_are_made_from(dags: dict[str, Any]) -> None:
    dag = dags["curate.community"]
    health = dag.get_task("gold.community.community_health_daily")
    assert health.upstream_task_ids == {
        "gold.community.dim_users", "gold.community.fct_channel_activity_daily",
        "gold.community.fct_conversation_response", "gold.community.fct_user_activity_daily",
    }  # fmt: skip
    for task in dag.tasks:
        first = task.upstream_task_ids == {"build"}
        waits = task.trigger_rule != "always"
        assert waits != first or task.task_id == "release", task
    release = dag.get_task("release")
    assert release.upstream_task_ids == set(dag.task_dict) - {"release"}
    assert release.trigger_rule == "all_done"
    assert dag.max_active_runs == 1


def test_assets_start_a_group_and_come_of_its_release_alone(dags: dict[str, Any]) -> None:
    dag = dags["curate.community"]
    starts = {a.name for a in dag.timetable.asset_condition.objects}
    assert starts == {
        "bronze.chat.channels", "bronze.chat.users", "silver.chat.conversations",
        "silver.chat.messages",
    }  # fmt: skip
    outlets = {t.task_id: {a.name for a in t.outlets} for t in dag.tasks if t.outlets}
    curated = set(dag.task_dict) - {"build", "release"}
    assert outlets == {"release": curated}
    assert not starts & curated, "a release would start its own group again"


def test_airflow_starts_a_datasets_task_in_the_triggerer(dags: dict[str, Any]) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    dag = DagSerialization.from_dict(DagSerialization.to_dict(dags["curate.chat"]))
    for task in dag.tasks:
        waits = task.task_id not in ("build", "release")
        assert bool(task.start_from_trigger) == waits
        if waits:
            arguments = task.start_trigger_args
            assert arguments.trigger_cls.endswith(".node_trigger.NodeTrigger")
            assert arguments.timeout is not None
            assert task.pool == "default_pool"


def test_a_page_names_contracts_and_factory(dags: dict[str, Any], dags_project: Project) -> None:
    for dag in dags.values():
        assert "headgate.orchestration.airflow.curate_dags" in dag.doc_md
        assert dag.on_failure_callback
        for task in dag.tasks:
            if task.task_id in dags_project.contracts:
                relative = contract(dags_project, task.task_id).relative_to(
                    dags_project.settings.root
                )
                assert str(relative) in task.doc_md and str(relative) in dag.doc_md
                assert task.owner == dags_project.contracts[task.task_id].owner


def test_a_worker_makes_only_the_dag_that_it_runs(
    dags_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wanted, expected in (
        ("curate.chat", {"curate.chat"}), ("ingest.bronze.irc.messages", set()),
        ("curate.nothing", set()),
    ):  # fmt: skip
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", wanted)
        assert made(dags_project).keys() == expected


def test_a_contract_that_goes_takes_its_task_with_it(dags_project: Project) -> None:
    gone = "gold.community.fct_user_retention_weekly"
    assert gone in made(dags_project)["curate.community"].task_dict
    shutil.rmtree(contract(dags_project, gone).parent)
    assert gone not in made(dags_project)["curate.community"].task_dict
