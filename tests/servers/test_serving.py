"""`headgate airflow` as a person starts and stops it, and as it is killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.core import processes
from headgate.orchestration.airflow.serving import environment, server
from headgate.orchestration.airflow.serving.rest import Rest
from tests.servers.conftest import PATIENCE, project_with_dags

COMPONENTS = {"metadatabase", "scheduler", "triggerer", "dag_processor"}


class Command:
    """`headgate airflow`, started."""

    def __init__(self, root: Path, port: int) -> None:
        self.port, self.told = port, ""
        self._out = (root / "out").open("w+b")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "headgate.cli.main", "airflow", "--port", str(port), "--demo",
             "--messages", "1000"],
            env={**os.environ, "HEADGATE_ROOT": str(root)},
            stdout=self._out, stderr=self._out, start_new_session=True,
        )  # fmt: skip

    def said(self) -> str:
        self._out.flush()
        return Path(self._out.name).read_text()

    def ready(self) -> str:
        """What it said, once it is ready."""
        end = time.monotonic() + PATIENCE
        while "Ctrl-C stops all" not in self.said():
            assert self.process.poll() is None and time.monotonic() < end, self.said()
            time.sleep(0.2)
        return self.said()

    def below(self) -> set[int]:
        return processes.descendants(self.process.pid)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._out.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return project_with_dags(tmp_path / "project").settings.root


@pytest.fixture
def command(root: Path) -> Iterator[Command]:
    found = Command(root, server.free_port())
    yield found
    found.close()


def gone(pids: set[int], within: float = 60.0) -> bool:
    end = time.monotonic() + within
    while pids & processes.everyone().keys():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def listening(pids: set[int]) -> set[tuple[str, int]]:
    """Where any of these processes can be reached over TCP."""
    sockets = {os.readlink(f) for p in pids for f in Path(f"/proc/{p}/fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            told = line.split()
            if told[3] == "0A" and f"socket:[{told[9]}]" in sockets:
                address, port = told[1].split(":")
                found.add((address, int(port, 16)))
    return found


def test_it_is_well_runs_the_demo_stops_without_a_trace_and_starts_again(
    command: Command, root: Path
) -> None:
    said = command.ready()
    told = re.search(r"Password: (\S+)", said)
    assert told, said
    rest = Rest(f"http://127.0.0.1:{command.port}", environment.USER, told[1])

    health = rest.get("monitor/health")
    assert {part: health[part]["status"] for part in COMPONENTS} == dict.fromkeys(
        COMPONENTS, "healthy"
    )
    status, kind, page = rest.page("/")
    assert (status, kind) == (200, "text/html") and b"<html" in page.lower()
    assert rest.get(f"pools/{environment.POOL}")["slots"] == 1
    below = command.below()
    assert listening(below) == {("0100007F", command.port)}, "nothing but UI and REST, and locally"
    home = root / ".airflow"
    for secret in (environment.SECRETS, environment.PASSWORDS):
        assert stat.S_IMODE((home / secret).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700

    for dag in ("ingest.bronze.chat.guilds", "curate.discord"):
        rest.until(f"dags/{dag}", lambda _: True, within=PATIENCE)
        rest.patch(f"dags/{dag}", {"is_paused": False})
    ended = rest.until(
        "dags/curate.discord/dagRuns",
        lambda found: found["dag_runs"] and found["dag_runs"][0]["state"] in ("success", "failed"),
        within=PATIENCE,
    )
    assert ended["dag_runs"][0]["state"] == "success", "the demo's exports came in by themselves"

    command.process.send_signal(signal.SIGTERM)
    assert command.process.wait(90) == 0, command.said()
    assert not below & processes.everyone().keys()
    server.demand_free(command.port)

    again = Command(root, command.port)
    try:
        assert told[1] not in again.ready(), "a password is told once"
        assert rest.get("monitor/health")["scheduler"]["status"] == "healthy", "it is as it was"
        below = again.below()
        assert len(below) > 5
        again.process.kill()
        assert gone(below)
        server.demand_free(command.port)
    finally:
        again.close()


def test_a_port_that_is_taken_is_told_of_at_once(root: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = Command(root, taken.getsockname()[1])
        try:
            assert command.process.wait(60) == 2
            assert f"port {command.port} cannot be used" in command.said()
            assert "--port" in command.said()
        finally:
            command.close()


def test_a_home_that_is_in_use_is_told_of_at_once(tmp_path: Path) -> None:
    project = project_with_dags(tmp_path / "project")
    first = server.Server(project.settings, tmp_path / "home", port=0)
    first._take_home()
    try:
        with pytest.raises(server.LakeBusyError, match="another server runs in"):
            server.Server(project.settings, tmp_path / "home", port=0).start()
    finally:
        first.stop()
