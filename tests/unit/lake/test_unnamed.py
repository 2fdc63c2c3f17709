"""Which data files something names: nothing that a version, release or catalogue reads is free."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from headgate.core.errors import LakeError
from headgate.lake import catalog, unnamed
from headgate.lake.merge import Plan
from headgate.lake.release import ReleaseStore
from headgate.lake.snapshot import Snapshot

from .conftest import DATASET, Bench

TABLE = "bronze/test/things"
AGES = timedelta(days=3)


def rows(bench: Bench, *ids: int) -> Snapshot:
    """A version that has exactly these rows, in a file of its own."""
    base = bench.lake.snapshot(DATASET)
    staged = bench.staged([(i, None, "a", 1, 0) for i in ids])
    return bench.write(Plan(tuple(staged), base.files if base else (), len(ids)), base)


def orphan(bench: Bench, name: str, age: timedelta) -> Path:
    path = bench.lake.root / TABLE / name
    path.write_bytes(b"not named")
    then = path.stat().st_mtime - age.total_seconds()
    os.utime(path, (then, then))
    return path


def names_of(snapshot: Snapshot) -> set[str]:
    return {f.path for f in snapshot.files}


def test_what_any_version_had_is_named(bench: Bench) -> None:
    first, second = rows(bench, 1), rows(bench, 2)
    assert unnamed.named(bench.lake, TABLE) == names_of(first) | names_of(second)
    assert unnamed.names(bench.lake, TABLE).gone == frozenset()


def test_what_lies_there_without_a_name_is_told_once_it_is_old(bench: Bench) -> None:
    rows(bench, 1)
    old = orphan(bench, "part-old.parquet", timedelta(days=4))
    orphan(bench, "part-young.parquet", timedelta(days=2))
    orphan(bench, "notes.txt", timedelta(days=9))
    found = unnamed.unnamed(bench.lake, TABLE, older_than=AGES)
    assert [(f.path, f.size) for f in found] == [(f"{TABLE}/{old.name}", len(b"not named"))]


def test_checkpoints_name_files_whose_entries_are_gone(bench: Bench) -> None:
    first, second = rows(bench, 1), rows(bench, 2)
    table = bench.lake.table(TABLE)
    table.create_checkpoint()
    log = bench.lake.root / TABLE / "_delta_log"
    for version in (0, 1):
        (log / f"{version:020d}.json").unlink()
    found = unnamed.names(bench.lake, TABLE)
    assert found.needed == names_of(second)
    assert names_of(first) <= found.gone  # the checkpoint says that it was removed


def test_releases_and_the_catalogue_keep_files_that_no_log_names(bench: Bench) -> None:
    snapshot = rows(bench, 1)
    released = ReleaseStore(bench.lake).publish(None, {DATASET: (snapshot, "test")}, run_id="t")
    catalog.write(bench.lake, released, {DATASET: snapshot}, None)
    for path in (bench.lake.root / TABLE / "_delta_log").iterdir():
        path.unlink()
    assert unnamed.named(bench.lake, TABLE) == names_of(snapshot)

    (bench.lake.root / "_releases" / f"{released.id:020d}.json").unlink()
    assert unnamed.pins(bench.lake) == {TABLE: names_of(snapshot)}  # by the catalogue's view
    (bench.lake.root / "catalog.duckdb").unlink()
    assert unnamed.named(bench.lake, TABLE) == set()


@pytest.mark.parametrize("damage", ["empty", "cut", "no JSON"])
def test_nothing_is_free_while_an_entry_cannot_be_read(bench: Bench, damage: str) -> None:
    rows(bench, 1)
    entry = bench.lake.root / TABLE / "_delta_log" / f"{0:020d}.json"
    data = entry.read_bytes()
    entry.write_bytes({"empty": b"", "cut": data[: len(data) // 2], "no JSON": b"\0" * 99}[damage])
    with pytest.raises(LakeError, match="nobody knows which files it names"):
        unnamed.unnamed(bench.lake, TABLE, older_than=AGES)


def test_a_catalogue_that_cannot_be_read_frees_nothing(bench: Bench) -> None:
    rows(bench, 1)
    (bench.lake.root / "catalog.duckdb").write_bytes(b"no database")
    with pytest.raises(LakeError, match="nobody knows which files it shows"):
        unnamed.named(bench.lake, TABLE)


def test_every_table_that_lies_there_is_found(bench: Bench) -> None:
    rows(bench, 1)
    assert unnamed.tables(bench.lake) == [TABLE]
