"""Killed at any step, a sender loses nothing: the next one goes on, and who knows an event keeps it once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from headgate.lineage.forwarding import set_aside, standing
from tests.conftest import REPOSITORY
from tests.unit.lineage.forwarding.receivers import event, receiver, run_of, write

MANY = 12
#: Refused for good.
BAD = {3, 7}
#: A sender that dies at the n-th call of something, before it or after.
DYING = """
import os, signal, sys
from pathlib import Path
from headgate.core.forwards import Destination
from headgate.lineage.forwarding import posting, sending, set_aside, standing

lake, url, where, nth, after = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]
owner, name = {
    "post": (posting.Poster, "post"), "save": (standing, "save"), "rename": (os, "replace"),
    "set aside": (set_aside, "keep"),
}[where]
plain, calls = getattr(owner, name), [0]

def dying(*args, **more):
    calls[0] += 1
    if calls[0] == nth and after == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    found = plain(*args, **more)
    if calls[0] == nth:
        os.kill(os.getpid(), signal.SIGKILL)
    return found

setattr(owner, name, dying)
sending._KEEP_EVERY = 0.0
files = (lake / "_events" / "openlineage.jsonl",)
sending.forward(lake, files, Destination("there", "http", {"url": url}), sending.Terms(patience=5.0))
"""


def refusing(_: int, events: list[dict[str, Any]]) -> int:
    return 400 if int(events[0]["run"]["runId"][-4:]) in BAD else 201


@pytest.mark.parametrize("after", ["before", "after"])
@pytest.mark.parametrize("where", ["post", "save", "rename", "set aside"])
def test_nothing_is_lost_and_nothing_is_set_aside_twice(
    tmp_path: Path, where: str, after: str
) -> None:
    write(tmp_path / "_events" / "openlineage.jsonl", [event(n) for n in range(MANY)])
    with receiver(refusing) as there:
        codes = [
            subprocess.run(
                [sys.executable, "-c", DYING, str(tmp_path), there.url, where, str(nth), after],
                cwd=REPOSITORY, env={**os.environ, "no_proxy": "*"}, timeout=120, check=False,
            ).returncode
            for nth in (2, 99)
        ]  # fmt: skip
        assert codes == [-signal.SIGKILL, 0], "it died where it was to"
        good = [run_of(n) for n in range(MANY) if n not in BAD]
        assert there.once() == good
    kept = [e["event"]["run"]["runId"] for e in set_aside.read(tmp_path, "there")]
    assert kept == [run_of(n) for n in sorted(BAD)]
    places = standing.load(tmp_path, "there").places
    assert (
        places["openlineage.jsonl"].size
        == (tmp_path / "_events" / "openlineage.jsonl").stat().st_size
    )


def test_killed_at_any_moment_it_goes_on(tmp_path: Path) -> None:
    many = 400
    write(tmp_path / "_events" / "openlineage.jsonl", [event(n) for n in range(many)])
    runs = [run_of(n) for n in range(many)]
    with receiver() as there:
        command = [
            sys.executable,
            "-c",
            DYING,
            str(tmp_path),
            there.url,
            "set aside",
            "99",
            "after",
        ]
        for share in (0.2, 0.5, 0.8):
            child = subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, "no_proxy": "*"})
            while len(there.taken) < many * share and child.poll() is None:
                time.sleep(0.001)
            child.kill()
            child.wait()
        subprocess.run(command, cwd=REPOSITORY, env={**os.environ, "no_proxy": "*"}, check=True)
        assert there.once() == runs
