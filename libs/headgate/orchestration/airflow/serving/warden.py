"""The process that is the parent of all others of a server, so that none of them outlives it.

Started by :class:`.server.Server`. Reads orders as JSON lines from stdin and tells what happens as
JSON lines on stdout. When stdin ends, however it comes to that, all that runs is stopped.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from headgate.core import clock, processes
from headgate.core import json as hjson

#: How often a component that died is started again before all is stopped.
RESTARTS = 3
#: Who is stopped last, because the others need it.
LAST = "postgres"
FILE = "processes.json"


class Warden:
    """Starts components, starts them again when they die, and ends them all."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._home = Path()
        self._orders: dict[str, Mapping[str, Any]] = {}
        self._running: dict[str, int] = {}
        self._expected: set[int] = set()
        self._deaths: dict[str, int] = {}
        self._grace = 2.0

    def serve(self) -> None:
        """Carry out orders until they end."""
        pending = b""
        while os.getppid() == self._parent:
            ready, _, _ = select.select([0], [], [], 0.25)
            if ready:
                got = os.read(0, 65536)
                if not got:
                    break
                *lines, pending = (pending + got).split(b"\n")
                if not all(self._obey(hjson.loads(line)) for line in lines):
                    break
            if not self._look():
                break
        self._end()

    def _obey(self, order: Mapping[str, Any]) -> bool:
        kind = order["order"]
        if kind == "start":
            self._home = Path(order["home"])
            self._orders[order["name"]] = order
            self._start(order["name"])
        elif kind == "stop":
            self._stop([order["name"]], within=float(order["grace"]))
        elif kind == "end":
            self._grace = float(order["grace"])
            return False
        return True

    def _start(self, name: str) -> None:
        order = self._orders[name]
        prepared = processes.not_root if order["not_root"] else (lambda: None)

        def before() -> None:
            prepared()
            processes.die_with_parent()
            os.umask(0o077)

        try:
            with Path(order["log"]).open("ab") as log:
                process = subprocess.Popen(
                    order["command"], env=order["env"], cwd=order["home"], start_new_session=True,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=before,
                )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            tell(event="died", name=name, code=127, why=str(error))
            return
        process.returncode = 0  # who ended is told by `reap`, for all of them
        self._running[name] = process.pid
        self._note()
        tell(event="started", name=name, pid=process.pid)

    def _look(self) -> bool:
        """See who ended; whether to go on."""
        for pid, code in processes.reap().items():
            name = next((n for n, p in self._running.items() if p == pid), None)
            if name is None:
                continue
            del self._running[name]
            if pid in self._expected:
                continue
            deaths = self._deaths[name] = self._deaths.get(name, 0) + 1
            again = deaths <= RESTARTS and self._orders[name]["again"]
            tell(event="died", name=name, code=code, again=again)
            if again:
                self._start(name)
            elif self._orders[name]["needed"]:
                tell(event="gave up", name=name, code=code)
                return False
        return True

    def _stop(self, names: Iterable[str], *, within: float) -> None:
        pids = {n: self._running[n] for n in names if n in self._running}
        self._expected |= set(pids.values())
        for name, pid in pids.items():
            processes.kill([pid], signal.Signals(self._orders[name]["signal"]))
        until = clock.monotonic() + within
        while any(pid in self._running.values() for pid in pids.values()):
            if clock.monotonic() > until:
                processes.kill(pids.values())
                until += 5.0
            clock.sleep(0.02)
            self._look()

    def _end(self) -> None:
        """All but the database at once, then what they left, then the database."""
        others = [name for name in self._running if name != LAST]
        self._stop(others, within=self._grace)
        database = self._running.get(LAST)
        kept = {database, *processes.descendants(database)} if database else set()
        processes.kill(processes.descendants(os.getpid()) - kept)
        self._stop([LAST], within=20.0)
        left = processes.end_descendants()
        with contextlib.suppress(OSError):
            (self._home / FILE).unlink()
        tell(event="ended", left=sorted(left))

    def _note(self) -> None:
        """Who runs, for the next start: to find what is left should everybody here be killed."""
        seen = processes.everyone()
        told = {n: [p, seen[p].began] for n, p in self._running.items() if p in seen}
        beside = self._home / (FILE + ".new")
        beside.write_text(hjson.dumps(told))
        beside.replace(self._home / FILE)


def left_over(home: Path) -> set[int]:
    """Processes of an earlier server at ``home`` that nobody ended."""
    try:
        noted = hjson.loads((home / FILE).read_bytes())
    except (OSError, ValueError):
        return set()
    seen = processes.everyone()
    # A session keeps its number as long as anybody is in it; a number that was given to somebody
    # new shows by when that one began.
    # Number 0 is none: in a container it stands for every session that began outside.
    ours = {
        pid
        for pid, began in noted.values()
        if pid > 0 and (pid not in seen or seen[pid].began == began)
    }
    return {s.pid for s in seen.values() if s.session in ours}


def tell(**event: object) -> None:
    """One event to whoever started us, if there is still somebody."""
    with contextlib.suppress(OSError):
        os.write(1, (hjson.dumps(event) + "\n").encode())


if __name__ == "__main__":
    # The terminal's Ctrl-C and the like are for the server, which then says what is to be done.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(
            each, lambda *_: None
        )  # not ignored: programs that we start would inherit that
    processes.adopt()
    Warden().serve()
    sys.exit(0)
