"""The task of one curated dataset: it waits in the triggerer, and builds only when it is tried again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException
from airflow.triggers.base import StartTriggerArgs

from headgate.core import clock
from headgate.orchestration.airflow import node_board
from headgate.orchestration.airflow.node_board import BOARD, PRODUCER, SEEN, Decision
from headgate.orchestration.airflow.producing import building, tell

log = logging.getLogger("headgate.task")

#: No producer builds for so long; a task that waited longer is failed.
LONGEST_WAIT = timedelta(hours=24)


class Node(BaseOperator):
    """Shows what became of one curated dataset, in its own state, time and log.

    It starts in the triggerer and, where all is well, ends there: no worker is used. Tried again,
    by Airflow or by a person, it builds its dataset and what is made from it on a worker; the tasks
    of those find that done.
    """

    ui_color = "#e8daef"
    start_from_trigger = True

    def __init__(self, *, dataset: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.dataset = dataset
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls="headgate.orchestration.airflow.node_trigger.NodeTrigger",
            trigger_kwargs={"dataset": dataset},
            next_method="resume",
            timeout=LONGEST_WAIT,
        )

    def execute(self, context: Mapping[str, Any]) -> None:
        """Do without a triggerer what is done in it, as in ``dag.test()``: look, or come again.

        Raises:
            AirflowRescheduleException: nothing is known of the dataset yet.
        """
        task: Any = context["ti"]
        states = task.get_task_states(
            dag_id=task.dag_id, task_ids=[PRODUCER], run_ids=[task.run_id]
        )
        producer = states.get(task.run_id, {}).get(PRODUCER)
        board = task.xcom_pull(task_ids=PRODUCER, key=BOARD) or {}
        seen = task.xcom_pull(task_ids=task.task_id, key=SEEN)
        decision = node_board.decide(
            self.dataset, board.get(self.dataset), producer and str(producer),
            attempt=task.try_number, seen=node_board.report_of(seen),
        )  # fmt: skip
        if decision.step == "wait":
            raise AirflowRescheduleException(clock.now())
        self._do(context, decision)

    def resume(self, context: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        """Go on where the triggerer sent the task to a worker.

        Raises:
            AirflowFailException: the dataset failed.
        """
        self._do(context, Decision(event["step"], event["why"], event.get("entry")))

    def _do(self, context: Mapping[str, Any], decision: Decision) -> None:
        if decision.step == "work":
            log.info("%s", decision.why)
            decision = self._build(context)
        if decision.entry is not None:
            context["ti"].xcom_push(key=SEEN, value=dict(decision.entry))
        if decision.step == "fail":
            raise AirflowFailException(decision.why)
        log.info("%s", decision.why)

    def _build(self, context: Mapping[str, Any]) -> Decision:
        """Build the dataset and what is made from it, and say so on the board."""
        from headgate.orchestration import parts

        with building(context, beside=True) as (work, board):
            report = parts.build_from(
                work.project,
                self.dataset,
                on_node=board.put,
                progress=work.progress,
                task=work.task,
            )
            board.put_all(report.nodes)
        tell(report)
        line = board.line(self.dataset)
        if line is None:
            return Decision(
                "fail", f"Nothing was said of {self.dataset}: is it still curated here?"
            )
        well = line["state"] in ("built", "unchanged")
        return Decision("succeed" if well else "fail", node_board.told(self.dataset, line), line)
