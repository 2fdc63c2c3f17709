"""A warm Airflow in this process, on a database of its own, and what a DAG run came to."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY, make_project

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What Airflow and its libraries warn of is theirs; what ours do stays an error."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.filterwarnings("error:::headgate"), append=False)
            item.add_marker(pytest.mark.filterwarnings("ignore"), append=False)
            item.add_marker(pytest.mark.xdist_group("airflow"))


@dataclass(frozen=True)
class Ran:
    """A DAG run that has ended. ``tasks`` are states by task id (``task[2]`` where it is mapped);
    ``labels`` are
    what mapped ones are called; ``events`` are the Asset events that came of it, as ``(asset, extra)`` in order."""

    run_id: str
    state: str
    tasks: Mapping[str, str]
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tries: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


class WarmAirflow:
    """Airflow's database and `dag.test()` in this process."""

    def test(self, dag: Any, conf: Mapping[str, Any] | None = None) -> Ran:
        """Run a DAG once, in this process, as `dag.test()` does."""
        self.register(dag)
        run = dag.test(run_conf=dict(conf) if conf else None)
        return self.ran(dag.dag_id, run.run_id)

    def register(self, *dags: Any) -> None:
        """Have the database know DAGs, as Airflow's DAG processor does."""
        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.dag_processing.collection import update_dag_parsing_results_in_db
        from airflow.serialization.serialized_objects import LazyDeserializedDAG
        from airflow.settings import Session

        with Session() as session:
            DagBundlesManager().sync_bundles_to_db(session=session)
            session.commit()
            problems: dict[tuple[str, str], str] = {}
            for dag in dags:
                dag.relative_fileloc = Path(dag.fileloc).name
            update_dag_parsing_results_in_db(
                "dags-folder", None, [LazyDeserializedDAG.from_dag(d) for d in dags], problems,
                None, set(), session,
            )  # fmt: skip
            session.commit()
        assert not problems, problems

    def ran(self, dag_id: str, run_id: str) -> Ran:
        """What a DAG run came to."""
        from airflow.models.asset import AssetEvent
        from airflow.models.dagrun import DagRun
        from airflow.models.taskinstance import TaskInstance
        from airflow.settings import Session
        from sqlalchemy import select

        with Session() as session:
            ours = (TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
            tasks = session.scalars(select(TaskInstance).where(*ours)).all()
            events = session.scalars(
                select(AssetEvent)
                .where(AssetEvent.source_dag_id == dag_id, AssetEvent.source_run_id == run_id)
                .order_by(AssetEvent.id)
            ).all()
            run = session.scalars(
                select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
            ).one()
            return Ran(
                run_id,
                str(run.state),
                {_called(t): str(t.state) for t in tasks},
                [(e.asset.name, dict(e.extra)) for e in events],
                {_called(t): t.try_number for t in tasks},
                {_called(t): t.rendered_map_index for t in tasks if t.map_index >= 0},
            )

    def xcom(self, ran: Ran, task_id: str, key: str = "return_value") -> Any:
        """What a task of a run told the others."""
        from airflow.models.xcom import XComModel
        from airflow.settings import Session

        with Session() as session:
            found = XComModel.get_many(run_id=ran.run_id, key=key, task_ids=task_id)
            return [XComModel.deserialize_value(row) for row in session.execute(found).scalars()]

    def bag(self, folder: Path) -> Any:
        """The bag of all DAG files in a folder, as Airflow makes it."""
        from airflow.dag_processing.dagbag import DagBag

        return DagBag(dag_folder=str(folder), safe_mode=True)


def _called(task: Any) -> str:
    return task.task_id if task.map_index < 0 else f"{task.task_id}[{task.map_index}]"


@pytest.fixture(scope="session")
def airflow() -> Iterator[WarmAirflow]:
    """Airflow, warm: its database is made once in a session, in ``AIRFLOW_HOME`` (see tests/conftest)."""
    home = Path(os.environ["AIRFLOW_HOME"])
    (home / "dags").mkdir(parents=True, exist_ok=True)
    keep = logging.getLogger().handlers[:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        patch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
        patch.setenv("AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS", "False")
        patch.setenv("AIRFLOW__CORE__UNIT_TEST_MODE", "False")
        from airflow.utils.db import initdb

        initdb()
        logging.getLogger().handlers[:] = keep
        yield WarmAirflow()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def dags_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A fresh project with DAG files; HEADGATE_ROOT points there."""
    monkeypatch.setenv("HEADGATE_ROOT", str(tmp_path / "project"))
    made = make_project(tmp_path / "project")
    shutil.copytree(REPOSITORY / "dags", tmp_path / "project" / "dags", dirs_exist_ok=True)
    return made
