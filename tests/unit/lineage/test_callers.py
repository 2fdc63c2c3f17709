"""Who outside called for a step: told as parent and root, kept apart from who calls later, never guessed."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.lineage import callers, log, steps
from headgate.lineage.callers import Caller, Callers, calling
from headgate.lineage.emitter import Emitter
from headgate.lineage.steps import State
from tests.unit.lineage.openlineage_spec import Spec

BUILD = Caller("headgate://local", "curate.chat.build", ids.new_id(), "curate.chat", ids.new_id())
DAILY = replace(BUILD, job="curate.chat.gold.chat.fct_daily", run_id=ids.new_id())
CALLERS = Callers(BUILD, {"gold.chat.fct_daily": DAILY})


def told(path: Path) -> dict[str, dict[str, Any]]:
    """The newest event of each job."""
    return {e["job"]["name"]: e for e in log.read(path)}


def parent(event: dict[str, Any]) -> tuple[str, str, str, str]:
    """Job and run of an event's parent, and of its root."""
    found = event["run"]["facets"]["parent"]
    root = found["root"]
    return found["job"]["name"], found["run"]["runId"], root["job"]["name"], root["run"]["runId"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A lineage file."""
    return tmp_path / "events.jsonl"


def test_steps_name_their_caller_and_the_root_above(
    path: Path, messages: Contract, daily: Contract, spec: Spec
) -> None:
    run = steps.run_step(ids.new_id())
    with Emitter(path, "local") as emitter, calling(CALLERS):
        for step in (
            run,
            steps.gate_step(messages, run.run_id, "b1"),
            steps.build_step(daily, run.run_id, "b2"),
            steps.gate_step(daily, run.run_id, "b2"),
            steps.release_step(run.run_id, {"gold.chat.fct_daily": 1}),
        ):
            with emitter.running(step):
                pass
    events = told(path)
    by_part = (BUILD.job, BUILD.run_id, "curate.chat", BUILD.root_run_id)
    by_node = (DAILY.job, DAILY.run_id, "curate.chat", BUILD.root_run_id)
    assert {job: parent(e) for job, e in events.items()} == {
        "run": by_part, "bronze.chat.messages.gate": by_part, "release": by_part,
        "gold.chat.fct_daily.build": by_node, "gold.chat.fct_daily.gate": by_node,
    }  # fmt: skip
    of_run = {job: callers.run_of(e) for job, e in events.items()}
    assert of_run == {job: None if job == "run" else run.run_id for job in events}
    assert [p for e in log.read(path) for p in spec.problems(e)] == []


def test_threads_of_others_are_called_for_too(path: Path, daily: Contract) -> None:
    step = steps.gate_step(daily, ids.new_id(), "b1")
    with Emitter(path, "local") as emitter, calling(CALLERS):
        thread = threading.Thread(target=emitter.emit, args=(step, State.START))
        thread.start()
        thread.join(30)
    assert parent(told(path)[step.job])[0] == DAILY.job


def test_nobody_called_before_and_after(path: Path, daily: Contract) -> None:
    run = ids.new_id()
    with Emitter(path, "local") as emitter:
        with calling(CALLERS), calling(replace(CALLERS, nodes={})):
            pass
        emitter.emit(steps.build_step(daily, run, "b1"), State.START)
    (event,) = log.read(path)
    assert parent(event) == ("run", run, "run", run)
    assert callers.told_by(event) is None
    assert callers.run_of(event) == run


def test_a_root_may_be_of_another_namespace(path: Path) -> None:
    far = replace(BUILD, root_namespace="elsewhere", root_job="nightly")
    with Emitter(path, "local") as emitter, calling(Callers(far)):
        emitter.emit(steps.run_step(ids.new_id()), State.START)
    (event,) = log.read(path)
    assert event["run"]["facets"]["parent"]["root"]["job"] == {
        "namespace": "elsewhere", "name": "nightly"
    }  # fmt: skip
    assert callers.told_by(event) == far


def test_what_a_dead_run_left_ends_under_who_called_for_it_then(
    path: Path, daily: Contract
) -> None:
    run = steps.run_step(ids.new_id())
    with Emitter(path, "local") as dead, calling(CALLERS):
        dead.emit(run, State.START)
        dead.emit(steps.build_step(daily, run.run_id, "b1"), State.START)
    retry = replace(BUILD, run_id=ids.new_id())
    with Emitter(path, "local") as emitter, calling(Callers(retry)):
        assert emitter.abort_unfinished() == 2
    started, aborted = list(log.read(path))[:2], list(log.read(path))[2:]
    assert [e["eventType"] for e in aborted] == ["ABORT", "ABORT"]
    assert [parent(e) for e in aborted] == [parent(e) for e in started]
    assert [callers.run_of(e) for e in aborted] == [callers.run_of(e) for e in started]


def test_what_nobody_called_for_stays_so_when_a_task_ends_it(path: Path, daily: Contract) -> None:
    run = steps.run_step(ids.new_id())
    with Emitter(path, "local") as dead:
        dead.emit(run, State.START)
        dead.emit(steps.build_step(daily, run.run_id, "b1"), State.START)
    with Emitter(path, "local") as emitter, calling(CALLERS):
        emitter.abort_unfinished()
    aborted = [e for e in log.read(path) if e["eventType"] == "ABORT"]
    assert "parent" not in aborted[0]["run"]["facets"]
    assert parent(aborted[1]) == ("run", run.run_id, "run", run.run_id)


def test_a_caller_without_a_uuid_is_a_problem_and_no_error(path: Path) -> None:
    with Emitter(path, "local") as emitter, calling(Callers(replace(BUILD, run_id="try 1"))):
        assert not emitter.emit(steps.run_step(ids.new_id()), State.START)
    assert "UUID" in emitter.problems[0]
