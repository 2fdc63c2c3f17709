"""Scheduler, triggerer and worker, small enough for a test: they do what Airflow's own do, in turn.

`dag.test()` starts no task in the triggerer and clears no task; here a task that starts there does.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from airflow.sdk import DAG

from headgate.core import clock
from tests.dags.conftest import Ran, WarmAirflow

#: A run that takes more rounds than this does not end.
ROUNDS = 60


class _Waits(Exception):
    """A trigger has nothing to say until some time has passed."""


@dataclass
class SmallAirflow:
    """One DAG, run by Airflow's own parts in this process. ``worked`` are the tasks (with their
    tries) that a worker had, in order."""

    airflow: WarmAirflow
    dag: DAG

    def __post_init__(self) -> None:
        self.worked: list[tuple[str, int]] = []
        self.airflow.register(self.dag)

    def start(self) -> str:
        """A run that nothing was done in yet."""
        from airflow.models.dagbag import DBDagBag
        from airflow.settings import Session
        from airflow.utils.state import DagRunState
        from airflow.utils.types import DagRunTriggeredByType, DagRunType

        with Session() as session:
            dag = DBDagBag().get_latest_version_of_dag(self.dag.dag_id, session=session)
            assert dag is not None
            run_id = f"manual__{clock.iso()}"
            dag.create_dagrun(
                run_id=run_id, run_after=clock.now(), run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.TEST, state=DagRunState.RUNNING, session=session,
            )  # fmt: skip
            session.commit()
        return run_id

    def run(self, run_id: str = "") -> Ran:
        """Go on with a run, a new one if none is named, until it has ended."""
        run_id = run_id or self.start()
        for _ in range(ROUNDS):
            if self.round(run_id) not in ("running", "queued"):
                return self.airflow.ran(self.dag.dag_id, run_id)
        raise AssertionError(f"does not end: {self.airflow.ran(self.dag.dag_id, run_id)}")

    def clear(self, run_id: str, *tasks: str) -> None:
        """Clear tasks and what is downstream of them, as the UI does."""
        from airflow.models.taskinstance import clear_task_instances
        from airflow.settings import Session
        from airflow.utils.state import DagRunState

        cleared = set(tasks)
        for task in tasks:
            cleared |= self.dag.get_task(task).get_flat_relative_ids(upstream=False)
        with Session() as session:
            found = [t for t in self._instances(session, run_id) if t.task_id in cleared]
            clear_task_instances(found, session, dag_run_state=DagRunState.RUNNING)
            session.commit()

    def round(self, run_id: str, *, triggers: bool = True) -> str:
        """One round of each: schedule, work, trigger; gives the run's state after scheduling."""
        self._time_passes(run_id)
        state = self._schedule(run_id)
        self._work(run_id)
        if triggers:
            self._trigger(run_id)
        return state

    def _schedule(self, run_id: str) -> str:
        from airflow.models.dagbag import DBDagBag
        from airflow.settings import Session

        with Session() as session:
            run = self._run(session, run_id)
            run.dag = DBDagBag().get_dag_for_run(run, session=session)
            ready, _ = run.update_state(session=session, execute_callbacks=False)
            run.schedule_tis(ready, session=session)
            session.commit()
            return str(run.state)

    def _work(self, run_id: str) -> None:
        from airflow.sdk.definitions.dag import _run_task
        from airflow.settings import Session

        with Session() as session:
            due = [t for t in self._instances(session, run_id) if t.state == "scheduled"]
            # One worker: the pool lets the one with the most behind it begin.
            due.sort(key=lambda t: (-t.priority_weight, t.task_id))
            for instance in due[:1]:
                self.worked.append((instance.task_id, instance.try_number))
                _run_task(ti=instance, task=self.dag.get_task(instance.task_id))
            session.commit()

    def _trigger(self, run_id: str) -> None:
        from airflow.models.trigger import Trigger
        from airflow.settings import Session

        with Session() as session:
            waiting = [t for t in self._instances(session, run_id) if t.state == "deferred"]
            for instance in waiting:
                event = self._event(instance, session.get(Trigger, instance.trigger_id))
                if event is not None:
                    Trigger.submit_event(instance.trigger_id, event, session=session)
            session.commit()

    def _event(self, instance: Any, row: Any) -> Any:
        """What a trigger has to say now; None if it waits on."""
        from airflow.sdk._shared.module_loading import import_string
        from airflow.sdk.execution_time import supervisor, task_runner

        made = import_string(row.classpath)(**row.kwargs)
        made.task_instance = SimpleNamespace(
            dag_id=instance.dag_id, run_id=instance.run_id, task_id=instance.task_id,
            try_number=instance.try_number,
        )  # fmt: skip
        inner = supervisor.InProcessTestSupervisor
        asked = inner(
            id=instance.id, pid=1, process=None, process_log=None, client=inner._api_client()
        )  # type: ignore[call-arg]
        asked.comms = supervisor.InProcessSupervisorComms(supervisor=asked)

        async def asend(message: Any) -> Any:
            return asked.comms.send(message)

        async def asleep(_: float) -> None:
            raise _Waits

        async def first() -> Any:
            with supervisor.set_supervisor_comms(SimpleNamespace(asend=asend)):
                assert task_runner.SUPERVISOR_COMMS is not None
                return await asyncio.wait_for(anext(made.run()), timeout=60)

        from headgate.orchestration.airflow import node_trigger

        node_trigger._runs.clear()  # a triggerer that was started again knows nothing of before
        with patch.object(node_trigger, "asyncio", SimpleNamespace(sleep=asleep)):
            try:
                return asyncio.run(first())
            except _Waits:
                return None

    def _time_passes(self, run_id: str) -> None:
        """What is to be tried again later is to be tried again now."""
        from airflow.settings import Session

        with Session() as session:
            for instance in self._instances(session, run_id):
                if instance.state == "up_for_retry":
                    instance.end_date = instance.end_date.replace(year=2026, month=1, day=1)
            session.commit()

    def _run(self, session: Any, run_id: str) -> Any:
        from airflow.models.dagrun import DagRun
        from sqlalchemy import select

        mine = (DagRun.dag_id == self.dag.dag_id, DagRun.run_id == run_id)
        return session.scalars(select(DagRun).where(*mine)).one()

    def _instances(self, session: Any, run_id: str) -> list[Any]:
        return list(self._run(session, run_id).get_task_instances(session=session))
