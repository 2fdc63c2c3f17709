"""The lineage store in PostgreSQL, beside the file of SQLite's: the same content, whoever takes and dies."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headgate.lineage.store import tables
from headgate.lineage.store.opening import open_store
from headgate.lineage.store.taking import take
from tests.unit.lineage.store.dumping import dump, without_tellings
from tests.unit.lineage.store.editions import first_edition
from tests.unit.lineage.store.postgres import database, postgres, postgres_server
from tests.unit.lineage.store.small_events import any_event
from tests.unit.lineage.store.test_any_order import taken
from tests.unit.lineage.store.test_opening import differences

__all__ = ["postgres", "postgres_server"]
pytestmark = pytest.mark.servers

TAKE = """
import json, sys
from headgate.lineage.store.opening import open_store
from headgate.lineage.store.taking import take
store = open_store(sys.argv[1])
events = [json.loads(line) for line in open(sys.argv[2])]
size = int(sys.argv[3])
for start in range(0, len(events), size):
    outcome = take(store, events[start : start + size], lake="local")
    assert not outcome.refused, outcome.refused
    print(start + size, flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh store's place, in each database."""
    if request.param == "sqlite":
        yield str(tmp_path / "lineage.db")
    else:
        with database(request.getfixturevalue("postgres_server")) as url:
            yield url


def some_events(count: int) -> list[dict[str, Any]]:
    """Events of the small world, the same ones every time; no two are the same."""
    found: list[dict[str, Any]] = []

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(any_event())
    def collect(one: dict[str, Any]) -> None:
        found.append(one)

    collect()
    return list({json.dumps(one, sort_keys=True): one for one in found}.values())


def test_the_steps_make_the_same_tables(postgres: str) -> None:
    store = open_store(postgres)
    assert differences(store) == []
    store.close()
    open_store(postgres, create=False).close()


def test_a_store_of_the_first_edition_gets_the_same_tables_and_goes_on(postgres: str) -> None:
    events = some_events(50)
    random.Random(3).shuffle(events)
    first_edition(postgres, [events[:30]])
    store = open_store(postgres)
    assert differences(store) == []
    for one in events[30:]:
        assert not take(store, [one], lake="local").refused
    assert without_tellings(dump(store)) == without_tellings(taken([events]))
    store.close()


def test_both_databases_hold_the_same(postgres: str) -> None:
    events = some_events(50)
    shuffled = random.Random(7).sample(events, len(events))
    store = open_store(postgres)
    for start in range(0, len(shuffled), 7):
        assert not take(store, shuffled[start : start + 7], lake="local").refused
    assert dump(store) == taken([events])
    store.close()


def test_two_takers_at_once_make_what_one_would(where: str, tmp_path: Path) -> None:
    events = some_events(50)
    path = tmp_path / "events.jsonl"
    paths = [path.with_suffix(f".{n}") for n in range(3)]
    for number, one in enumerate(paths):
        mixed = random.Random(number).sample(events, len(events))
        one.write_text("".join(json.dumps(e) + "\n" for e in mixed), "utf-8")
    open_store(where).close()
    began = [
        subprocess.Popen([sys.executable, "-c", TAKE, where, str(one), str(n + 1)])
        for n, one in enumerate(paths)
    ]
    assert [process.wait(timeout=240) for process in began] == [0, 0, 0]
    store = open_store(where)
    assert dump(store) == taken([events])
    store.close()


def test_killed_while_taking_it_keeps_what_was_acknowledged_and_whole(
    where: str, tmp_path: Path
) -> None:
    events = some_events(50)
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(e) + "\n" for e in events), "utf-8")
    open_store(where).close()
    store, acknowledged, size = open_store(where), 0, 3
    for attempt in itertools.count():
        command = [sys.executable, "-c", TAKE, where, str(path), str(size)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        time.sleep(0.2)
        for told in process.stdout:
            acknowledged = max(acknowledged, int(told))
            if attempt < 4 and int(told) > 9 * attempt:
                time.sleep(0.003 * attempt)
                break
        else:
            assert process.wait() == 0
            break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with store.reading() as connection:
            kept = connection.execute(sa.select(sa.func.count()).select_from(tables.event)).scalar()
        assert kept is not None
        assert kept >= min(acknowledged, len(events))
        assert kept % size == 0 or kept == len(events)
    assert dump(store) == taken([events])
    store.close()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.data(), st.lists(any_event(), min_size=1, max_size=10))
def test_the_content_follows_from_the_set_of_events(
    postgres_server: sa.URL, data: st.DataObject, events: list[Any]
) -> None:
    with database(postgres_server) as url:
        store = open_store(url)
        for one in data.draw(st.permutations(events)):
            take(store, [one], lake="local")
        assert dump(store) == taken([events])
        store.close()
