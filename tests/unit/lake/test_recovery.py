"""Recovery: what is torn is set aside and told of, what was acknowledged is not, nothing is deleted."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from headgate.core.errors import LakeError
from headgate.lake import ledger, recovery
from headgate.lake.commit import commit
from headgate.lake.release import ReleaseStore

from .conftest import COLUMNS, DATASET, Bench

DAY = dt.date(2024, 2, 29)
KEY = "bronze/test/things"
CONTRACTS = {DATASET: None}


def log(bench: Bench) -> Path:
    return bench.lake.root / KEY / "_delta_log"


def entry(bench: Bench, version: int) -> Path:
    return log(bench) / f"{version:020d}.json"


def three(bench: Bench) -> None:
    for number in range(3):
        bench.merge([(number, DAY, "a", number, 0)])


def recover(bench: Bench, *, thorough: bool = True) -> list[str]:
    return recovery.recover(bench.lake, bench.con, CONTRACTS, thorough=thorough)


def cut_at_a_line(data: bytes) -> bytes:
    return b"".join(data.splitlines(keepends=True)[:-1])


def zeros_inside(data: bytes) -> bytes:
    return data[:100] + b"\0" * 50 + data[150:]


TEARS = {
    "empty": lambda data: b"",
    "zeros": lambda data: b"\0" * len(data),
    "cut": lambda data: data[:512],
    "zeros at the end": lambda data: data[:512] + b"\0" * (len(data) - 512),
    "garbage": lambda data: b"\x93\xff" * 200,
    "not an object": lambda data: b"[1]\n",
    "nothing that a log says": lambda data: b'{"rows": 1}\n',
    "zeros inside": zeros_inside,
}


@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
def test_a_torn_newest_entry_is_set_aside_and_what_was_before_it_stays(
    bench: Bench, tear: object
) -> None:
    three(bench)
    whole = entry(bench, 2).read_bytes()
    damaged = tear(whole)  # type: ignore[operator]
    entry(bench, 2).write_bytes(damaged)

    (told,) = recover(bench)

    assert "version 2" in told and "nobody was told of it" in told
    (kept,) = recovery.set_aside(bench.lake)
    assert (bench.lake.root / kept).read_bytes() == damaged and kept in told
    assert [r[0] for r in bench.rows()] == [0, 1]
    assert recover(bench) == []
    bench.merge([(7, DAY, "b", 7, 0)])
    assert [r[0] for r in bench.rows()] == [0, 1, 7]


@pytest.mark.parametrize("tear", ["empty", "zeros", "cut", "garbage", "zeros at the end"])
def test_what_shows_at_its_ends_is_found_without_reason_to_look(bench: Bench, tear: str) -> None:
    three(bench)
    entry(bench, 2).write_bytes(TEARS[tear](entry(bench, 2).read_bytes()))
    assert len(recover(bench, thorough=False)) == 1


def test_a_whole_log_is_left_alone(bench: Bench) -> None:
    three(bench)
    assert recover(bench) == [] and recovery.torn(bench.lake, KEY) is None
    assert recovery.set_aside(bench.lake) == []


def test_several_torn_entries_go_until_one_can_be_read(bench: Bench) -> None:
    three(bench)
    for version in (1, 2):
        entry(bench, version).write_bytes(b"")
    assert len(recover(bench, thorough=False)) == 2
    assert [r[0] for r in bench.rows()] == [0]


def test_a_table_whose_only_entry_is_torn_was_never_written(bench: Bench) -> None:
    bench.merge([(1, DAY, "a", 1, 0)])
    entry(bench, 0).write_bytes(entry(bench, 0).read_bytes()[:700])
    assert len(recover(bench)) == 1
    assert bench.lake.snapshot(DATASET) is None
    bench.merge([(2, DAY, "a", 2, 0)])
    assert [r[0] for r in bench.rows()] == [2]


def test_an_entry_whose_predecessor_is_gone_follows_on_nothing(bench: Bench) -> None:
    three(bench)
    entry(bench, 1).unlink()
    (told,) = recover(bench)
    assert "version 2" in told and "the entry before it is gone" in told
    assert [r[0] for r in bench.rows()] == [0]


def test_a_torn_entry_with_others_behind_it_is_refused_and_nothing_changes(bench: Bench) -> None:
    three(bench)
    entry(bench, 1).write_bytes(b"")
    with pytest.raises(LakeError, match=r"committed since needs it.*fsck"):
        recover(bench)
    assert recovery.set_aside(bench.lake) == [] and entry(bench, 2).exists()


def test_a_version_that_a_release_names_is_never_set_aside(bench: Bench) -> None:
    three(bench)
    snapshot = bench.lake.snapshot(DATASET)
    assert snapshot is not None
    ReleaseStore(bench.lake).publish(None, {DATASET: (snapshot, "g")}, run_id="r")
    entry(bench, 2).write_bytes(b"")
    with pytest.raises(LakeError, match=r"release 1 names it.*backup"):
        recover(bench)
    assert entry(bench, 2).exists() and recovery.set_aside(bench.lake) == []


def test_a_version_that_the_ledger_names_is_never_set_aside(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(bench)
    asked: list[str] = []

    def rows(lake: object, con: object, name: str, where: str, **_: object) -> list[dict[str, str]]:
        asked.append(where)
        return [{"batch_id": "b7"}]

    monkeypatch.setattr(ledger, "rows", rows)
    entry(bench, 2).write_bytes(b"")
    with pytest.raises(LakeError, match=r"the ledger \(batch b7\) names it"):
        recover(bench)
    assert asked == [f"dataset = '{DATASET}' AND version >= 2"]
    assert entry(bench, 2).exists()


def test_an_entry_that_was_written_whole_and_changed_is_never_set_aside(bench: Bench) -> None:
    three(bench)
    whole = entry(bench, 2).read_bytes()
    for damaged in (whole.replace(b'"numRecords\\":1', b'"numRecords\\":9'), cut_at_a_line(whole)):
        assert damaged != whole
        entry(bench, 2).write_bytes(damaged)
        with pytest.raises(LakeError, match=r"is not what was written.*fsck"):
            recover(bench)
        assert entry(bench, 2).exists() and recovery.set_aside(bench.lake) == []


@pytest.mark.parametrize("told", [False, True], ids=["nobody was told", "the batch was committed"])
def test_refused_rows_of_a_batch_that_was_committed_are_never_set_aside(
    bench: Bench, told: bool
) -> None:
    for number in range(2):
        meta = bench.meta(read=2, published=1, quarantined=1)
        commit(bench.lake, DATASET, base=bench.lake.snapshot(DATASET, quarantine=True),
               columns=COLUMNS, add=bench.staged([(number, DAY, "no", 0, 0)]), remove=(),
               meta=dataclasses.replace(meta, kind="quarantine", read=1, quarantined=0),
               quarantine=True)  # fmt: skip
        if number == 0 or told:
            commit(bench.lake, DATASET, base=bench.lake.snapshot(DATASET), columns=COLUMNS,
                   add=bench.staged([(number, DAY, "yes", 0, 0)]), remove=(), meta=meta)  # fmt: skip
    newest = bench.lake.root / f"{KEY}__quarantine/_delta_log/{1:020d}.json"
    newest.write_bytes(b"")
    if told:
        with pytest.raises(LakeError, match=f"batch {meta.batch_id} names it"):
            recover(bench)
        assert newest.exists()
    else:
        assert len(recover(bench)) == 1 and not newest.exists()


def test_a_table_without_a_contract_stops_nobody(bench: Bench) -> None:
    three(bench)
    entry(bench, 1).write_bytes(b"")
    assert recovery.recover(bench.lake, bench.con, {}, thorough=True) == []
    assert entry(bench, 2).exists()


def test_what_another_library_left_torn_is_set_aside(bench: Bench) -> None:
    place = str(bench.lake.root / KEY)
    for number in range(3):
        write_deltalake(place, pa.table({"id": [number]}), mode="append")
    newest = entry(bench, 2)
    newest.write_bytes(newest.read_bytes()[:-30])
    assert len(recover(bench)) == 1
    assert DeltaTable(place).to_pyarrow_table().num_rows == 2


def summed_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("headgate.lake.checkpoint.EVERY", 2)
    for number in range(6):
        bench.merge([(number, DAY, "a", number, 0)])
    return log(bench)


@pytest.mark.parametrize("keep", [0, 4, 600])
def test_a_broken_checkpoint_is_set_aside_where_the_entries_suffice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, keep: int
) -> None:
    summary = summed_up(bench, monkeypatch) / f"{4:020d}.checkpoint.parquet"
    summary.write_bytes(summary.read_bytes()[:keep])
    told = recover(bench)
    assert [
        name in text for name, text in zip(("checkpoint", "_last_checkpoint"), told, strict=True)
    ]
    assert not summary.exists()
    assert [r[0] for r in bench.rows()] == list(range(6))


def test_a_broken_checkpoint_that_is_needed_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = summed_up(bench, monkeypatch)
    for version in range(4):
        entry(bench, version).unlink()
    (folder / f"{2:020d}.checkpoint.parquet").unlink()
    summary = folder / f"{4:020d}.checkpoint.parquet"
    summary.write_bytes(b"PAR1")
    with pytest.raises(LakeError, match=r"checkpoint.*needs it"):
        recover(bench)
    assert summary.exists()


@pytest.mark.parametrize("text", [b"", b"{", b'{"version": 9, "size": 1}', b"\0" * 80])
def test_a_broken_pointer_to_the_checkpoint_is_set_aside(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    pointer = summed_up(bench, monkeypatch) / "_last_checkpoint"
    pointer.write_bytes(text)
    assert len(recover(bench)) == 1
    assert not pointer.exists()
    assert [r[0] for r in bench.rows()] == list(range(6))


def test_a_lake_is_looked_at_closely_once_after_each_start_of_the_machine(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[bool] = []
    monkeypatch.setattr(recovery, "boot_id", lambda: "one")
    monkeypatch.setattr(recovery, "recover", lambda *_, thorough: looked.append(thorough) or [])
    for boot, died in (("one", False), ("one", False), ("one", True), ("two", False)):
        monkeypatch.setattr(recovery, "boot_id", lambda boot=boot: boot)
        recovery.before_a_run(bench.lake, bench.con, CONTRACTS, died=died)
    assert looked == [True, False, True, True]


def test_what_a_dead_run_left_unsynced_is_synced(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(bench)
    synced: set[str] = set()
    for name in ("sync_file", "sync_folder"):
        monkeypatch.setattr(
            recovery, name, lambda path: synced.add(str(path.relative_to(bench.lake.root.parent)))
        )
    recovery.before_a_run(bench.lake, bench.con, CONTRACTS, died=False)
    assert not synced
    recovery.before_a_run(bench.lake, bench.con, CONTRACTS, died=True)
    log_folder = f"lake/{KEY}/_delta_log"
    assert {".", "lake", "lake/bronze", "lake/bronze/test", f"lake/{KEY}", log_folder} <= synced
    assert f"{log_folder}/{2:020d}.json" in synced
