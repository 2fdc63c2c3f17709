"""Lineage sent on to our own server and store, as processes that die: nothing is lost, nothing is there twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from headgate.core import settings as core_settings
from headgate.core.settings import Settings
from headgate.lineage.forwarding import set_aside
from headgate.lineage.forwarding.sending import Terms
from headgate.lineage.store import tables
from headgate.lineage.store.opening import open_store
from headgate.orchestration import forwarding_lineage
from tests.conftest import make_project
from tests.servers.lineage_process import Served, headgate
from tests.servers.lineage_process import postgres as a_postgres
from tests.unit.lineage.forwarding.receivers import write
from tests.unit.lineage.server.made_events import run_event, run_id

POISON = {"eventType": "COMPLETE", "run": {"runId": "no uuid"}}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with a_postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    make_project(tmp_path / "receiver")
    made = Served(tmp_path / "receiver", {})
    made.start()
    yield made
    made.kill()


def sender(folder: Path, **table: Any) -> Settings:
    """Another project, with one destination."""
    folder.mkdir()
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    (folder / "headgate.toml").write_text("\n".join(["[lineage_forward.there]", *lines, ""]))
    return core_settings.load(folder, {})


def events_of(settings: Settings) -> Path:
    return settings.lake_path / settings.lineage_file


def stored(served: Served) -> list[str]:
    """The runs that the server knows."""
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = served.get("runs", limit=500, **after).json()
        found += [run["run_id"] for run in page["runs"]]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


class Watching:
    """`headgate lineage forward --watch` as a process."""

    def __init__(self, settings: Settings) -> None:
        environment = {**os.environ, "HEADGATE_ROOT": str(settings.root), "no_proxy": "*"}
        self.process = subprocess.Popen(
            [*headgate(), "lineage", "forward", "--watch"], env=environment, start_new_session=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)


@pytest.mark.parametrize("kind", ["http", "headgate"])
def test_whoever_is_killed_all_arrive_once(served: Served, tmp_path: Path, kind: str) -> None:
    rnd = random.Random(f"killed {kind}")
    settings = sender(tmp_path / "sender", type=kind, url=served.address)
    written, watching = 0, Watching(settings)
    try:
        for round_ in range(6):
            write(events_of(settings), [run_event(n) for n in range(written, written + 60)])
            written += 60
            if round_ == 2:
                write(events_of(settings), [POISON])
            time.sleep(rnd.random() * 1.5)
            if round_ % 2:
                served.kill()
                time.sleep(rnd.random())
                served.start()
            else:
                watching.kill()
                watching = Watching(settings)
        until = time.monotonic() + 120
        while forwarding_lineage.standings(settings)[0].behind:
            assert time.monotonic() < until, forwarding_lineage.standings(settings)
            time.sleep(0.1)
    finally:
        watching.kill()
    assert sorted(stored(served)) == sorted(run_id(n) for n in range(written))
    [aside] = set_aside.read(settings.lake_path, "there")
    assert aside["event"] == POISON and aside["status"] == 422


def test_the_shared_store_takes_what_many_lakes_send(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARED_STORE_PASSWORD_URL", database)
    for lake in range(2):
        settings = sender(tmp_path / str(lake), type="store", url="${SHARED_STORE_PASSWORD_URL}")
        write(events_of(settings), [run_event(n) for n in range(lake * 20, lake * 20 + 30)])
        write(events_of(settings), [POISON])
        [found] = forwarding_lineage.forward(settings, (), Terms())
        assert (found.sent, found.set_aside, found.behind) == (30, 1, 0)
    store = open_store(database)
    with store.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.event)) == 50
    store.close()
