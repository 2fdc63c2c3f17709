"""Asset events and curate runs, by Airflow's own scheduler: one runs, one waits, none is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from headgate.orchestration.project import Project
from tests.dags.conftest import WarmAirflow

DAG_ID = "curate.community"


class Scheduler:
    """Airflow's scheduler, a round at a time, for one DAG."""

    def __init__(self, airflow: WarmAirflow, dag: Any) -> None:
        from airflow.executors.local_executor import LocalExecutor
        from airflow.jobs.job import Job
        from airflow.jobs.scheduler_job_runner import SchedulerJobRunner

        airflow.register(dag)
        self.dag_id = dag.dag_id
        self.upstream = sorted(a.name for a in dag.timetable.asset_condition.objects)
        self.runner = SchedulerJobRunner(job=Job(), executors=[LocalExecutor()])
        self._paused(False)

    def event(self, dataset: str) -> None:
        """Somebody made a new version of a dataset."""
        from airflow.assets.manager import asset_manager
        from airflow.models.asset import AssetModel
        from airflow.settings import Session
        from sqlalchemy import select

        with Session() as session:
            asset = session.scalars(select(AssetModel).where(AssetModel.name == dataset)).one()
            asset_manager.register_asset_change(asset=asset, session=session)
            session.commit()

    def round(self) -> list[tuple[str, int]]:
        """Make runs of events, begin those that may; gives each run's state, and of how many
        datasets it was told."""
        from airflow.settings import Session

        with Session() as session:
            self.runner._create_dagruns_for_dags(SimpleNamespace(commit=session.commit), session)
            session.commit()
            if any(str(r.state) == "queued" for r in self._runs(session)):
                # SQLite's clock has whole seconds: until the next, the run is still to come.
                time.sleep(1.01 - time.time() % 1)
            self.runner._start_queued_dagruns(session)
            session.commit()
            return [
                (str(r.state), len({e.asset_id for e in r.consumed_asset_events}))
                for r in self._runs(session)
            ]

    def end(self) -> None:
        """Have the run that goes on end."""
        from airflow.settings import Session
        from airflow.utils.state import DagRunState

        with Session() as session:
            for run in self._runs(session):
                run.state = DagRunState.SUCCESS
            session.commit()
            self._refresh(session)

    def close(self) -> None:
        """Let nothing be scheduled any more."""
        self._paused(True)

    def _refresh(self, session: Any) -> None:
        from airflow.models.dag import DagModel

        model = session.get(DagModel, self.dag_id)
        self.runner._set_exceeds_max_active_runs(dag_model=model, session=session)
        session.commit()

    def _runs(self, session: Any) -> list[Any]:
        from airflow.models.dagrun import DagRun
        from sqlalchemy import select

        mine = select(DagRun).where(DagRun.dag_id == self.dag_id).order_by(DagRun.id)
        return list(session.scalars(mine))

    def _paused(self, paused: bool) -> None:
        from airflow.models.dag import DagModel
        from airflow.settings import Session

        with Session() as session:
            session.get(DagModel, self.dag_id).is_paused = paused
            session.commit()


@pytest.fixture
def scheduler(airflow: WarmAirflow, dags_project: Project) -> Iterator[Scheduler]:
    """A scheduler that knows one curate DAG."""
    from headgate.orchestration.airflow.curate_factory import curate_dags

    found = Scheduler(
        airflow, curate_dags(str(dags_project.settings.root / "dags/curate.py"))[DAG_ID]
    )
    yield found
    found.close()


def test_events_that_come_while_a_run_goes_on_are_gathered_in_one(scheduler: Scheduler) -> None:
    first, second, *_ = scheduler.upstream
    assert scheduler.round() == []

    scheduler.event(first)
    assert scheduler.round() == [("running", 1)]

    for _ in range(3):  # while it runs: of one dataset and of another, in several rounds
        scheduler.event(first)
        scheduler.event(second)
        assert scheduler.round() == [("running", 1)]

    scheduler.end()
    assert scheduler.round() == [("success", 1), ("running", 2)]

    scheduler.end()
    assert scheduler.round() == [("success", 1), ("success", 2)]  # all of it was in that one
