"""`headgate spark up`: a master, workers and a Connect server by one command, of which nothing is left."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.core import processes
from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY, make_project
from tests.servers.test_spark_cluster import BRONZE, accounts, deliveries, hashes

pytestmark = pytest.mark.servers


def free(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports


def environment(project: Project, **settings: str) -> dict[str, str]:
    told = {"root": str(project.settings.root), "spark_memory": "1g", **settings}
    told["spark_jars"] = str(REPOSITORY / ".tools/spark/jars")
    return {**os.environ, **{f"HEADGATE_{k.upper()}": v for k, v in told.items()}}


class Up:
    """The command, started, with a Connect server."""

    def __init__(self, project: Project) -> None:
        self.port, page, self.connect = free(3)
        arguments = [
            sys.executable, "-m", "headgate.cli.main", "spark", "up", "--workers", "1", "--connect",
            "--port", str(self.port), "--page", str(page), "--connect-port", str(self.connect),
        ]  # fmt: skip
        self.arguments, self.environment = arguments, environment(project)
        self.process = subprocess.Popen(
            arguments,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 400)
        assert ready, "it is not ready"
        self.said = self.process.stdout.readline()
        if "is ready" not in self.said:
            pytest.fail(str(self.process.communicate(timeout=60)))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("up") / "project")


@pytest.fixture(scope="module")
def up(project: Project) -> Iterator[Up]:
    started = Up(project)
    yield started
    started.process.kill()
    started.process.wait()


def test_a_port_that_is_taken_is_said(up: Up) -> None:
    done = subprocess.run(
        up.arguments, env=up.environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert f"127.0.0.1:{up.port} already" in done.stderr


def test_a_run_goes_through_spark_connect(up: Up, tmp_path: Path, irc_corpus: Path) -> None:
    source = deliveries(tmp_path / "in", irc_corpus, 1_000, 2)
    one, far = run_both(up, tmp_path, source, "headgate", ["--select", BRONZE])
    assert hashes(far, (BRONZE,)) == hashes(one, (BRONZE,))
    assert accounts(far) == accounts(one)


@pytest.mark.long
@pytest.mark.parametrize("compiler", ["headgate", "dbt"])
def test_every_layer_goes_through_spark_connect(
    up: Up, tmp_path: Path, irc_corpus: Path, compiler: str
) -> None:
    """Models, a transform that is shared out, tests; by our own compiler, and by dbt-spark."""
    source = deliveries(tmp_path / "in", irc_corpus, 1_000, 2)
    one, far = run_both(up, tmp_path, source, compiler, [])
    datasets = tuple(c.id for c in one.contracts.values() if not c.id.startswith("system."))
    found = hashes(far, datasets)
    assert found == hashes(one, datasets)
    assert sum(each != "none" for each in found.values()) >= 10
    written = [far.lake.snapshot(dataset) for dataset, each in found.items() if each != "none"]
    assert {s.meta.engine for s in written if s and s.meta} == {"spark"}


def run_both(
    up: Up, folder: Path, source: Path, compiler: str, chosen: list[str]
) -> tuple[Project, Project]:
    """The same files, taken by DuckDB here and by Spark behind the Connect server."""
    one, far = make_project(folder / "one"), make_project(folder / "far")
    arguments = [sys.executable, "-m", "headgate.cli.main", "run", "--json"]
    arguments += ["--source", f"{BRONZE}={source}", *chosen]
    told = environment(far, engine="spark", spark_remote=f"sc://127.0.0.1:{up.connect}")
    for env in (environment(one), told):
        env["HEADGATE_COMPILER"] = compiler
        done = subprocess.run(arguments, env=env, capture_output=True, text=True, timeout=1_800)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith("{") and done.stderr == "", "nothing but the report"
    return one, far


def test_nothing_is_left_of_it(up: Up) -> None:
    """Last in this file: it stops what the others use."""
    descend = processes.descendants(up.process.pid)
    assert len(descend) >= 3
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(timeout=120) == 0
    end = time.monotonic() + 20
    while processes.everyone().keys() & descend:
        assert time.monotonic() < end, "somebody stayed"
        time.sleep(0.1)
    for port in (up.port, up.connect):
        with socket.socket() as tried:
            assert tried.connect_ex(("127.0.0.1", port)) != 0
