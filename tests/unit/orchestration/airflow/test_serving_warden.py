"""Nothing that a server starts outlives it, whoever is killed; tried on programs that only sleep."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headgate.core import json as hjson
from headgate.core import processes
from headgate.orchestration.airflow.serving import warden

WARDEN = [sys.executable, "-m", "headgate.orchestration.airflow.serving.warden"]
#: A component with a child in a session of its own, which minds no polite signal.
STUBBORN = "setsid sh -c 'trap \"\" TERM INT HUP; while :; do sleep 0.1; done' & wait"
#: Whoever keeps a warden, in a process of its own that can be killed.
KEEPER = f"import subprocess, sys, time; p = subprocess.Popen({WARDEN!r}, stdin=subprocess.PIPE, " \
         "start_new_session=True); p.stdin.write(sys.argv[1].encode()); p.stdin.flush(); " \
         "print(p.pid, flush=True); time.sleep(600)"  # fmt: skip


def order(home: Path, name: str, script: str, **more: object) -> bytes:
    told = {
        "order": "start", "name": name, "command": ["sh", "-c", script], "env": dict(os.environ),
        "home": str(home), "log": str(home / f"{name}.log"), "signal": int(signal.SIGTERM),
        "not_root": False, "again": False, "needed": True, **more,
    }  # fmt: skip
    return (hjson.dumps(told) + "\n").encode()


class Kept:
    """A warden, and what it tells."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(WARDEN, stdin=-1, stdout=-1, bufsize=0)
        self._heard = b""

    def send(self, line: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(line)

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout
        while b"\n" not in self._heard:
            assert select.select([self.process.stdout], [], [], 20)[0], "it says nothing"
            got = os.read(self.process.stdout.fileno(), 4096)
            assert got, "it has ended"
            self._heard += got
        line, _, self._heard = self._heard.partition(b"\n")
        found: dict[str, Any] = hjson.loads(line)
        return found


@pytest.fixture
def kept() -> Iterator[Kept]:
    found = Kept()
    yield found
    found.process.kill()
    for pipe in (found.process.stdin, found.process.stdout):
        assert pipe
        pipe.close()
    found.process.wait()


def grown(pid: int, at_least: int) -> set[int]:
    """The descendants of a process once there are so many."""
    for _ in range(400):
        found = processes.descendants(pid)
        if len(found) >= at_least:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{pid} has but {found}")


def gone(pids: set[int]) -> bool:
    """Whether all of them end, given time."""
    for _ in range(400):
        if not pids & processes.everyone().keys():
            return True
        time.sleep(0.05)
    return False


def test_when_it_is_told_to_end_all_that_descends_from_it_ends(kept: Kept, tmp_path: Path) -> None:
    kept.send(order(tmp_path, "one", STUBBORN) + order(tmp_path, "postgres", "sleep 600"))
    told = [kept.hear(), kept.hear()]
    assert [t["name"] for t in told] == ["one", "postgres"]
    below = grown(kept.process.pid, 4)

    kept.send(b'{"order":"end","grace":0.2}\n')

    assert kept.hear() == {"event": "ended", "left": []}
    assert not below & processes.everyone().keys()
    assert kept.process.wait(10) == 0
    assert not (tmp_path / warden.FILE).exists()


def test_who_dies_is_started_again_three_times_and_then_all_stops(
    kept: Kept, tmp_path: Path
) -> None:
    kept.send(order(tmp_path, "other", "sleep 600"))
    other = kept.hear()["pid"]
    kept.send(order(tmp_path, "weak", "exit 7", again=True))
    told = []
    while not told or told[-1]["event"] != "ended":
        told.append(kept.hear())

    assert [t["event"] for t in told] == ["started", "died"] * 4 + ["gave up", "ended"]
    assert [t["again"] for t in told if t["event"] == "died"] == [True, True, True, False]
    assert told[-2] == {"event": "gave up", "name": "weak", "code": 7}
    assert not processes.alive(other)


def test_who_is_stopped_on_purpose_stays_so_until_it_is_started(kept: Kept, tmp_path: Path) -> None:
    kept.send(order(tmp_path, "one", "sleep 600", again=True))
    first = kept.hear()["pid"]
    kept.send(b'{"order":"stop","name":"one","grace":5}\n')
    kept.send(order(tmp_path, "one", "sleep 600", again=True))

    second = kept.hear()

    assert second["event"] == "started" and second["pid"] != first
    assert not processes.alive(first)


def test_a_program_that_is_not_there_is_told_of(kept: Kept, tmp_path: Path) -> None:
    kept.send(order(tmp_path, "none", "", command=["/nowhere/at/all"], needed=False))

    found = kept.hear()

    assert (found["event"], found["name"], found["code"]) == ("died", "none", 127)
    assert "/nowhere/at/all" in found["why"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux adopts")
def test_when_its_keeper_is_killed_nothing_is_left(tmp_path: Path) -> None:
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER, order(tmp_path, "one", STUBBORN).decode()], stdout=-1
    )
    try:
        below = grown(keeper.pid, 4)
    finally:
        keeper.kill()
        keeper.communicate()

    assert gone(below)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_when_keeper_and_warden_are_killed_the_next_start_finds_what_is_left(
    tmp_path: Path,
) -> None:
    script = "trap '' TERM; while :; do sleep 0.1; done & wait"
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER, order(tmp_path, "one", script).decode()], stdout=-1
    )
    assert keeper.stdout
    found = int(keeper.stdout.readline())
    below = grown(keeper.pid, 3) - {found}
    while not (tmp_path / warden.FILE).exists():
        time.sleep(0.05)
    processes.kill([keeper.pid, found])
    keeper.communicate()

    left = warden.left_over(tmp_path)
    processes.kill(left)

    assert left & below, "the loop that its parent's death did not end"
    assert gone(below | left)
    assert os.getpid() not in left


def test_a_number_that_was_given_to_somebody_new_is_left_alone(tmp_path: Path) -> None:
    new = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        began = processes.everyone()[new.pid].began
        (tmp_path / warden.FILE).write_text(hjson.dumps({"scheduler": [new.pid, "long ago"]}))
        somebody_new = warden.left_over(tmp_path)
        (tmp_path / warden.FILE).write_text(hjson.dumps({"scheduler": [new.pid, began]}))
        the_same = warden.left_over(tmp_path)
    finally:
        new.kill()
        new.wait()

    assert somebody_new == set()
    assert the_same == {new.pid}


def test_a_session_that_began_outside_of_a_container_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / warden.FILE).write_text(hjson.dumps({"scheduler": [0, "long ago"]}))

    assert warden.left_over(tmp_path) == set()


def test_root_seems_to_be_somebody_else_and_its_files_stay_its_own(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"id -u; touch {tmp_path}/made"],
        preexec_fn=processes.not_root, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert int(done.stdout) != 0
    assert (tmp_path / "made").stat().st_uid == os.getuid()
