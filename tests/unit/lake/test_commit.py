"""The commit door: what it publishes is exact, numbered, durable, and refused when it must be."""

from __future__ import annotations

import datetime as dt
import os
import threading
from decimal import Decimal
from typing import Any

import pytest
from deltalake import DeltaTable

from headgate.core import json as hjson
from headgate.core.errors import ConflictError, LakeError
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
