"""`headgate portal` as a process: it follows what runs do, and ends cleanly."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from headgate.orchestration.run import run
from tests.browser.portal_process import PATIENCE, Portal
from tests.conftest import make_project
from tests.shown_lake import IRC, line

pytestmark = pytest.mark.servers


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    """A portal over a lake with one delivery."""
    project = make_project(tmp_path / "project")
    _deliver(tmp_path / "project", "first", 10)
    served = Portal(Path(project.settings.root))
    served.start()
    yield served
    served.stop(signal.SIGKILL)


def _deliver(root: Path, name: str, count: int) -> None:
    from headgate.orchestration.project import Project

    path = root / f"{name}.jsonl"
    path.write_text("".join(json.dumps(line(n, day=count % 28 + 1)) + "\n" for n in range(count)))
    assert run(Project.open(root), sources={IRC: [str(path)]}, select=[IRC]).exit_code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_cleanly_when_it_is_told_to(portal: Portal, number: int) -> None:
    assert requests.get(f"{portal.address}/health", timeout=30).json() == {"status": "ok"}
    assert portal.stop(number) == 0
    told = portal.log.read_text()
    assert "The portal is stopped." in told and "Traceback" not in told


def test_what_a_run_did_is_soon_on_its_pages(portal: Portal) -> None:
    _deliver(portal.root, "second", 17)
    until = time.monotonic() + PATIENCE
    while True:
        runs = requests.get(f"{portal.address}/runs", timeout=30).text
        if runs.count('href="/runs/') >= 2:
            break
        assert time.monotonic() < until, runs
        time.sleep(0.2)
    page = requests.get(f"{portal.address}/datasets/{IRC}", timeout=30)
    assert page.status_code == 200 and "17" in page.text


def test_it_is_called_localhost_alone(portal: Portal) -> None:
    answer = requests.get(portal.address, headers={"Host": "evil.example"}, timeout=30)
    assert answer.status_code == 421
    assert "Content-Security-Policy" in answer.headers
