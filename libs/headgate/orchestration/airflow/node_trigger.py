"""The trigger in which the task of a dataset waits for the producer, and as a rule also ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from headgate.core import clock
from headgate.orchestration.airflow import node_board
from headgate.orchestration.airflow.node_board import BOARD, PRODUCER, SEEN, Decision

#: The tasks of one DAG run that wait in one triggerer look at the board together, so often.
LOOK_EVERY_SECONDS = 1.0
#: Producers in these states have no board; Airflow logs an error for each question in vain.
_NOT_BEGUN = (None, "scheduled", "queued")
#: After so many turns all that a trigger logs of its task has been read.
_TURNS = 3
#: A DAG run that nobody looked at for so long is forgotten.
_FORGET_AFTER_SECONDS = 120.0


@dataclass
class Run:
    """What the waiting tasks of one DAG run last saw: the producer's state and its board."""

    dag_id: str
    run_id: str
    producer: str | None = None
    board: Mapping[str, Any] = field(default_factory=dict)
    looked: float = float("-inf")
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self) -> Run:
        """See how things are, unless somebody did a moment ago."""
        async with self.reading:
            if clock.monotonic() - self.looked >= LOOK_EVERY_SECONDS:
                # In this order: what a producer says that has ended is its last word.
                key = (self.dag_id, self.run_id)
                self.producer = await producer_state(*key)
                begun = self.producer not in _NOT_BEGUN
                self.board = (begun and await xcom(*key, PRODUCER, BOARD)) or {}
                self.looked = clock.monotonic()
        return self


_runs: dict[tuple[str, str], Run] = {}


def watched(dag_id: str, run_id: str) -> Run:
    """The one that all tasks of a DAG run share in this process."""
    now = clock.monotonic()
    for key, run in list(_runs.items()):
        if now - run.looked > _FORGET_AFTER_SECONDS and not run.reading.locked():
            del _runs[key]
    return _runs.setdefault((dag_id, run_id), Run(dag_id, run_id))


class NodeTrigger(BaseTrigger):
    """Waits until the producer of its DAG run said what became of ``dataset``.

    It ends its task where all is well. Where the dataset failed, or is tried again, it sends the
    task to a worker, with what is to be done there.
    """

    def __init__(self, dataset: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """By what the triggerer makes it again."""
        return f"{__name__}.{type(self).__name__}", {"dataset": self.dataset}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Give the one event that ends the task or sends it to a worker."""
        task: Any = self.task_instance
        seen = None
        if task.try_number > 1:
            before = await xcom(task.dag_id, task.run_id, task.task_id, SEEN)
            seen = node_board.report_of(before)
        self.log.info("Waiting for what `%s` says of %s.", PRODUCER, self.dataset)
        while True:
            run = await watched(task.dag_id, task.run_id).look()
            decision = node_board.decide(
                self.dataset, run.board.get(self.dataset), run.producer,
                attempt=task.try_number, seen=seen,
            )  # fmt: skip
            if decision.step != "wait":
                break
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        for line in decision.why.splitlines():
            (self.log.error if decision.step == "fail" else self.log.info)("%s", line)
        await _read(task)
        yield event_of(decision)


async def _read(task: Any) -> None:
    """Return once what was logged for a task so far has been read.

    Airflow closes a task's log as it hears that its trigger ended, also before it has read all that
    was logged. It reads logs and answers questions in turn, some kilobytes at a time.
    """
    for _ in range(_TURNS):
        await producer_state(task.dag_id, task.run_id)


def event_of(decision: Decision) -> TriggerEvent:
    """The event by which a task does what was decided."""
    if decision.step == "succeed":
        return TaskSuccessEvent(xcoms={SEEN: dict(decision.entry or {})})
    entry = dict(decision.entry) if decision.entry else None
    return TriggerEvent({"step": decision.step, "why": decision.why, "entry": entry})


async def producer_state(dag_id: str, run_id: str) -> str | None:
    """The state of the producer's task in a DAG run."""
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import GetTaskStates

    asked = GetTaskStates(dag_id=dag_id, task_ids=[PRODUCER], run_ids=[run_id])
    answer: Any = await task_runner.SUPERVISOR_COMMS.asend(asked)
    state = answer.task_states.get(run_id, {}).get(PRODUCER)
    return None if state is None else str(getattr(state, "value", state))


async def xcom(dag_id: str, run_id: str, task_id: str, key: str) -> Any:
    """An XCom of a task; None if there is none."""
    from airflow.sdk.bases.xcom import BaseXCom

    return await BaseXCom.aget_one(key=key, dag_id=dag_id, task_id=task_id, run_id=run_id)
