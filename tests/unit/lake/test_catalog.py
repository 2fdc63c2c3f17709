"""The catalogue: made of the one before by its differences, it shows what one made whole shows."""

from __future__ import annotations

import datetime as dt
import os

import duckdb
import pytest

from headgate.lake import catalog
from headgate.lake.commit import commit
from headgate.lake.release import Release
from headgate.lake.snapshot import Snapshot

from .conftest import COLUMNS, Bench

NAMES = ("bronze.test.one", "bronze.test.two", "gold.test.three")


def put(bench: Bench, dataset: str, number: int) -> Snapshot:
    staged = bench.staged([(number, dt.date(2024, 1, 1), "a", 1, 0)])
    base = bench.lake.snapshot(dataset)
    return commit(bench.lake, dataset, base=base, columns=COLUMNS, add=staged,
                  remove=base.files if base else (), meta=bench.meta(dataset=dataset), key=("id",))  # fmt: skip


def release(number: int) -> Release:
    return Release(number, None, "r", "publish", dt.datetime(2024, 1, number, tzinfo=dt.UTC))


def shown(bench: Bench) -> dict[str, object]:
    """Every view with its rows."""
    path = str(bench.lake.root / catalog.FILE_NAME)
    with duckdb.connect(path, read_only=True) as con:
        views = con.execute(
            "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
        return {name: con.execute(f"FROM {name}").fetchall() for (name,) in views}


def test_differences_make_what_a_whole_catalogue_is(bench: Bench) -> None:
    first = {d: put(bench, d, n) for n, d in enumerate(NAMES)}
    catalog.write(bench.lake, release(1), first, None)
    assert catalog.shown(bench.lake) == catalog.Shown(1, ours=True)
    moved = put(bench, NAMES[0], 7)
    catalog.write(bench.lake, release(2), {NAMES[0]: moved}, [NAMES[2]])
    by_differences = shown(bench)
    catalog.write(bench.lake, release(2), {NAMES[0]: moved, NAMES[1]: first[NAMES[1]]}, None)
    assert by_differences == shown(bench)
    assert set(by_differences) == {
        "bronze_test.one", "bronze_test.two", "main.headgate_release"
    }  # fmt: skip
    assert [r[0] for r in by_differences["bronze_test.one"]] == [7]  # type: ignore[attr-defined]


@pytest.mark.parametrize("what", ["touched", "moved", "note torn", "note gone"])
def test_a_catalogue_that_is_not_the_noted_one_is_looked_into(bench: Bench, what: str) -> None:
    catalog.write(bench.lake, release(3), {NAMES[0]: put(bench, NAMES[0], 1)}, None)
    path, note = bench.lake.root / catalog.FILE_NAME, bench.lake.root / catalog.NOTE
    if what == "touched":
        os.utime(path, ns=(1, 1))
    elif what == "moved":
        bench.lake.root.rename(bench.lake.root.with_name("elsewhere"))
        bench.lake.root = bench.lake.storage.root = bench.lake.root.with_name("elsewhere")  # type: ignore[attr-defined]
    elif what == "note torn":
        note.write_text(note.read_text()[:20])
    else:
        note.unlink()
    assert catalog.shown(bench.lake) == catalog.Shown(3, ours=False)


def test_no_catalogue_shows_nothing(bench: Bench) -> None:
    assert catalog.shown(bench.lake) is None
    (bench.lake.root / catalog.FILE_NAME).write_bytes(b"torn")
    assert catalog.shown(bench.lake) is None
