"""Lost races are tried again, on a fresh snapshot, a bounded number of times, and one at a time."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import threading

import duckdb
import pytest

from headgate.core import clock
from headgate.core.errors import ConflictError, LakeError
from headgate.lake import attempts
from headgate.lake.lake import Lake
from headgate.lake.merge import Plan

from .conftest import DATASET, Bench

TABLE = "bronze/test/things"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, none of them waited for."""
    found: list[float] = []
    monkeypatch.setattr(clock, "sleep", found.append)
    return found


def with_retries(lake: Lake, count: int) -> Lake:
    lake.settings = dataclasses.replace(lake.settings, commit_retries=count)
    return lake


def test_what_lost_is_tried_again_until_it_wins(bench: Bench, pauses: list[float]) -> None:
    tries = iter([ConflictError("first"), ConflictError("again"), None])

    def once() -> str:
        error = next(tries)
        if error:
            raise error
        return "done"

    assert attempts.again(bench.lake, TABLE, once) == "done"
    assert len(pauses) == 2


def test_tries_are_bounded_and_told(bench: Bench, pauses: list[float]) -> None:
    calls = []

    def once() -> None:
        calls.append(1)
        raise ConflictError("somebody else was first.")

    with pytest.raises(ConflictError, match=r"was first\. It was tried 4 times"):
        attempts.again(with_retries(bench.lake, 3), TABLE, once)
    assert (len(calls), len(pauses)) == (4, 3)


def test_pauses_grow_and_are_not_the_same_for_all() -> None:
    early, late = ([attempts.pause(n) for _ in range(50)] for n in (0, 5))
    assert max(early) < min(late)
    assert len(set(late)) > 1
    assert attempts.pause(100) <= 1.5


def test_a_plan_whose_files_were_vacuumed_meanwhile_is_made_anew(bench: Bench) -> None:
    bench.write(Plan(tuple(bench.staged([(1, None, "a", 1, 0)])), (), 1), None)
    calls = []

    def once() -> int:
        base = bench.lake.snapshot(DATASET)
        assert base is not None
        calls.append(base.version)
        if len(calls) == 1:
            # Between our look at the table and our reading it: replaced by others, and vacuumed.
            other = bench.lake.snapshot(DATASET)
            assert other is not None
            plan = Plan(tuple(bench.staged([(2, None, "b", 1, 0)])), other.files, 1)
            bench.write(plan, other)
            for file in other.files:
                os.unlink(file.uri)
        found = bench.con.execute(f"SELECT sum(id) FROM {base.relation()}").fetchall()
        return int(found[0][0])

    assert attempts.again(bench.lake, TABLE, once) == 2
    assert calls == [0, 1]


def test_a_file_that_is_gone_from_the_table_as_it_is_is_no_lost_race(bench: Bench) -> None:
    bench.write(Plan(tuple(bench.staged([(1, None, "a", 1, 0)])), (), 1), None)
    base = bench.lake.snapshot(DATASET)
    assert base is not None
    os.unlink(base.files[0].uri)
    calls = []

    def once() -> None:
        calls.append(1)
        bench.con.execute(f"SELECT * FROM {base.relation()}").fetchall()

    with pytest.raises((duckdb.IOException, LakeError)):
        attempts.again(bench.lake, TABLE, once)
    assert len(calls) == 1


def test_whoever_lost_is_alone_the_next_time_and_kept_waiting_by_nobody(bench: Bench) -> None:
    with bench.lake.run_lock("t", "test"):
        pass  # which makes the folder of locks
    order: list[str] = []
    inside, leave = threading.Event(), threading.Event()

    def loser() -> None:
        with attempts.turn(bench.lake, TABLE, alone=True):
            order.append("alone")
            inside.set()
            leave.wait(10)
            order.append("left")

    def newcomer() -> None:
        with attempts.turn(bench.lake, TABLE, alone=False):
            order.append("beside")

    first = threading.Thread(target=loser)
    first.start()
    assert inside.wait(10)
    second = threading.Thread(target=newcomer)
    second.start()
    leave.set()
    first.join(10)
    second.join(10)
    assert order == ["alone", "left", "beside"]
    with attempts.turn(bench.lake, TABLE, alone=False), attempts.turn(
        bench.lake, TABLE, alone=False
    ):  # fmt: skip
        pass  # those who did not lose go side by side


def test_a_lock_that_somebody_never_lets_go_costs_a_wait_and_no_work(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "PATIENCE", 0.05)
    bench.lake.root.joinpath("_locks").mkdir(exist_ok=True)
    with open(bench.lake.root / "_locks" / "bronze.test.things.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert attempts.again(bench.lake, TABLE, lambda: "done") == "done"
