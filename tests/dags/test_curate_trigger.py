"""The trigger: many tasks wait on one look at the board, and each gives one event."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import GetTaskStates, GetXCom, TaskStatesResult, XComResult
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent

from headgate.core import json as hjson
from headgate.orchestration.airflow import node_trigger
from headgate.orchestration.airflow.node_trigger import NodeTrigger


class Server:
    """What the triggerer's supervisor answers, and how often it was asked."""

    def __init__(self) -> None:
        self.producer: str | None = "running"
        self.board: dict[str, Any] | None = None
        self.seen: dict[str, Any] = {}
        self.asked: list[str] = []

    async def asend(self, asked: Any) -> Any:
        await asyncio.sleep(0)
        if isinstance(asked, GetTaskStates):
            self.asked.append("state")
            assert asked.run_ids
            return TaskStatesResult(task_states={asked.run_ids[0]: {"build": self.producer}})
        assert isinstance(asked, GetXCom)
        self.asked.append(asked.task_id)
        value = self.board if asked.task_id == "build" else self.seen.get(asked.task_id)
        return XComResult(key=asked.key, value=value)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that the triggers of this process ask."""
    found = Server()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", found, raising=False)
    monkeypatch.setattr(node_trigger, "LOOK_EVERY_SECONDS", 0.01)
    node_trigger._runs.clear()
    yield found
    node_trigger._runs.clear()


def trigger(dataset: str, attempt: int = 1) -> NodeTrigger:
    path, arguments = NodeTrigger(dataset).serialize()
    assert path == "headgate.orchestration.airflow.node_trigger.NodeTrigger"
    made = NodeTrigger(**arguments)
    made.task_instance = SimpleNamespace(  # type: ignore[assignment]
        dag_id="curate.x", run_id="run", task_id=dataset, try_number=attempt
    )
    return made


async def event(dataset: str, attempt: int = 1) -> TriggerEvent:
    return await anext(trigger(dataset, attempt).run())


def line(state: str, report: str = "one", message: str = "") -> dict[str, Any]:
    return {"state": state, "message": message, "seconds": 0.1, "account": None, "try": 1,
            "report": report}  # fmt: skip


def test_a_task_ends_in_the_triggerer_with_its_line(server: Server) -> None:
    server.board = {"gold.x.a": line("built")}
    got = asyncio.run(event("gold.x.a"))
    assert isinstance(got, TaskSuccessEvent)
    assert got.xcoms == {"node": line("built")}


def test_a_failed_one_goes_to_a_worker_with_the_reason(server: Server) -> None:
    server.board = {"gold.x.a": line("failed", message="no such column")}
    got = asyncio.run(event("gold.x.a"))
    assert not isinstance(got, TaskSuccessEvent)
    assert got.payload["step"] == "fail"
    assert "no such column" in got.payload["why"]


def test_one_tried_again_goes_to_a_worker_to_build(server: Server) -> None:
    server.board, server.producer = {"gold.x.a": line("failed")}, "success"
    for seen in (line("failed"), hjson.dumps(line("failed"))):  # as a worker, as a trigger has it
        server.seen = {"gold.x.a": seen}
        assert asyncio.run(event("gold.x.a", attempt=2)).payload["step"] == "work"


def test_one_tried_again_with_the_producer_takes_what_that_says_now(server: Server) -> None:
    server.board = {"gold.x.a": line("built", report="two")}
    server.seen = {"gold.x.a": line("failed")}
    assert isinstance(asyncio.run(event("gold.x.a", attempt=2)), TaskSuccessEvent)


def test_a_hundred_tasks_of_a_run_share_each_look(server: Server) -> None:
    names = [f"gold.x.m{i}" for i in range(100)]

    async def waiting() -> list[TriggerEvent]:
        tasks = [asyncio.create_task(event(n)) for n in names]
        while server.asked.count("build") < 5:
            await asyncio.sleep(0.005)
        server.board, server.producer = {n: line("built") for n in names}, "success"
        return await asyncio.gather(*tasks)

    got = asyncio.run(waiting())
    assert all(isinstance(e, TaskSuccessEvent) for e in got)
    # Each by itself would have asked a hundred times as often.
    assert set(server.asked) == {"state", "build"}
    assert server.asked.count("build") < 50


def test_the_producer_is_asked_before_its_board(server: Server) -> None:
    server.board = {"gold.x.a": line("built")}
    asyncio.run(event("gold.x.a"))
    assert server.asked[:2] == ["state", "build"]


def test_one_that_is_cancelled_while_it_looks_does_not_stop_the_others(server: Server) -> None:
    async def waiting() -> TriggerEvent:
        first = asyncio.create_task(event("gold.x.a"))
        second = asyncio.create_task(event("gold.x.b"))
        await asyncio.sleep(0)  # the first holds the look
        first.cancel()
        await asyncio.sleep(0.02)
        server.board = {"gold.x.b": line("built")}
        return await second

    assert isinstance(asyncio.run(waiting()), TaskSuccessEvent)


def test_a_run_that_nobody_waits_for_is_forgotten(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.board = {"gold.x.a": line("built")}
    asyncio.run(event("gold.x.a"))
    assert len(node_trigger._runs) == 1
    monkeypatch.setattr(node_trigger, "_FORGET_AFTER_SECONDS", -1.0)
    node_trigger.watched("curate.x", "another")
    assert list(node_trigger._runs) == [("curate.x", "another")]
