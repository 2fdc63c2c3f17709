"""Which DAGs a project has for its sources, and what they take from their contracts."""

from __future__ import annotations

import importlib
import re
from datetime import timedelta
from typing import Any

import pytest

from headgate.orchestration import airflow as ours
from headgate.orchestration.airflow import ingest_dags, maintenance_dags
from headgate.orchestration.project import Project
from tests.dags.conftest import WarmAirflow
from tests.dags.test_ingest import changed
from tests.judged_lake import DATASET


def dags(project: Project) -> dict[str, Any]:
    return ingest_dags(str(project.settings.root / "dags" / "ingest.py"))


def schedule(dag: Any) -> tuple[str, str] | None:
    table = dag.timetable
    return (table.expression, str(table.timezone)) if hasattr(table, "expression") else None


def test_every_source_has_its_dag_and_every_dag_is_governed(
    airflow: WarmAirflow, dags_project: Project
) -> None:
    folder = dags_project.settings.root / "dags"
    for file in folder.glob("*.py"):
        if file.name not in ("ingest.py", "maintenance.py"):
            file.unlink()
    bag = airflow.bag(folder)
    assert bag.import_errors == {}
    sources = {f"ingest.{c.id}": c for c in dags_project.contracts.sources}
    assert set(bag.dags) == {*sources, "backfill", "maintain", "freshness", "fsck"}
    for dag_id, dag in bag.dags.items():
        factory = "maintenance_dags" if dag.fileloc.endswith("maintenance.py") else "ingest_dags"
        assert f"`headgate.orchestration.airflow.{factory}` in `dags/" in dag.doc_md
        assert (dag.catchup, dag.max_active_runs) == (False, 1)
        dag.params.validate()
        assert dag.on_failure_callback and "headgate" in dag.tags
        if dag_id in sources:
            contract = sources[dag_id]
            path = contract.path.relative_to(dags_project.settings.root)
            assert f"`{path}`, version {contract.version}" in dag.doc_md
            assert dag.task_dict["take"].owner == contract.owner
            [table] = [o for o in dag.task_dict["take"].outlets if o.name == contract.id]
            assert table.uri == f"headgate://local/{contract.id}"


def test_a_changed_contract_changes_its_dag_and_nothing_else(dags_project: Project) -> None:
    bare = dags(dags_project)[f"ingest.{DATASET}"]
    assert schedule(bare) is None  # its contract names no place to look at
    assert "by hand only" in bare.doc_md
    changed(dags_project, "format: jsonl", "format: jsonl, path: landing/irc")
    before = dags(dags_project)
    dag = before[f"ingest.{DATASET}"]
    assert schedule(dag) == ("0 */6 * * *", "UTC")  # a quarter of the day that it promises
    assert dag.default_args["retries"] == 3
    changed(dags_project, "name: chat-platform", "name: harbour-crew")
    changed(
        dags_project,
        "customProperties:\n  - property: headgate.source",
        "customProperties:\n"
        '  - {property: headgate.schedule, value: "15 5 * * 1-5"}\n'
        "  - {property: headgate.timezone, value: Europe/Berlin}\n"
        "  - {property: headgate.retries, value: 7}\n"
        "  - {property: headgate.retryMinutes, value: 2.5}\n"
        "  - property: headgate.source",
    )
    after = dags(dags_project)
    dag = after[f"ingest.{DATASET}"]
    assert schedule(dag) == ("15 5 * * 1-5", "Europe/Berlin")
    take = dag.task_dict["take"]
    assert (take.owner, take.retries, take.retry_delay) == (
        "harbour-crew", 7, timedelta(minutes=2.5),
    )  # fmt: skip
    assert "owner:harbour-crew" in dag.tags
    assert all(text in dag.doc_md for text in ("15 5 * * 1-5", "Europe/Berlin", "harbour-crew"))
    others = before.keys() - {f"ingest.{DATASET}"}
    assert {d: before[d].doc_md for d in others} == {d: after[d].doc_md for d in others}


def test_a_contract_may_leave_it_to_a_person(dags_project: Project) -> None:
    changed(dags_project, "format: jsonl", "format: jsonl, path: landing/irc")
    changed(
        dags_project,
        "customProperties:\n  - property: headgate.source",
        "customProperties:\n  - {property: headgate.schedule, value: manual}\n"
        "  - property: headgate.source",
    )
    dag = dags(dags_project)[f"ingest.{DATASET}"]
    assert schedule(dag) is None
    assert "by hand only" in dag.doc_md


def test_a_worker_builds_only_the_dag_that_it_runs(
    dags_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = dags(dags_project)
    maintenance = str(dags_project.settings.root / "dags" / "maintenance.py")
    for wanted in (f"ingest.{DATASET}", "backfill"):
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", wanted)
        assert list(dags(dags_project)) == [wanted]
        assert dags(dags_project)[wanted].doc_md == whole[wanted].doc_md
        assert maintenance_dags(maintenance) == {}
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "fsck")
    assert list(maintenance_dags(maintenance)) == ["fsck"]
    assert dags(dags_project) == {}
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "ingest.bronze.irc.no_such")
    assert dags(dags_project) == {}


def test_what_dag_files_import_is_no_module_of_the_same_name() -> None:
    for name in ours.__all__:
        module = importlib.import_module(f"{ours.__name__}.{ours._WHERE[name]}")
        assert getattr(ours, name) is getattr(module, name)
    with pytest.raises(AttributeError, match=re.escape("no attribute 'no_such'")):
        ours.no_such  # noqa: B018
