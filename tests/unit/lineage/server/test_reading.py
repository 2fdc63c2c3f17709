"""Large posts are read by processes of their own: to the same end, and whatever becomes of those."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from headgate.lineage.server import reading
from headgate.lineage.server.application import create_app
from headgate.lineage.server.limits import Limits
from headgate.lineage.server.writing import Writer
from headgate.lineage.store.opening import open_store
from tests.unit.lineage.server.made_events import run_event
from tests.unit.lineage.store.dumping import dump

BATCH = "/api/v1/lineage/batch"


@pytest.fixture(autouse=True)
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where something is always being stored: who posts alone is served sooner by a thread."""
    monkeypatch.setattr(Writer, "waiting", property(lambda self: 1))


def _events(seed: int) -> list[Any]:
    """More than is read at once; some are none, some come twice, some hold what JSON makes odd."""
    chance = random.Random(seed)
    columns = [{"name": f"column_{n}", "description": "what it says " * 8} for n in range(20)]
    events: list[Any] = []
    for number in range(120):
        told = run_event(number, eventType=chance.choice(["START", "COMPLETE", "FAIL"]))
        schema = {
            "_producer": "https://x.example",
            "_schemaURL": "https://x.example/s",
            "fields": columns,
        }
        told["outputs"][0]["facets"] = {
            "schema": schema,
            "own": {**schema, "half": "\ud800", "n": number},
        }
        events.append(told)
    events += [
        events[3],
        7,
        {"eventTime": "never"},
        {**events[5], "eventTime": "2024-13-01T00:00:00Z"},
    ]
    chance.shuffle(events)
    return events


def _processes(client: TestClient) -> list[int]:
    app: Any = client.app
    pool = app.state.served.readers._processes
    return list(pool._processes) if pool is not None else []


def test_read_by_a_process_a_batch_ends_as_read_by_a_thread(tmp_path: Path, empty: Path) -> None:
    ends = []
    for readers in (0, 1):
        store = open_store(shutil.copy(empty, tmp_path / f"{readers}.db"))
        app = create_app(store, loopback=True, limits=Limits(readers=readers))
        with TestClient(app, base_url="http://localhost") as client:
            answers = []
            for seed in (1, 2):
                body = json.dumps(_events(seed)).encode()
                assert len(body) > reading.LARGE
                found = client.post(BATCH, content=body)
                assert found.status_code == 200
                answers.append(found.json())
            assert len(_processes(client)) == readers
        assert answers[0]["accepted"] > 100 and answers[0]["repeated"] == 1
        assert len(answers[0]["refused"]) == 3
        ends.append((answers, dump(store)))
        store.close()
    assert ends[0] == ends[1]


def test_what_is_wrong_with_a_large_post_is_said_from_the_process(
    serve: Callable[..., TestClient],
) -> None:
    client = serve(limits=Limits(readers=1, batch=100))
    cut = client.post(BATCH, content=json.dumps(_events(1)).encode()[:-9])
    many = client.post(BATCH, content=json.dumps(_events(1)).encode())
    several = client.post("/api/v1/lineage", content=json.dumps(_events(1)).encode())
    none = client.post(
        BATCH, content=json.dumps([{"no": "event", "x" * 9_000: n} for n in range(20)]).encode()
    )

    assert [r.status_code for r in (cut, many, several, none)] == [400, 413, 422, 422]
    assert "is no JSON" in cut.json()["detail"] and "100" in many.json()["detail"]
    assert "/api/v1/lineage/batch" in several.json()["remedy"]
    assert len(none.json()["refused"]) == 20 and none.json()["place"].startswith("/0")
    assert len(_processes(client)) == 1


def test_where_a_process_ends_the_post_may_come_again(serve: Callable[..., TestClient]) -> None:
    client = serve(limits=Limits(readers=1))
    body = json.dumps(_events(1)).encode()
    assert client.post(BATCH, content=body).json()["accepted"] > 100
    (first,) = _processes(client)

    os.kill(first, signal.SIGKILL)
    refused = client.post(BATCH, content=body)
    assert refused.status_code == 503 and refused.headers["Retry-After"]

    again = client.post(BATCH, content=body)
    assert again.status_code == 200 and again.json()["accepted"] == 0
    assert _processes(client) not in ([], [first])


def test_who_posts_alone_starts_no_process(
    serve: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Writer, "waiting", 0)
    client = serve(limits=Limits(readers=1))
    assert client.post(BATCH, content=json.dumps(_events(1)).encode()).status_code == 200
    assert _processes(client) == []


def test_signals_that_all_are_sent_do_not_end_them_before_the_server(
    serve: Callable[..., TestClient],
) -> None:
    client = serve(limits=Limits(readers=1))
    body = json.dumps(_events(1)).encode()
    assert client.post(BATCH, content=body).status_code == 200
    (one,) = _processes(client)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(one, each)
    time.sleep(0.2)

    assert client.post(BATCH, content=body).status_code == 200
    assert _processes(client) == [one]


def test_a_thread_reads_what_would_wait_for_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is being stored; of the others each is read by whom is sooner done."""
    by: list[str] = []
    done: dict[str, asyncio.Event] = {}

    async def held(name: str) -> Any:
        by.append(name)
        await done[name].wait()

    async def by_process(self: reading.Readers, work: Any) -> Any:
        return await held("process")

    async def by_thread(size: int, work: Any) -> Any:
        return await held("thread")

    monkeypatch.setattr(reading.Readers, "_by_process", by_process)
    monkeypatch.setattr(reading, "aside", by_thread)

    async def posts() -> None:
        done.update(process=asyncio.Event(), thread=asyncio.Event())
        readers = reading.Readers(Limits(readers=1), None)
        waiting = []

        async def post(*, busy: bool = False) -> None:
            large = b" " * reading.LARGE
            waiting.append(asyncio.create_task(readers.read(large, several=True, busy=busy)))
            await asyncio.sleep(0)

        await post()
        assert by == ["thread"]  # who posts alone
        await post()
        assert by[1:] == ["process"]  # beside it
        done["thread"].set()
        await waiting[0]
        await post()
        await post()
        assert by[2:] == ["process", "thread"]  # one ahead of the process, and no more
        await post(busy=True)
        await post()
        assert by[4:] == ["process", "thread"]  # where something is being stored, in any case
        done["process"].set()
        await asyncio.gather(*waiting)
        await post()
        assert by[6:] == ["thread"]  # nothing is left behind

    asyncio.run(posts())
