"""What DAG files do while they are parsed, watched in a process of its own; for tests of DAG files.

`python -m headgate.orchestration.airflow.policy_watch FILE…` prints the findings as JSON.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from headgate.core import json as hjson
from headgate.core.environment import for_children
from headgate.orchestration.airflow.policy import HEAVY, Finding

#: What Python tells of before it is done, and what that means.
_EVENTS = {
    "socket.connect": "opens a connection",
    "socket.getaddrinfo": "looks a host up",
    "subprocess.Popen": "starts a process",
    "os.system": "starts a process",
    "os.exec": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.fork": "starts a process",
    "os.forkpty": "starts a process",
}
#: What Airflow does when these are imported is none of the files' doing (its cron asks `file`).
_AIRFLOWS = (
    "airflow.sdk", "airflow.providers.standard.operators.python",
    "airflow.sdk.definitions.timetables.trigger", "croniter",
)  # fmt: skip
#: Folders of a lake that hold tables and releases.
_TABLES = ("bronze", "silver", "gold", "system", "_releases")


def watch(files: Sequence[Path], root: Path) -> list[Finding]:
    """Parse DAG files of the project at ``root`` in a process of its own, and tell what they did
    that no parsing may do: use the network, start processes, read tables, import what is heavy.

    Raises:
        RuntimeError: that process died.
    """
    command = [sys.executable, "-m", __name__, *map(str, files)]
    with TemporaryDirectory(prefix="headgate-airflow-") as home:
        more = {"HEADGATE_ROOT": str(root), "AIRFLOW_HOME": home}
        done = subprocess.run(
            command, cwd=root, env=for_children(more), capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise RuntimeError(f"the parsing process died: {done.stderr.strip()[-2000:]}")
    return [Finding(**f) for f in hjson.loads(done.stdout.splitlines()[-1])]


class _Watch:
    """What happens while a file is parsed, from Python's own audit events."""

    def __init__(self, lake: Path) -> None:
        self.lake = str(lake)
        self.file: str | None = None
        self.found: dict[tuple[str, str], None] = {}
        sys.addaudithook(self)

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        if self.file is None:
            return
        if event in _EVENTS:
            self.found[(self.file, _EVENTS[event])] = None
        elif event == "open" and isinstance(given[0], str | bytes | os.PathLike):
            path = os.fspath(given[0])
            text = os.path.abspath(path if isinstance(path, str) else os.fsdecode(path))
            inside = text.removeprefix(self.lake + os.sep)
            if inside != text and inside.split(os.sep)[0] in _TABLES:
                self.found[(self.file, f"reads {inside.split(os.sep)[0]} of the lake")] = None

    def parse(self, path: Path, name: str) -> None:
        """Run a DAG file as Airflow does, watched; what it raises is for others to tell."""
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        before = _roots()
        self.file = str(path)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            self.found[(str(path), f"cannot be parsed: {type(error).__name__}: {error}")] = None
        finally:
            self.file = None
        for library in sorted((_roots() - before) & HEAVY):
            self.found[(str(path), f"imports {library}")] = None


def _roots() -> set[str]:
    return {name.partition(".")[0] for name in sys.modules}


def _watched(paths: Iterable[str]) -> list[Finding]:
    for name in _AIRFLOWS:
        importlib.import_module(name)
    from headgate.core import settings

    watcher = _Watch(settings.load().lake_path)
    sys.path.insert(0, str(Path(next(iter(paths), ".")).parent))
    for number, path in enumerate(paths):
        watcher.parse(Path(path), f"watched_dag_file_{number}")
    return [
        Finding(file, f"it {what} whenever it is parsed: do that in a task.", "parsing")
        for file, what in watcher.found
    ]


if __name__ == "__main__":
    _told = [vars(f) for f in _watched(sys.argv[1:])]
    sys.stdout.write(hjson.dumps(_told) + "\n")
