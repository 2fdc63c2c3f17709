"""Catching up with files of events: what was added is taken, half a line is left, twice is once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from headgate.lineage.store import tables
from headgate.lineage.store.catching_up import catch_up
from headgate.lineage.store.opening import Store, open_store
from tests.unit.lineage.store.small_events import JOBS, event


def line(number: int) -> bytes:
    return json.dumps(event(JOBS[0], number % 60, run=number)).encode() + b"\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = open_store(tmp_path / "lineage.db")
    yield found
    found.close()


def count(store: Store) -> Any:
    with store.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(tables.event)).scalar()


def test_only_what_was_added_is_taken(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert catch_up(store, [path]).accepted == 0
    path.write_bytes(line(1) + line(2))
    assert catch_up(store, [path]).accepted == 2
    outcome = catch_up(store, [path])
    assert (outcome.accepted, outcome.repeated) == (0, 0)
    with path.open("ab") as file:
        file.write(line(3))
    outcome = catch_up(store, [path])
    assert (outcome.accepted, outcome.repeated) == (1, 0)
    assert count(store) == 3


def test_half_a_line_is_left_until_it_is_whole(store: Store, tmp_path: Path) -> None:
    path, whole = tmp_path / "events.jsonl", line(2)
    path.write_bytes(line(1) + whole[:100])
    assert catch_up(store, [path]).accepted == 1
    with path.open("ab") as file:
        file.write(whole[100:])
    assert catch_up(store, [path]).accepted == 1


def test_a_torn_line_and_what_is_no_event_are_passed_over(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line(1)[:50] + b"\n\n\xff\xfe\n[]\n" + line(2))
    outcome = catch_up(store, [path])
    assert outcome.accepted == 1
    assert [one.index for one in outcome.refused] == [0, 52, 55]
    assert catch_up(store, [path]).refused == ()


def test_another_file_of_that_name_is_taken_from_its_start(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line(1) + line(2))
    catch_up(store, [path])
    path.write_bytes(line(3) + line(2) + line(4))
    outcome = catch_up(store, [path])
    assert (outcome.accepted, outcome.repeated) == (2, 1)
    path.write_bytes(line(5))
    assert catch_up(store, [path]).accepted == 1


def test_two_files_and_many_events(store: Store, tmp_path: Path) -> None:
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    one.write_bytes(b"".join(line(n) for n in range(700)))
    other.write_bytes(b"".join(line(n) for n in range(650, 750)))
    outcome = catch_up(store, [one, other])
    assert (outcome.accepted, outcome.repeated) == (750, 50)


def test_what_was_taken_and_how_far_are_one(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line(1))
    with monkeypatch.context() as patched:
        patched.setattr("headgate.lineage.store.positions.name", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            catch_up(store, [path])
    assert count(store) == 0
    assert catch_up(store, [path]).accepted == 1
