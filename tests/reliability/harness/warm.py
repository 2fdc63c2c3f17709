"""A warm process that has imported everything and opened nothing; each piece of work is a fork of it.

``python -m tests.reliability.harness.warm`` reads one piece of work a line (JSON) and answers with
how it ended. A fork costs milliseconds where a fresh process takes seconds to import.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.reliability.harness import one_part
from tests.reliability.harness.syscalls import Supervisor, Watch, install

REPOSITORY = Path(__file__).resolve().parents[3]
#: What the product imports late, so that a fork need not.
_LATE = (
    "duckdb", "pyarrow", "pyarrow.parquet", "polars", "deltalake", "deltalake.transaction",
    "numpy", "rich.console", "rich.table", "headgate.ingest.load",
    "headgate.orchestration.transforming", "headgate.orchestration.transform_code",
    "headgate.orchestration.replay", "headgate.orchestration.rollback",
    "headgate.orchestration.rebuilding", "headgate.orchestration.auditing",
    "headgate.orchestration.released", "headgate.orchestration.parts", "headgate.cli.progress", "headgate.cli.report",
    "headgate.reading", "headgate.ingest.isolation.worker", "tests.reliability.harness.states",
)  # fmt: skip

#: Libraries start no threads of their own when they are imported: threads do not survive a fork. One
#: of Rust's that dies for want of memory ends the process, and does not wait for memory to tell how.
_QUIET = {
    "OPENBLAS_NUM_THREADS": "1", "_RJEM_MALLOC_CONF": "background_thread:false",
    "JE_ARROW_MALLOC_CONF": "background_thread:false", "POLARS_MAX_THREADS": "2",
    "RUST_BACKTRACE": "0",
}  # fmt: skip
#: Seconds after which a fork that hangs is ended, which no end that is expected looks like.
_PATIENCE = 600
#: A thread that waits for files to remove, of which a fork has none.
_HARMLESS = {"polars-ooc-clea"}


@dataclass(frozen=True)
class End:
    """How a piece of work ended. ``code`` is its exit code, or minus the signal that killed it.

    ``calls`` counts system calls that change files below the watched folder, ``events`` Python's
    calls and returns (0 unless they were counted); ``left`` are processes that it left behind.
    """

    code: int
    text: str
    seconds: float
    calls: int = 0
    events: int = 0
    stopped: str = ""
    left: tuple[int, ...] = ()
    kinds: dict[str, int] = field(default_factory=dict)


class Warm:
    """The warm process, from the outside."""

    def __enter__(self) -> Warm:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.harness.warm"], cwd=REPOSITORY,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("HEADGATE_")} | _QUIET,
        )  # fmt: skip
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def command(
        self, root: Path, *arguments: str, watch: Watch | None = None, count_events: bool = False,
        kill_at_event: int = 0, failpoint: str = "", limits: dict[str, int] | None = None,
        env: dict[str, str] | None = None,
    ) -> End:  # fmt: skip
        """Run ``headgate …`` in a fork, watched or killed as told."""
        work: dict[str, Any] = {
            "do": "command", "root": str(root), "arguments": arguments, "failpoint": failpoint,
            "events": kill_at_event or (-1 if count_events else 0), "env": env or {},
            "limits": limits or {},
        }  # fmt: skip
        if watch is not None:
            work["watch"] = {**vars(watch), "folder": str(watch.folder)}
        return self._ask(work)

    def learn(self, root: Path, *arguments: str, env: dict[str, str] | None = None) -> End:
        """Run a command in a fork, and import what it imported, so that later forks need not."""
        return self._ask({"do": "learn", "root": str(root), "arguments": arguments, "failpoint": "",
                          "events": 0, "env": env or {}, "limits": {}})  # fmt: skip

    def state(self, root: Path, what: str = "state") -> Any:
        """What :mod:`states` tells of the project's lake (``state``, ``readers`` …)."""
        end = self._ask({"do": "state", "root": str(root), "what": what})
        assert end.code == 0, f"{what} of {root} cannot be told: {end.text}"
        return json.loads(end.text)

    def mapped(self) -> int:
        """Bytes of data that the warm process has mapped: what a fork of it begins with."""
        told = Path(f"/proc/{self._process.pid}/status").read_text()
        found = next(line for line in told.splitlines() if line.startswith("VmData:"))
        return int(found.split()[1]) << 10

    def _ask(self, work: dict[str, Any]) -> End:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(work) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the warm process died"
        found = json.loads(line)
        return End(**{**found, "left": tuple(found["left"])})


def _serve() -> None:
    """Answer until nobody asks any more."""
    for name in _LATE:
        importlib.import_module(name)
    main = importlib.import_module("headgate.cli.main")
    # Reading processes are forked from what is warm as well, though it is larger than a plain run.
    importlib.import_module("headgate.ingest.isolation.processes")._SMALL = 1 << 40
    assert not threads(), f"a fork of a process with threads is not safe: {threads()}"
    for line in sys.stdin:
        work = json.loads(line)
        found, learned = _fork(work, main)
        for name in learned:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        assert not threads(), f"a fork of a process with threads is not safe: {threads()}"
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def threads() -> list[str]:
    """Names of the threads of this process that a fork would miss."""
    mine = str(os.getpid())
    names = [Path("/proc/self/task", task, "comm").read_text().strip()
             for task in os.listdir("/proc/self/task") if task != mine]  # fmt: skip
    return [n for n in names if n not in _HARMLESS]


def _fork(work: dict[str, Any], main: Any) -> tuple[dict[str, Any], list[str]]:
    """Do a piece of work in a fork; gives how it ended, and modules to know from now on."""
    ours, theirs = socket.socketpair()
    began = time.monotonic()
    text, count = os.memfd_create("text"), os.memfd_create("count")
    pid = os.fork()
    if pid == 0:
        ours.close()
        _child(work, main, theirs, text, count)
    theirs.close()
    found: dict[str, Any] = {"calls": 0, "stopped": "", "left": [], "kinds": {}}
    if "watch" in work:
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
        given = work["watch"]
        watch = Watch(**{**given, "folder": Path(given["folder"]), "kinds": tuple(given["kinds"])})
        served = Supervisor(pid, fds[0], watch).serve()
        status = served.status
        found |= {"calls": served.calls, "stopped": served.stopped, "left": served.left,
                  "kinds": served.kinds}  # fmt: skip
    else:
        _, status = os.waitpid(pid, 0)
    ours.close()
    told, counted = _written(text), _written(count).split()
    found |= {"code": os.waitstatus_to_exitcode(status), "text": told,
              "seconds": time.monotonic() - began}  # fmt: skip
    if work["do"] == "learn":
        return found, counted
    return {**found, "events": int(counted[0]) if counted else 0}, []


def _written(memory: int) -> str:
    """What was written to a file in memory, which is closed."""
    try:
        return os.pread(memory, os.fstat(memory).st_size, 0).decode("utf-8", "replace")
    finally:
        os.close(memory)


def _child(work: dict[str, Any], main: Any, to: socket.socket, text: int, count: int) -> None:
    """The fork: never returns."""
    code = 70
    try:
        os.setpgid(0, 0)
        signal.alarm(_PATIENCE)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(text, 1)
        os.dup2(text, 2)
        os.chdir(work["root"])
        os.environ.update({"HEADGATE_ROOT": work["root"], **work.get("env", {})})
        if work["do"] == "state":
            states = importlib.import_module("tests.reliability.harness.states")
            sys.stdout.write(json.dumps(states.TOLD[work["what"]](), default=str))
            code = 0
        else:
            code = _command(work, main, to, count)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _command(work: dict[str, Any], main: Any, to: socket.socket, count: int) -> int:
    from headgate.core import failpoints

    if work["failpoint"]:
        failpoints.arm(work["failpoint"])
    for name, value in work["limits"].items():
        import resource

        resource.setrlimit(getattr(resource, name), (value, value))
    if "watch" in work:
        install(to)
    to.close()
    left = limit = work["events"]

    def step(frame: object, event: str, argument: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if limit:
        # Counted is what this process does; those that it forks go on unwatched.
        os.register_at_fork(after_in_child=lambda: sys.setprofile(None))
        sys.setprofile(step)
    try:
        if work["arguments"][0] == "part":
            return one_part.do(work["arguments"][1:])
        return int(main.invoke(work["arguments"]))
    finally:
        sys.setprofile(None)
        if work["do"] == "learn":
            os.write(count, " ".join(sys.modules).encode())
        elif limit:
            os.write(count, str(limit - left).encode())


if __name__ == "__main__":
    _serve()
