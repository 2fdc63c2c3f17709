"""Releases: one chain, swapped on the parent, never mixed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading

import pytest

from headgate.core import clock
from headgate.core.errors import ConflictError, NotFoundError
from headgate.lake import ledger
from headgate.lake.maintenance.releases import expired
from headgate.lake.release import STREAM, ReleaseStore
from headgate.lake.snapshot import Snapshot


def snapshot(dataset: str, version: int) -> Snapshot:
    return Snapshot(dataset, version, {"id": "long"}, (), None, 1)


def test_a_release_overlays_its_parent(bench) -> None:  # type: ignore[no-untyped-def]
    store = ReleaseStore(bench.lake)
    assert store.newest() is None
    one = store.publish(
        None,
        {"a.x.y": (snapshot("a.x.y", 3), "x"), "a.z.y": (snapshot("a.z.y", 1), "z")},
        run_id="1",
    )
    two = store.publish(one, {"a.x.y": (snapshot("a.x.y", 4), "x")}, run_id="2")
    assert (two.id, two.parent, two.versions) == (2, 1, {"a.x.y": 4, "a.z.y": 1})
    assert store.newest() == two == store.get(2) and store.list() == [two, one]
    assert [(c.dataset, c.before, c.after) for c in store.diff(one, two)] == [("a.x.y", 3, 4)]
    with pytest.raises(NotFoundError, match="Releases here: 1 to 2"):
        store.get(9)


def test_the_swap_fails_when_the_same_group_moved_and_rebases_when_another_did(bench) -> None:  # type: ignore[no-untyped-def]
    store = ReleaseStore(bench.lake)
    one = store.publish(None, {"a.x.y": (snapshot("a.x.y", 1), "x")}, run_id="1")
    store.publish(one, {"a.z.y": (snapshot("a.z.y", 7), "z")}, run_id="2")
    three = store.publish(one, {"a.x.y": (snapshot("a.x.y", 2), "x")}, run_id="3")
    assert (three.id, three.versions) == (3, {"a.x.y": 2, "a.z.y": 7})
    with pytest.raises(ConflictError):
        store.publish(one, {"a.x.y": (snapshot("a.x.y", 5), "x")}, run_id="4")
    assert len(store.ids()) == 3


def test_of_many_publishers_on_one_parent_one_wins(bench) -> None:  # type: ignore[no-untyped-def]
    store = ReleaseStore(bench.lake)
    start = threading.Barrier(8)
    won: list[int] = []
    lost: list[int] = []

    def publish(number: int) -> None:
        start.wait()
        try:
            store.publish(None, {"a.x.y": (snapshot("a.x.y", number), "x")}, run_id=str(number))
            won.append(number)
        except ConflictError:
            lost.append(number)

    threads = [threading.Thread(target=publish, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert (len(won), len(lost)) == (1, 7)
    newest = store.newest()
    assert newest is not None and newest.versions == {"a.x.y": won[0]}


def test_a_number_that_maintenance_freed_is_no_place_for_a_late_publisher(bench) -> None:  # type: ignore[no-untyped-def]
    store = ReleaseStore(bench.lake)
    one = newest = store.publish(None, {"a.x.y": (snapshot("a.x.y", 1), "x")}, run_id="1")
    for version in (2, 3):
        newest = store.publish(newest, {"a.x.y": (snapshot("a.x.y", version), "x")}, run_id="2")
    bench.lake.storage.remove("_releases", [f"{2:020d}.json"])
    with pytest.raises(ConflictError):
        store.publish(one, {"a.x.y": (snapshot("a.x.y", 9), "x")}, run_id="3")
    assert store.ids() == [1, 3]


def test_a_stream_s_release_moves_its_own_tables_and_others_yield_to_it(bench) -> None:  # type: ignore[no-untyped-def]
    store = ReleaseStore(bench.lake)
    one = store.publish(None, {"a.x.y": (snapshot("a.x.y", 1), "x")}, run_id="1")
    two = store.publish(one, {"a.s.y": (snapshot("a.s.y", 1), "s")}, run_id="2", kind=STREAM)
    assert two.moved == ("a.s.y",) and store.get(2) == two and one.moved == ()
    assert [r["dataset"] for r in ledger.release_rows(two)] == ["a.s.y"]
    older = {"a.x.y": (snapshot("a.x.y", 2), "x"), "a.s.y": (snapshot("a.s.y", 0), "s")}
    with pytest.raises(ConflictError):
        store.publish(one, older, run_id="3")
    three = store.publish(one, older, run_id="3", yielding=["s"])
    assert three.versions == {"a.x.y": 2, "a.s.y": 1}
    only = {"a.s.y": (snapshot("a.s.y", 0), "s")}
    assert store.publish(one, only, run_id="4", yielding=["s"]) == three


def test_of_streams_releases_one_an_hour_is_kept(bench, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    store, parent = ReleaseStore(bench.lake), None
    settings = dataclasses.replace(bench.lake.settings, release_keep_count=1)
    began = clock.parse_iso("2026-01-05T10:00:00Z")
    for minutes in range(0, 240, 20):
        with clock.frozen(began + dt.timedelta(minutes=minutes)):
            kind = "publish" if minutes == 40 else STREAM
            tables = {"a.s.y": (snapshot("a.s.y", minutes), "s")}
            parent = store.publish(parent, tables, run_id="1", kind=kind)
    with clock.frozen(began + dt.timedelta(minutes=240)):
        gone = {r.id for r in expired(store, settings)}
    kept = {n: store.get(n).published_at.strftime("%H:%M") for n in store.ids() if n not in gone}
    assert list(kept.values()) == [
        "10:20", "10:40", "11:40", "12:40", "13:00", "13:20", "13:40"
    ]  # fmt: skip
