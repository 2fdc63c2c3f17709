"""The door for lineage: whole lines whoever writes, nothing lost on restart, no run ever failed."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.lineage import log, steps
from headgate.lineage.emitter import Emitter
from headgate.lineage.steps import State, Step
from tests.unit.lineage.openlineage_spec import Spec


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A lineage file in a folder that is not there yet."""
    return tmp_path / "_events" / "openlineage.jsonl"


def a_run() -> Step:
    return steps.run_step(ids.new_id())


def told(path: Path) -> list[tuple[str, str]]:
    """Job and state of every line; fails if one is no JSON."""
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [(e["job"]["name"], e["eventType"]) for e in found]


def test_events_are_appended_a_line_each(path: Path, spec: Spec) -> None:
    for _ in range(2):
        with Emitter(path, "local") as emitter:
            run = a_run()
            assert emitter.emit(run, State.START)
            assert emitter.emit(run, State.COMPLETE)
        assert (emitter.emitted, emitter.problems) == (2, ())
    assert told(path) == [("run", "START"), ("run", "COMPLETE")] * 2
    assert [p for event in log.read(path) for p in spec.problems(event)] == []


def test_nothing_is_written_until_something_happens(path: Path) -> None:
    Emitter(path, "local").close()
    assert not path.parent.exists()
    assert list(log.read(path)) == []
    assert log.unfinished(path) == ()


def _tell(path: Path, times: int) -> None:
    with Emitter(path, "local") as emitter:
        run = replace(a_run(), description="x" * 20_000)
        for _ in range(times):
            emitter.emit(run, State.START)


def test_lines_stay_whole_when_processes_and_threads_write_at_once(path: Path) -> None:
    _tell(path, 1)
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=_tell, args=(path, 25)) for _ in range(3)]
    for process in processes:
        process.start()
    emitter = Emitter(path, "local")
    threads = [
        threading.Thread(target=lambda: [emitter.emit(a_run(), State.START) for _ in range(25)])
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for worker in [*threads, *processes]:
        worker.join(60)
    emitter.close()
    assert [p.exitcode for p in processes] == [0, 0, 0]
    assert len(told(path)) == 1 + 6 * 25


def test_half_a_line_of_a_crash_harms_no_other(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"eventType":"STA')
    with Emitter(path, "local") as emitter:
        emitter.emit(a_run(), State.START)
        emitter.emit(a_run(), State.COMPLETE)
    assert len(path.read_bytes().splitlines()) == 3
    assert [e["eventType"] for e in log.read(path)] == ["START", "COMPLETE"]


def test_text_that_has_no_utf8_is_kept_as_an_escape(path: Path) -> None:
    with Emitter(path, "local") as emitter:
        emitter.emit(replace(a_run(), description="half \ud83d, line\u2028end"), State.START)
    (event,) = log.read(path)
    assert event["job"]["facets"]["documentation"]["description"] == "half \ud83d, line\u2028end"
    assert emitter.problems == ()


def test_folder_that_cannot_be_made_is_a_problem_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with Emitter(tmp_path / "taken" / "events.jsonl", "local") as emitter:
        assert not emitter.emit(a_run(), State.START)
        assert not emitter.emit(a_run(), State.START)
    (problem,) = emitter.problems
    assert problem.startswith("lineage event START of run: ")
    assert problem.endswith("(2 times)")
    assert emitter.emitted == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_a_problem_and_no_error() -> None:
    with Emitter(Path("/dev/full"), "local") as emitter:
        assert not emitter.emit(a_run(), State.START)
    assert any("No space left" in problem for problem in emitter.problems)


def test_step_that_makes_no_sense_is_a_problem_and_no_error(path: Path) -> None:
    with Emitter(path, "local") as emitter:
        assert not emitter.emit(Step("run", "no uuid"), State.START)
        assert not emitter.emit(Step("gate", ids.new_id(), "no such thing"), State.START)
        assert emitter.emit(a_run(), State.START)
    assert len(emitter.problems) == 2
    assert told(path) == [("run", "START")]


def test_problems_are_kept_few_however_many_come(path: Path) -> None:
    emitter = Emitter(path, "local")
    for number in range(100):
        emitter.emit(Step("gate", ids.new_id(), f"not {number}"), State.START)
    assert len(emitter.problems) == 21
    assert emitter.problems[-1] == "more lineage problems (80 times)"


def test_running_tells_start_and_complete_with_what_is_known_by_then(
    path: Path, messages: Contract
) -> None:
    step = steps.gate_step(messages, ids.new_id(), "b1")
    with Emitter(path, "local") as emitter, emitter.running(step) as known:
        known(replace(step, tags={"published": 3}))
    start, end = log.read(path)
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == end["run"]["runId"]
    assert [t["value"] for t in end["run"]["facets"]["tags"]["tags"]] == ["3"]


@pytest.mark.parametrize(
    ("error", "state"), [(ValueError("too  bad\nhere"), "FAIL"), (KeyboardInterrupt(), "ABORT")]
)
def test_running_tells_how_it_ended_and_lets_the_error_through(
    path: Path, error: BaseException, state: str
) -> None:
    with (
        Emitter(path, "local") as emitter,
        pytest.raises(type(error)),
        emitter.running(a_run()),
    ):
        raise error
    event = list(log.read(path))[-1]
    assert event["eventType"] == state
    expected = "ValueError: too bad here" if state == "FAIL" else "KeyboardInterrupt"
    assert event["run"]["facets"]["errorMessage"]["message"] == expected


def test_step_that_ends_with_an_error_failed(path: Path) -> None:
    step = a_run()
    with Emitter(path, "local") as emitter, emitter.running(step) as known:
        known(replace(step, error="The batch was refused."))
    assert told(path)[-1] == ("run", "FAIL")


def test_close_makes_the_file_durable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def spy(file: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{file}"))
        fsync(file)

    monkeypatch.setattr(os, "fsync", spy)
    emitter = Emitter(path, "local")
    emitter.emit(a_run(), State.START)
    assert synced == []
    emitter.close()
    emitter.close()
    assert synced == [str(path), str(path.parent)], "its rows, and the name that it got"
    with Emitter(path, "local") as again:
        again.emit(a_run(), State.START)
    assert synced[2:] == [str(path)]


def test_killed_run_is_ended_by_the_next(path: Path, messages: Contract, spec: Spec) -> None:
    before, run_id = a_run(), ids.new_id()
    run, ingest = steps.run_step(run_id), steps.ingest_step(messages, run_id, "b1")
    gate = steps.gate_step(messages, run_id, "b1")
    with Emitter(path, "local") as killed:
        killed.emit(before, State.START)
        killed.emit(before, State.COMPLETE)
        killed.emit(run, State.START)
        killed.emit(ingest, State.START)
        killed.emit(ingest, State.COMPLETE)
        killed.emit(gate, State.START)
    with path.open("ab") as file:
        file.write(b'{"eventType":"COMPL')
    with Emitter(path, "local") as emitter:
        assert emitter.abort_unfinished() == 2
        assert emitter.abort_unfinished() == 0
    found = list(log.read(path))
    assert [(e["job"]["name"], e["eventType"]) for e in found[-2:]] == [
        ("run", "ABORT"), ("bronze.chat.messages.gate", "ABORT"),
    ]  # fmt: skip
    assert [e["run"]["runId"] for e in found[-2:]] == [run.run_id, gate.run_id]
    assert found[-1]["run"]["facets"]["parent"]["run"]["runId"] == run_id
    assert [p for event in found for p in spec.problems(event)] == []


def test_killed_run_is_found_behind_many_events(path: Path, messages: Contract) -> None:
    run_id = ids.new_id()
    with Emitter(path, "local") as emitter:
        emitter.emit(a_run(), State.START)
        emitter.emit(a_run(), State.COMPLETE)
        emitter.emit(steps.run_step(run_id), State.START)
        for batch in range(60):
            gate = replace(steps.gate_step(messages, run_id, str(batch)), description="x" * 9000)
            emitter.emit(gate, State.START)
            emitter.emit(gate, State.COMPLETE)
    assert path.stat().st_size > 1_000_000
    (step,) = log.unfinished(path)
    assert (step.job, step.run_id) == ("run", run_id)
