"""The one thread that stores: several posts in one commit, a bad one alone, full, and the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from headgate.lineage import access
from headgate.lineage.questions import events, runs
from headgate.lineage.server.limits import Limits
from headgate.lineage.server.problems import Problem
from headgate.lineage.server.writing import Stored, Writer
from headgate.lineage.store import taking
from headgate.lineage.store.opening import Store
from tests.unit.lineage.server.made_events import run_event


def _told(*numbers: int) -> list[Any]:
    told, refused = taking.told_by([run_event(n) for n in numbers], None)
    assert not refused
    return told


class _Gate:
    """Stands before the store's own `write`: holds it up, and fails what holds a given run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._write = taking.write
        self.opened = threading.Event()
        self.entered = threading.Event()
        self.poison: set[str] = set()
        self.sizes: list[int] = []
        monkeypatch.setattr(taking, "write", self)

    def __call__(self, store: Store, told: Any, **named: Any) -> Any:
        self.entered.set()
        assert self.opened.wait(20)
        self.sizes.append(len(told))
        if self.poison & {one.run for one in told}:
            raise RuntimeError("poison")
        return self._write(store, told, **named)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> _Gate:
    return _Gate(monkeypatch)


def _writer(store: Store, **limits: Any) -> Writer:
    return Writer(store, Limits(**limits), lake=None, keys=access.Keys(store))


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    made = _writer(store, waiting_events=10)
    made.start()
    yield made
    made.stop()


def _held_up(writer: Writer, gate: _Gate) -> Future[Stored]:
    """A first post that the thread is busy with."""
    first = writer.put(_told(0), 1)
    assert gate.entered.wait(20)
    return first


def test_what_comes_while_it_is_busy_goes_into_one_commit(
    store: Store, writer: Writer, gate: _Gate
) -> None:
    first = _held_up(writer, gate)
    later = [writer.put(_told(n, n + 100, 0), 1) for n in (1, 2)]
    gate.opened.set()
    assert first.result(20) == (1, 0)
    assert [post.result(20) for post in later] == [(2, 1), (2, 1)]
    assert gate.sizes == [1, 6]
    assert writer.counts.commits == 2 and writer.counts.accepted == 5
    assert writer.waiting == 0
    assert len(events.page(store).events) == 5


def test_a_post_that_cannot_be_stored_fails_alone(
    store: Store, writer: Writer, gate: _Gate
) -> None:
    first = _held_up(writer, gate)
    gate.poison = {run_event(2)["run"]["runId"]}
    later = [writer.put(_told(n), 1) for n in (1, 2, 3)]
    gate.opened.set()
    assert first.result(20) == later[0].result(20) == later[2].result(20) == (1, 0)
    with pytest.raises(RuntimeError, match="poison"):
        later[1].result(20)
    assert len(runs.page(store).runs) == 3
    assert writer.counts.failed == 1


def test_when_too_much_waits_it_is_said_and_nothing_is_lost(
    store: Store, writer: Writer, gate: _Gate
) -> None:
    accepted = [_held_up(writer, gate), writer.put(_told(*range(1, 10)), 1)]
    with pytest.raises(Problem) as refused:
        writer.put(_told(50), 1)
    assert refused.value.status == 429 and refused.value.wait
    gate.opened.set()
    assert [post.result(20) for post in accepted] == [(1, 0), (9, 0)]
    assert writer.put(_told(50), 1).result(20) == (1, 0)


def test_one_post_larger_than_what_may_wait_is_taken_when_nothing_else_does(store: Store) -> None:
    writer = _writer(store, waiting_events=2, waiting_bytes=10)
    writer.start()
    assert writer.put(_told(*range(30)), 1_000).result(20) == (30, 0)
    writer.stop()


def test_a_sender_who_went_away_before_it_was_stored_is_left_out(
    store: Store, writer: Writer, gate: _Gate
) -> None:
    _held_up(writer, gate)
    gone = writer.put(_told(1), 1)
    stays = writer.put(_told(2), 1)
    assert gone.cancel()
    gate.opened.set()
    assert stays.result(20) == (1, 0)
    assert writer.waiting == 0 and len(runs.page(store).runs) == 2


def test_it_stops_when_all_that_was_posted_is_stored(store: Store, gate: _Gate) -> None:
    writer = _writer(store)
    writer.start()
    posts = [_held_up(writer, gate), *(writer.put(_told(n), 1) for n in range(1, 5))]
    stopping = threading.Thread(target=writer.stop)
    stopping.start()
    while not writer._ends:
        pass
    with pytest.raises(Problem) as refused:
        writer.put(_told(9), 1)
    assert refused.value.status == 503
    gate.opened.set()
    stopping.join(20)
    assert [post.result(0) for post in posts] == [(1, 0)] * 5
