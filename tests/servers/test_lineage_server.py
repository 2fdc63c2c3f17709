"""The lineage server as a process: real clients, kills, orderly ends, and who may come near."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import make_project
from tests.servers.lineage_process import Served, headgate, postgres
from tests.unit.lineage.server.made_events import run_event, run_id


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_project(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def served(root: Path) -> Iterator[Served]:
    made = Served(root, {})
    made.start()
    yield made
    made.kill()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, root: Path) -> Iterator[Served]:
    """A server on each database, not started yet."""
    where = {}
    if request.param == "postgresql":
        where["HEADGATE_LINEAGE_STORE"] = request.getfixturevalue("database")
    made = Served(root, where)
    yield made
    made.kill()


def _token(root: Path, name: str, role: str) -> str:
    made = subprocess.run(
        [*headgate(), "lineage", "token", "create", name, "--role", role],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return made.stdout.strip()


class _Posting:
    """Clients that post one run after the other, and note which were acknowledged."""

    def __init__(self, served: Served, clients: int, first: int) -> None:
        self._served, self._next = served, first
        self._lock, self._ends = threading.Lock(), threading.Event()
        self.acknowledged: set[str] = set()
        self.refused: list[int] = []
        self._threads = [threading.Thread(target=self._post) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, count: int) -> None:
        """Until so many were acknowledged."""
        until = time.monotonic() + 60
        while len(self.acknowledged) < count:
            assert time.monotonic() < until, (self.acknowledged, self.refused)
            time.sleep(0.005)

    def end(self) -> None:
        """Stop all clients."""
        self._ends.set()
        for thread in self._threads:
            thread.join(60)

    def _post(self) -> None:
        with requests.Session() as session:
            while not self._ends.is_set():
                with self._lock:
                    number = self._next
                    self._next += 1
                url = f"{self._served.address}/api/v1/lineage"
                try:
                    found = session.post(url, json=run_event(number), timeout=30)
                except requests.RequestException:
                    continue
                if found.status_code in (200, 201):
                    self.acknowledged.add(run_id(number))
                else:
                    self.refused.append(found.status_code)


def _stored(served: Served) -> set[str]:
    found: set[str] = set()
    after: dict[str, str] = {}
    while True:
        page = served.get("runs", limit=500, **after).json()
        found.update(run["run_id"] for run in page["runs"])
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def test_all_that_was_acknowledged_is_there_after_kills(either: Served) -> None:
    seeded = random.Random(8)
    acknowledged: set[str] = set()
    for kill in range(4):
        either.start()
        posting = _Posting(either, 6, first=10_000 * kill)
        posting.wait_for(20)
        time.sleep(seeded.random() * 0.3)
        either.kill()
        posting.end()
        acknowledged |= posting.acknowledged
    either.start()
    assert len(acknowledged) >= 80
    assert acknowledged <= _stored(either)


def test_told_to_end_it_stores_what_it_took_and_leaves_with_0(either: Served) -> None:
    either.start()
    posting = _Posting(either, 6, first=0)
    posting.wait_for(30)
    assert either.stop() == 0
    posting.end()
    assert set(posting.refused) <= {503}
    either.start()
    stored = _stored(either)
    assert posting.acknowledged <= stored
    assert "Traceback" not in either.log.read_text()


def test_no_process_that_reads_for_it_outlives_it(either: Served) -> None:
    either.start()
    assert either.process is not None
    some = [run_event(number, filling="x" * 1_000) for number in range(2_400)]
    large = [some[at : at + 300] for at in range(0, len(some), 300)]
    with ThreadPoolExecutor(8) as posting:  # one alone is read by the server itself
        answers = posting.map(lambda events: either.post("lineage/batch", events).json(), large)
        assert sum(answer["accepted"] for answer in answers) == len(some)
    begun = _descendants(either.process.pid)
    assert any("multiprocessing" in told for told in begun.values())

    os.kill(either.process.pid, signal.SIGKILL)
    until = time.monotonic() + 30
    while begun.keys() & _running():
        assert time.monotonic() < until, begun
        time.sleep(0.1)


def _running() -> set[int]:
    """Processes there are, without those that ended and were not waited for."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.add(int(folder.name))
    return found


def _descendants(process: int) -> dict[int, str]:
    """Processes that it began, and those began, with their command lines."""
    found: dict[int, str] = {}
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found[child] = Path(f"/proc/{child}/cmdline").read_text()
            found |= _descendants(child)
    return found


def test_the_standards_own_client_posts_with_its_key_and_packed(root: Path) -> None:
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

    producer, reader = _token(root, "spark", "producer"), _token(root, "people", "reader")
    served = Served(root, {})
    served.start()
    try:
        for number, packed in enumerate((None, "gzip")):
            config = HttpConfig.from_dict({"url": served.address, "compression": packed})
            config.auth = ApiKeyTokenProvider({"apiKey": producer})
            client = OpenLineageClient(transport=HttpTransport(config))
            event = RunEvent(
                eventType=RunState.COMPLETE, eventTime="2026-05-01T12:00:00Z",
                run=Run(runId=run_id(number)), job=Job(namespace="spark", name="app"),
                producer="https://example.org/app",
            )  # fmt: skip
            client.emit(event)
            client.emit(event)
            client.close()
        found = served.get("runs", token=reader).json()
        assert {run["run_id"] for run in found["runs"]} == {run_id(0), run_id(1)}
        assert served.get("runs", token=producer).status_code == 403
        assert served.get("runs").status_code == 401
        config = HttpConfig.from_dict({"url": served.address, "retry": {"total": 0}})
        client = OpenLineageClient(transport=HttpTransport(config))
        with pytest.raises(requests.HTTPError, match="401"):
            client.emit(event)
        log = served.log.read_text()
        assert producer not in log and reader not in log
    finally:
        served.kill()


def test_what_runs_append_to_the_lakes_files_is_served(root: Path, served: Served) -> None:
    served.wait_for("health", lambda health: health["caught_up_at"])
    file = root / "lake" / "_events" / "openlineage.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = json.dumps(run_event(1)) + "\n"
    with file.open("w") as opened:
        opened.write(whole + json.dumps(run_event(2))[:40])
        opened.flush()
        served.wait_for("runs", lambda found: len(found["runs"]) == 1)
        opened.write(json.dumps(run_event(2))[40:] + "\n")
    served.wait_for("runs", lambda found: len(found["runs"]) == 2)
    assert served.post("lineage", run_event(2)).json()["repeated"] == 1


def test_near_others_it_is_served_with_a_token_alone(root: Path) -> None:
    served = Served(root, {}, "--host", "0.0.0.0")
    refused = subprocess.run(
        [*headgate(), "lineage", "serve", "--host", "0.0.0.0", "--port", "0"],
        cwd=root, capture_output=True, text=True,
    )  # fmt: skip
    assert refused.returncode == 2 and "headgate lineage token create" in refused.stderr
    token = _token(root, "people", "reader")
    served.start()
    try:
        assert served.get("runs").status_code == 401
        assert served.get("runs", token=token).status_code == 200
        subprocess.run([*headgate(), "lineage", "token", "revoke", "people"], cwd=root, check=True)
        time.sleep(2.5)
        assert served.get("runs", token=token).status_code == 401
    finally:
        served.kill()


def test_a_port_that_is_in_use_is_said_to_be_so(root: Path, served: Served) -> None:
    refused = subprocess.run(
        [*headgate(), "lineage", "serve", "--port", str(served.port)],
        cwd=root, capture_output=True, text=True,
    )  # fmt: skip
    assert refused.returncode == 2 and f"port {served.port}" in refused.stderr
    assert "Traceback" not in refused.stderr


def _raw(served: Served, data: bytes, seconds: float = 30.0) -> bytes:
    """What comes back for these bytes until the server lets go of the connection."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=seconds) as connection:
        connection.sendall(data)
        found = b""
        try:
            while part := connection.recv(65_536):
                found += part
        except (ConnectionResetError, TimeoutError):
            pass
        return found


def test_heads_that_are_too_long_or_never_end_are_let_go_of(served: Served) -> None:
    long = b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000
    assert b" 400 " in _raw(served, long)
    assert b" 400 " in _raw(served, b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n")
    begun = time.monotonic()
    assert _raw(served, b"GET /api/v1/health HTTP/1.1\r\nHost: loc", seconds=60.0) == b""
    assert time.monotonic() - begun < 50
    with ThreadPoolExecutor(8) as pool:
        assert {pool.submit(served.get, "health").result().status_code for _ in range(8)} == {200}


def test_a_bomb_and_a_flood_leave_it_standing(served: Served) -> None:
    bomb = gzip.compress(b" " * 400_000_000, 1)
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    url = f"{served.address}/api/v1/lineage"
    answers: list[Any] = []
    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            post = pool.submit(requests.post, url, data=bomb, headers=headers, timeout=60)
            answers.append(post)
    assert {a.result().status_code for a in answers} <= {413, 429}
    assert served.post("lineage", run_event()).status_code == 201
    told = (
        b"POST /api/v1/lineage HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"
    )
    assert b" 413 " in _raw(served, told)
