"""The commit door: what it publishes is exact, numbered, durable, and refused when it must be."""

from __future__ import annotations

import dataclasses
import datetime as dt
import errno
import os
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from deltalake import DeltaTable

from headgate.core import json as hjson
from headgate.core.errors import ConflictError, LakeError, UnknownOutcomeError
from headgate.lake.commit import commit
from headgate.lake.lake import Lake
from headgate.lake.merge import Plan
from headgate.lake.snapshot import Snapshot

from .conftest import COLUMNS, DATASET, Bench

DAY = dt.date(2024, 2, 29)
ROWS = [(1, DAY, "a", 1, 0), (2, DAY, "é\U0001f600", None, 0), (3, None, None, -5, 0)]


def test_a_commit_is_read_back_by_us_and_by_another_reader(bench: Bench) -> None:
    staged = bench.staged(ROWS)
    snapshot = bench.write(Plan(tuple(staged), (), 3), None)
    assert (snapshot.version, snapshot.rows, snapshot.app_version) == (0, 3, 1)
    assert dict(snapshot.columns) == COLUMNS
    assert bench.rows() == ROWS
    other = DeltaTable(bench.lake.root / "bronze/test/things").to_pyarrow_table().to_pylist()
    assert sorted(tuple(r.values()) for r in other) == ROWS


def test_statistics_in_the_log_are_those_of_the_data(bench: Bench) -> None:
    snapshot = bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)
    (file,) = snapshot.files
    assert (file.minimum["id"], file.maximum["id"]) == (1, 3)
    assert (file.minimum["day"], file.maximum["day"]) == (DAY, DAY)
    assert dict(file.nulls) == {"id": 0, "day": 1, "text": 1, "n": 1, "_at": 0}


def test_key_columns_are_not_null_in_the_table(bench: Bench) -> None:
    bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)
    fields = DeltaTable(bench.lake.root / "bronze/test/things").schema().fields
    assert {f.name: f.nullable for f in fields} == {
        "id": False, "day": True, "text": True, "n": True, "_at": True
    }  # fmt: skip


def test_an_account_that_does_not_balance_is_refused_before_anything_is_written(
    bench: Bench,
) -> None:
    with pytest.raises(LakeError, match="does not balance"):
        commit(bench.lake, DATASET, base=None, columns=COLUMNS, add=bench.staged(ROWS), remove=(),
               meta=bench.meta(read=3, published=2))  # fmt: skip
    assert bench.lake.snapshot(DATASET) is None


def test_of_two_writers_on_one_version_the_second_is_refused(bench: Bench) -> None:
    base = bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)
    bench.write(Plan(tuple(bench.staged([(4, DAY, "b", 1, 0)])), (), 1), base)
    with pytest.raises(ConflictError):
        bench.write(Plan(tuple(bench.staged([(5, DAY, "c", 1, 0)])), (), 1), base)
    assert [r[0] for r in bench.rows()] == [1, 2, 3, 4]


def test_of_two_creators_the_second_is_refused(bench: Bench) -> None:
    bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)
    with pytest.raises(ConflictError):
        bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)
    assert bench.rows() == ROWS


def test_a_commit_without_rows_still_records_its_account(bench: Bench) -> None:
    first = bench.write(Plan((), (), 0), None)
    assert first.rows == 0 and bench.rows() == []
    second = bench.write(Plan((), (), 0), first)
    assert (second.version, second.app_version) == (1, 2)
    assert second.meta is not None and second.meta.dataset == DATASET


def test_a_new_column_is_null_in_rows_that_are_older(bench: Bench) -> None:
    base = bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)
    wider = {**COLUMNS, "extra": "array<long>"}
    staged = bench.staged([(9, DAY, "z", 1, 0, [1, 2])], wider)
    snapshot = bench.write(Plan(tuple(staged), (), 1), base, wider)
    assert dict(snapshot.columns) == wider
    assert [(r[0], r[-1]) for r in bench.rows()] == [(1, None), (2, None), (3, None), (9, [1, 2])]
    assert bench.rows(version=0) == ROWS


@pytest.mark.parametrize("way", ["a new column", "another shape"])
def test_an_entry_that_changes_the_shape_is_ours_too(bench: Bench, way: str) -> None:
    base = bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)
    before = DeltaTable(bench.lake.root / "bronze/test/things")
    whole = way == "another shape"
    columns = (
        {"id": "long", "day": "date", "extra": "json"} if whole else {**COLUMNS, "extra": "json"}
    )
    values = (9, DAY, "{}") if whole else (9, DAY, "z", 1, 0, "{}")
    made = commit(bench.lake, DATASET, base=base, columns=columns,
                  add=bench.staged([values], columns), remove=(), meta=bench.meta(),
                  key=("id",), whole=whole)  # fmt: skip
    assert made == read_whole(bench)
    assert list(made.columns) == list(columns) and made.version == 1, (
        "one version, no other before it"
    )
    assert bench.rows() == ([values] if whole else [*((*r, None) for r in ROWS), values])
    after = DeltaTable(bench.lake.root / "bronze/test/things")
    assert after.metadata().id == before.metadata().id
    assert after.metadata().created_time == before.metadata().created_time
    fields = {f.name: f.nullable for f in after.schema().fields}
    assert fields.pop("id") is False and all(fields.values())
    entry = (
        bench.lake.root / "bronze/test/things/_delta_log/00000000000000000001.json"
    ).read_text()
    assert '"engineInfo":"headgate"' in entry
    assert bench.rows(version=0) == ROWS


def test_a_table_that_asks_more_of_its_writers_is_left_alone(bench: Bench) -> None:
    base = bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)
    other = dataclasses.replace(base, protocol="3.7")
    with pytest.raises(LakeError, match=r"has the Delta protocol 3\.7; Headgate writes 1\.2"):
        bench.write(Plan(tuple(bench.staged([(9, DAY, "z", 1, 0)])), (), 1), other)
    assert bench.rows() == ROWS


def fail(
    monkeypatch: pytest.MonkeyPatch, call: str, at: Callable[[str], bool], *, after: bool
) -> None:
    """Let one call of ``os`` fail where ``at`` says so of its path, before or after it did its work."""
    real = getattr(os, call)

    def failing(what: Any, *more: Any, **named: Any) -> Any:
        path = os.readlink(f"/proc/self/fd/{what}") if isinstance(what, int) else str(what)
        hit = at(path)
        if not hit or after:
            done = real(what, *more, **named)
        if hit:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return done

    monkeypatch.setattr(os, call, failing)


def test_a_commit_that_the_disk_does_not_confirm_is_neither_done_nor_failed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)
    seen: list[str] = []
    with bench.lake.run_lock("r", "run") as died:
        assert not died
        with monkeypatch.context() as patched:
            fail(patched, "fsync", lambda p: p.endswith("_delta_log") and not seen.append(p)
                 and len(seen) == 2, after=True)  # fmt: skip
            with pytest.raises(UnknownOutcomeError, match="does not confirm that it lasts"):
                bench.write(Plan(tuple(bench.staged([(4, DAY, "b", 1, 0)])), (), 1), base)
    assert [r[0] for r in bench.rows()] == [1, 2, 3, 4], "it is in the log, and so are its rows"
    # Whoever tries again on what they knew does not double it.
    with pytest.raises(ConflictError):
        bench.write(Plan(tuple(bench.staged([(4, DAY, "b", 1, 0)])), (), 1), base)
    with Lake(bench.lake.settings).run_lock("r2", "run") as died:
        assert died, "the next run makes sure of what this one did not know"


def test_a_link_that_was_made_and_is_told_of_as_failed_counts_as_made(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        fail(patched, "link", lambda p: "_delta_log" in p, after=True)
        bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)
    assert bench.rows() == ROWS


def test_an_entry_that_got_no_name_is_a_failure_and_nothing_is_published(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        fail(patched, "link", lambda p: "_delta_log" in p, after=False)
        with pytest.raises(LakeError, match="Input/output error") as told:
            bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)
        assert not isinstance(told.value, UnknownOutcomeError | ConflictError)
    assert bench.lake.snapshot(DATASET) is None
    bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)


def test_a_draft_that_cannot_be_removed_does_not_undo_what_is_done(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        fail(patched, "unlink", lambda p: "_delta_log/." in p, after=False)
        bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)
    assert bench.rows() == ROWS


def test_a_log_that_cannot_be_summed_up_is_a_log_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate.lake.checkpoint.EVERY", 1)
    monkeypatch.setattr("headgate.lake.checkpoint._copy_end", lambda *_: 1 / 0)
    for number in range(3):
        bench.merge([(number, DAY, "a", number, 0)])
    assert [r[0] for r in bench.rows()] == [0, 1, 2]


def test_a_summary_is_whole_and_synced_before_it_has_its_name(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate.lake.checkpoint.EVERY", 2)
    folder = bench.lake.root / "bronze/test/things/_delta_log"
    synced: list[tuple[str, set[str]]] = []
    real: Any = os.fsync

    def watching(fd: int) -> None:
        names = {p.name for p in folder.iterdir()} if folder.exists() else set()
        synced.append((os.readlink(f"/proc/self/fd/{fd}"), names))
        real(fd)

    monkeypatch.setattr(os, "fsync", watching)
    for number in range(3):
        bench.merge([(number, DAY, "a", number, 0)])
    name = f"{2:020d}.checkpoint.parquet"
    (drafted,) = [n for n, (path, _) in enumerate(synced) if path.endswith(name)]
    named = [n for n, (_, names) in enumerate(synced) if name in names]
    pointed = [n for n, (_, names) in enumerate(synced) if "_last_checkpoint" in names]
    assert name not in synced[drafted][1] and drafted < named[0] < pointed[0]
    assert synced[named[0]][0] == str(folder), "its name is synced before anything points to it"


def test_data_files_are_synced_before_the_log_names_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every data file and the folder are synced before the entry appears, the entry after."""
    synced: list[tuple[str, bool]] = []
    entry = bench.lake.root / "bronze/test/things/_delta_log/00000000000000000000.json"
    real: Any = os.fsync

    def watching(fd: int) -> None:
        synced.append((os.readlink(f"/proc/self/fd/{fd}"), entry.exists()))
        real(fd)

    staged = bench.staged(ROWS)
    monkeypatch.setattr(os, "fsync", watching)
    snapshot = bench.write(Plan(tuple(staged), (), 3), None)
    table = str(bench.lake.root / "bronze/test/things")
    before = [path for path, visible in synced if not visible]
    after = [path for path, visible in synced if visible]
    folder = len(before) - before[::-1].index(table)
    assert before.index(str(staged[0].path)) < folder
    # The entry itself is synced under another name, behind all that it names, and then linked.
    (draft,) = [i for i, path in enumerate(before) if f".{entry.name}." in path]
    assert draft >= folder
    assert after == [f"{table}/_delta_log"]
    assert snapshot.files[0].path == staged[0].path.name


def test_what_a_commit_says_of_itself_comes_back_from_the_log(bench: Bench) -> None:
    meta = bench.meta(read=4, published=3, deduplicated=1, inputs={"a.b.c": 2}, detail={"x": "y"})
    snapshot = commit(bench.lake, DATASET, base=None, columns=COLUMNS, add=bench.staged(ROWS),
                      remove=(), meta=meta)  # fmt: skip
    assert snapshot.meta is not None
    assert hjson.loads(snapshot.meta.to_json()) == {
        **hjson.loads(meta.to_json()), "committed_at": hjson.loads(snapshot.meta.to_json())["committed_at"]
    }  # fmt: skip


def test_a_snapshot_after_a_commit_is_what_another_library_reads_from_the_log(
    bench: Bench,
) -> None:
    columns = {
        "id": "long", "i": "integer", "t": "string", "d": "double", "b": "boolean", "day": "date",
        "at": "timestamp", "n": "decimal(12,3)", "j": "json", "many": "array<string>",
    }  # fmt: skip
    at = dt.datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=dt.UTC)
    rows = [
        (1, -5, "é'\"\n\U0001f600", 0.1, True, DAY, at, Decimal("-12.345"), "{}", ["x"]),
        (2, 7, "a" * 300, -1e300, False, dt.date(1, 1, 1), at.replace(year=1960), Decimal(0), None, []),
        (3, None, None, float("nan"), None, None, None, None, None, None),
    ]  # fmt: skip
    for given in (rows, rows[:1], [(4, *[None] * 9)]):
        base = bench.lake.snapshot(DATASET)
        staged = bench.staged(given, columns)
        made = bench.write(Plan(tuple(staged), base.files if base else (), 1), base, columns)
        assert made == read_whole(bench)
    restored = bench.write(Plan(base.files if base else (), made.files, 0), made, columns)
    assert restored == read_whole(bench)


def read_whole(bench: Bench) -> Snapshot:
    """The newest version as delta-rs reads it, on a lake that has opened nothing before."""
    fresh = Lake(bench.lake.settings)
    newest = fresh.snapshot(DATASET)
    assert newest is not None
    found = fresh.snapshot(DATASET, newest.version)
    assert found is not None
    return found


def test_the_log_is_summed_up_and_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate.lake.checkpoint.EVERY", 2)
    for number in range(6):
        bench.merge([(number, DAY, "a", number, 0), (0, DAY, "b", number, 0)])
    folder = bench.lake.root / "bronze/test/things/_delta_log"
    summed = sorted(p.name for p in folder.glob("*.checkpoint.parquet"))
    assert [int(name[:20]) for name in summed] == [2, 4]
    for number in range(4):
        (folder / f"{number:020d}.json").unlink()
    assert read_whole(bench).version == 5
    assert [r[0] for r in bench.rows()] == [0, 1, 2, 3, 4, 5]


def test_of_writers_at_once_each_version_is_one_of_theirs(bench: Bench) -> None:
    base = bench.write(Plan(tuple(bench.staged(ROWS)), (), 3), None)
    staged = [bench.staged([(10 + n, DAY, "c", n, 0)]) for n in range(8)]
    came: list[int] = []

    def write(number: int) -> None:
        other = Lake(bench.lake.settings)
        plan = Plan(tuple(staged[number]), (), 1)
        try:
            commit(other, DATASET, base=base, columns=COLUMNS, add=plan.add, remove=(),
                   meta=bench.meta(source=str(number)), key=("id",))  # fmt: skip
            came.append(number)
        except ConflictError:
            pass

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    newest = read_whole(bench)
    assert newest.version == 1 and newest.meta is not None
    assert [str(n) for n in came] == [newest.meta.source]
    assert [r[0] for r in bench.rows()] == [1, 2, 3, 10 + came[0]]
    lost = [f.path for n, files in enumerate(staged) if n != came[0] for f in files]
    assert all(path.is_file() for path in lost), "who lost plans anew from what was staged"
    folder = bench.lake.root / "bronze/test/things"
    assert len(list(folder.glob("*.parquet"))) == 2
