"""Maintenance changes no row, and takes nothing away that a version, release or catalogue needs."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from headgate.core import clock
from headgate.core.errors import ConflictError, LakeError
from headgate.lake import unnamed
from headgate.lake.changes import changed_sql, earlier
from headgate.lake.commit import commit
from headgate.lake.content import content_hash
from headgate.lake.lake import Lake, log_key
from headgate.lake.maintenance import compaction, history, sweeping
from headgate.lake.maintenance.releases import expired
from headgate.lake.merge import Plan
from headgate.lake.meta import CommitMeta
from headgate.lake.release import FOLDER, Release, ReleaseStore
from headgate.lake.snapshot import DataFile, Snapshot
from headgate.lake.stage import stage

from .conftest import COLUMNS, DATASET, Bench

TABLE = "bronze/test/things"
DAY = dt.date(2024, 2, 29)


@pytest.fixture(autouse=True)
def _short_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs are cut at three entries."""
    monkeypatch.setattr(history, "WORTH", 3)


def append(bench: Bench, *ids: int) -> Snapshot:
    """A version with one more file."""
    rows = [(i, DAY, f"text {i}", None if i % 2 else i, i) for i in ids]
    return bench.write(Plan(tuple(bench.staged(rows)), (), len(ids)), bench.lake.snapshot(DATASET))


def replace(bench: Bench, *ids: int) -> Snapshot:
    """A version with these rows and no others."""
    base = bench.lake.snapshot(DATASET)
    staged = bench.staged([(i, DAY, "new", i, i) for i in ids])
    return bench.write(Plan(tuple(staged), base.files if base else (), len(ids)), base)


def compact(bench: Bench) -> compaction.Compacted | None:
    return compaction.compact(bench.con, bench.lake, DATASET, run_id="t", key=("id",))


def kept(bench: Bench, **settings: Any) -> Lake:
    """A lake that keeps nothing but what it must, and what ``settings`` say."""
    nothing = {"history_keep_days": 0.0, "orphan_keep_days": 0.0, "release_keep_days": 0,
               "release_keep_count": 1}  # fmt: skip
    bench.lake.settings = dataclasses.replace(bench.lake.settings, **{**nothing, **settings})
    return bench.lake


def maintain(lake: Lake) -> sweeping.Swept:
    """What `headgate maintain` does with the table, but compaction."""
    log = history.read(lake, TABLE)
    found = history.cut(lake, log, history.pinned(lake).get(TABLE, set()))
    if found:
        history.clean(lake, log, found, "t")
    swept = sweeping.table(lake, TABLE, unnamed.pins(lake))
    lake.storage.remove(TABLE, swept.names)
    return swept


def test_files_are_put_together_and_no_row_changes(bench: Bench) -> None:
    for first in range(0, 50, 10):
        before = append(bench, *range(first, first + 10))
    rows, hashed = bench.rows(), content_hash(bench.con, before)

    done = compact(bench)

    assert done is not None and (done.files, done.new_files) == (5, 1)
    assert bench.rows() == rows
    after = bench.lake.snapshot(DATASET)
    assert after is not None and content_hash(bench.con, after) == hashed
    (file,) = after.files
    assert (file.rows, file.minimum["id"], file.maximum["id"]) == (50, 0, 49)
    assert (file.minimum["day"], file.nulls["n"], file.nulls["id"]) == (DAY, 25, 0)
    other = DeltaTable(bench.lake.root / TABLE).to_pyarrow_table()
    assert sorted(tuple(r.values()) for r in other.to_pylist()) == rows
    assert compact(bench) is None


def test_the_entry_says_that_no_data_changed_and_its_account_balances(bench: Bench) -> None:
    for i in range(4):
        append(bench, i)
    done = compact(bench)
    assert done is not None and done.meta.balanced
    data = bench.lake.storage.read(log_key(TABLE, 4)) or b""
    actions = list(unnamed.actions(data))
    changes = [a[w]["dataChange"] for a in actions for w in ("add", "remove") if w in a]
    assert changes == [False] * 5
    assert actions[0]["commitInfo"]["operation"] == "OPTIMIZE"
    meta = CommitMeta.from_log(data)
    assert meta is not None and (meta.kind, meta.detail["rows"]) == ("compaction", 4)
    assert (meta.read, meta.published) == (0, 0)


def test_a_compacted_version_counts_as_the_one_that_had_its_rows_first(bench: Bench) -> None:
    for i in range(4):
        made = append(bench, i)
    assert compact(bench)
    again = Lake(bench.lake.settings)
    for snapshot in (bench.lake.snapshot(DATASET), again.snapshot(DATASET, 4)):
        assert snapshot is not None
        assert (snapshot.version, snapshot.content_version) == (4, 3)
        assert snapshot.meta is not None and made.meta is not None
        assert snapshot.meta.batch_id == made.meta.batch_id  # what made the rows
    following = append(bench, 9)
    assert following.content_version == following.version == 5


def test_what_changed_since_is_told_from_the_files_put_together(bench: Bench) -> None:
    for i in range(4):
        old = append(bench, i)
    gone = [f.uri for f in old.files]
    assert compact(bench)
    head = append(bench, 7)
    for uri in gone:
        os.unlink(uri)
    found = earlier(bench.lake, head, DATASET, old.version)
    assert found is not None and found.version == 4
    touched = bench.con.execute(changed_sql(found, head, "id")).fetchall()
    assert touched == [(7,)]
    compacted = bench.lake.snapshot(DATASET, 4)
    assert earlier(bench.lake, compacted, DATASET, old.version) is compacted


def test_an_append_between_is_no_reason_to_write_the_files_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(4):
        append(bench, i)
    calls = between(bench, monkeypatch, lambda: append(bench, 50))
    done = compact(bench)
    assert done is not None and (done.files, done.snapshot.version) == (4, 5)
    assert (calls["commits"], calls["stages"]) == (2, 1)
    assert [r[0] for r in bench.rows()] == [0, 1, 2, 3, 50]


def test_after_a_change_of_the_files_between_they_are_chosen_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(6):
        append(bench, i)
    calls = between(bench, monkeypatch, lambda: bench.merge([(0, DAY, "edited", 0, 0)]))
    done = compact(bench)
    assert done is not None and (calls["commits"], calls["stages"]) == (2, 2)
    assert [(r[0], r[2]) for r in bench.rows()][:2] == [(0, "edited"), (1, "text 1")]


def between(bench: Bench, monkeypatch: pytest.MonkeyPatch, act: Any) -> dict[str, int]:
    """Let somebody act between a compaction's plan and its first commit; counts its efforts."""
    calls = {"commits": 0, "stages": 0}
    real_commit, real_stage = commit, compaction.stage

    def committing(*args: Any, **given: Any) -> Snapshot:
        calls["commits"] += 1
        if calls["commits"] == 1:
            act()
        return real_commit(*args, **given)

    def staging(*args: Any) -> Any:
        calls["stages"] += 1
        return real_stage(*args)

    monkeypatch.setattr(compaction, "commit", committing)
    monkeypatch.setattr(compaction, "stage", staging)
    return calls


def test_files_that_do_not_hold_what_the_log_says_are_left_alone(bench: Bench) -> None:
    for i in range(4):
        snapshot = append(bench, i)
    Path(snapshot.files[0].uri).write_bytes(Path(snapshot.files[1].uri).read_bytes())
    append(bench, 5)
    lying = bench.lake.snapshot(DATASET)
    assert lying is not None
    entry = bench.lake.root / log_key(TABLE, 0)
    entry.write_text(entry.read_text().replace('\\"numRecords\\":1', '\\"numRecords\\":2'))
    bench.lake = Lake(bench.lake.settings)
    with pytest.raises(LakeError, match="would hold other rows"):
        compact(bench)
    assert bench.lake.snapshot(DATASET).version == 4  # type: ignore[union-attr]


def sized(*sizes: int) -> Snapshot:
    files = tuple(DataFile(f"{n}", f"/{n}", size, 1) for n, size in enumerate(sizes))
    meta = CommitMeta("b", "r", DATASET, "ingest", "merge", "s", "", "1", "h", clock.now())
    return Snapshot(DATASET, 1, COLUMNS, files, meta, 1)


@pytest.mark.parametrize(
    ("sizes", "chosen"),
    [
        ((1, 1, 1), 0),  # too few to be worth it
        ((1, 1, 1, 1), 4),
        ((100, 100, 1, 1, 1, 1), 4),  # large ones stay
        ((40, 1, 1, 1, 1), 4),  # a middling one waits for as much in small ones
        ((40, 15, 15, 10, 1), 5),
        (tuple([49] * 501), 501),  # too many files: whatever their sizes
    ],
)
def test_rows_are_written_anew_only_along_with_as_many(
    bench: Bench, sizes: tuple[int, ...], chosen: int
) -> None:
    settings = dataclasses.replace(bench.lake.settings, target_file_bytes=100)
    assert len(compaction.worth(sized(*sizes), settings)) == chosen


def test_files_of_close_keys_come_together() -> None:
    files = [DataFile(str(n), "", 10, 1, {"id": (n * 7) % 20}) for n in range(20)]
    found = compaction.groups(files, ("id",), 50)
    ends = [(min(f.minimum["id"] for f in g), max(f.minimum["id"] for f in g)) for g in found]
    assert ends == [(0, 4), (5, 9), (10, 14), (15, 19)]


def test_a_log_is_cut_where_nothing_before_is_needed(bench: Bench) -> None:
    lake = kept(bench)
    for i in range(6):
        replace(bench, i)
    swept = maintain(lake)
    log = history.read(lake, TABLE)
    assert (log.entries, log.checkpoints) == ((5,), (5,))
    assert len(swept.superseded) == 5
    fresh = Bench(Lake(lake.settings), bench.con)
    assert fresh.rows() == [(5, DAY, "new", 5, 5)]
    assert DeltaTable(lake.root / TABLE).to_pyarrow_table().num_rows == 1
    replace(fresh, 30)
    assert fresh.rows() == bench.rows() == [(30, DAY, "new", 30, 30)]
    assert not maintain(lake).names  # twice is once


def test_a_kept_release_keeps_its_version_and_all_after_it(bench: Bench) -> None:
    lake, store = kept(bench, release_keep_count=2), ReleaseStore(bench.lake)
    newest = None
    for i in range(12):
        snapshot = replace(bench, i)
        if i in (2, 6, 9):
            newest = store.publish(newest, {DATASET: (snapshot, "g")}, run_id="t")
    reader = f"SELECT * FROM {lake.snapshot(DATASET, 6).relation()}"  # type: ignore[union-attr]
    for release in (gone := expired(store, lake.settings)):
        lake.storage.remove(FOLDER, [f"{release.id:020d}.json"])
    assert [r.id for r in gone] == [1]
    maintain(lake)
    assert history.read(lake, TABLE).entries == tuple(range(6, 12))
    assert bench.con.execute(reader).fetchall() == [(6, DAY, "new", 6, 6)]
    for version in range(6, 12):
        assert Bench(Lake(lake.settings), bench.con).rows(version)[0][0] == version


def test_a_version_that_another_table_was_made_from_is_kept(bench: Bench) -> None:
    lake = kept(bench)
    for i in range(8):
        replace(bench, i)
    made = "silver.test.made"
    commit(lake, made, base=None, columns=COLUMNS, add=bench.staged([(1, DAY, "a", 1, 1)]),
           remove=(), meta=dataclasses.replace(bench.meta(dataset=made), inputs={DATASET: 5}))  # fmt: skip
    maintain(lake)
    assert history.read(lake, TABLE).entries == tuple(range(5, 8))
    assert bench.rows(5) == [(5, DAY, "new", 5, 5)]


def test_what_is_young_is_kept_whole(bench: Bench) -> None:
    now = clock.now()
    lake = kept(bench, history_keep_days=3.0)
    for i in range(10):
        with clock.frozen(now + timedelta(days=i)):
            replace(bench, i)
    with clock.frozen(now + timedelta(days=9, hours=1)):
        maintain(lake)
    # Version 6 was the newest one until 7 came, which is less than three days old.
    assert history.read(lake, TABLE).entries == tuple(range(6, 10))
    assert bench.rows(6) == [(6, DAY, "new", 6, 6)]


def test_nothing_goes_by_a_checkpoint_that_is_wrong(bench: Bench) -> None:
    lake = kept(bench)
    for i in range(5):
        replace(bench, i)
    lake.table(TABLE).create_checkpoint()
    log = bench.lake.root / TABLE / "_delta_log"
    wrong = log / f"{4:020d}.checkpoint.parquet"
    replace(bench, 99)
    lake.table(TABLE).create_checkpoint()
    (log / f"{5:020d}.checkpoint.parquet").rename(wrong)
    (log / f"{5:020d}.json").unlink()
    (log / "_last_checkpoint").unlink()
    with pytest.raises(LakeError, match="does not name the files"):
        maintain(Lake(lake.settings))
    assert len(history.read(lake, TABLE).entries) == 5


def test_files_without_a_name_go_only_once_they_are_old(bench: Bench) -> None:
    lake = kept(bench, orphan_keep_days=3.0)
    append(bench, 1)
    folder = lake.root / TABLE
    for name, days in (("part-old.parquet", 4), ("part-young.parquet", 2)):
        (folder / name).write_bytes(b"x")
        then = (clock.now() - timedelta(days=days)).timestamp()
        os.utime(folder / name, (then, then))
    draft = (
        folder / "_delta_log" / ".00000000000000000009.json.01234567-89ab-cdef-0123-456789abcdef"
    )
    draft.write_bytes(b"{")
    os.utime(draft, (0, 0))
    assert [f.path for f in maintain(lake).orphans] == [f"{TABLE}/part-old.parquet"]
    assert (folder / "part-young.parquet").exists()
    assert [f.path for f in sweeping.drafts(lake)] == [f"{TABLE}/_delta_log/{draft.name}"]
    assert bench.rows() == [(1, DAY, "text 1", None, 1)]


def test_a_name_that_a_clean_up_freed_is_no_place_for_a_late_writer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = kept(bench, orphan_keep_days=1.0)
    late = replace(bench, 0)
    storage, real = lake.storage, type(lake.storage).put_if_absent
    waiting = [True]

    def overtaken(self: Any, key: str, data: bytes, **given: Any) -> bool:
        if waiting.pop() if waiting else False:
            for i in range(1, 6):
                replace(bench, i)
            maintain(lake)
        return real(self, key, data, **given)

    monkeypatch.setattr(type(storage), "put_if_absent", overtaken)
    staged = bench.staged([(7, DAY, "late", 7, 7)])
    with pytest.raises(ConflictError):
        bench.write(Plan(tuple(staged), (), 1), late)
    assert history.read(lake, TABLE).entries == (5,)
    assert bench.rows() == [(5, DAY, "new", 5, 5)]
    assert all(f.path.exists() for f in staged)  # for the next try


def chain(*days: float) -> list[Release]:
    """Releases that were published so many days ago, oldest first."""
    return [
        Release(n, n - 1 or None, "t", "publish", clock.now() - timedelta(days=d))
        for n, d in enumerate(days, 1)
    ]


@pytest.mark.parametrize(
    ("days", "count", "keep", "gone"),
    [
        ((30,), 1, (), []),  # the newest stays
        ((30, 20), 1, (), [1]),  # nobody read the first for twenty days
        ((30, 5), 1, (), []),  # it was read until five days ago
        ((30, 20, 15, 10), 2, (), [1, 2]),
        ((30, 20, 15, 10), 10, (), []),
        ((30, 20, 15, 10), 1, (2,), [1, 3]),  # a private lake began as the second
        ((30, 20), 0, (), [1]),
    ],
)
def test_which_releases_may_go(
    bench: Bench, days: tuple[float, ...], count: int, keep: tuple[int, ...], gone: list[int]
) -> None:
    lake = kept(bench, release_keep_days=7, release_keep_count=count)
    for release in chain(*days):
        lake.storage.put(f"{FOLDER}/{release.id:020d}.json", release.to_json().encode())
    assert [r.id for r in expired(ReleaseStore(lake), lake.settings, keep)] == gone


def test_rows_are_laid_in_order_and_row_groups_do_not_overlap(bench: Bench) -> None:
    for number in range(4):
        query = (
            f"SELECT i * 4 + {number} AS id, DATE '2024-02-29' AS day, 'name ' || (i * 7919 % 1000)"
            " AS text, NULL::BIGINT AS n, i AS _at FROM range(80_000) t(i)"
        )
        staged = stage(bench.con, query, COLUMNS, bench.lake.staging("t"), bench.lake.settings)
        bench.write(Plan(tuple(staged), (), 80_000), bench.lake.snapshot(DATASET))
    before = content_hash(bench.con, bench.lake.snapshot(DATASET))

    done = compaction.compact(
        bench.con, bench.lake, DATASET, run_id="t", key=("id",), order=("text", "_at")
    )

    assert done is not None and content_hash(bench.con, done.snapshot) == before
    (file,) = done.snapshot.files
    bounds = bench.con.execute(
        "SELECT stats_min, stats_max FROM parquet_metadata(?) WHERE path_in_schema = 'text'"
        " ORDER BY ALL",
        [file.uri],
    ).fetchall()
    assert len(bounds) > 1, "one row group alone proves nothing"
    assert all(this[1] <= following[0] for this, following in pairwise(bounds))
