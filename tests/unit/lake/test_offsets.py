"""Positions of streams: kept in the log entry of the rows, read back, and demanded before a commit."""

from __future__ import annotations

from pathlib import Path

import pytest
from deltalake import DeltaTable

from headgate.lake import checkpoint, offsets, streams
from headgate.lake.commit import commit
from headgate.lake.lake import HELD, STAGING, Lake
from headgate.lake.offsets import OvertakenError, Span
from headgate.lake.snapshot import Snapshot, app_id

from .conftest import COLUMNS, DATASET, Bench

PLACES = ("t/0", "t/1")


def append(bench: Bench, base: Snapshot | None, spans: dict[str, Span], number: int) -> Snapshot:
    """A row, and how far a stream came with it."""
    return commit(
        bench.lake, DATASET, base=base, columns=COLUMNS, add=bench.staged([(number, None, None, 1, 0)]),
        remove=(), meta=bench.meta(read=1, published=1), key=("id",), spans=spans,
    )  # fmt: skip


def test_positions_are_in_the_entry_of_their_rows_and_any_reader_finds_them(bench: Bench) -> None:
    first = append(bench, None, {"t/0": Span(None, 5)}, 1)
    append(bench, first, {"t/0": Span(5, 9), "t/1": Span(None, 2)}, 2)
    lake = Lake(bench.lake.settings)
    snapshot = lake.snapshot(DATASET)
    assert offsets.read(lake, DATASET, snapshot, ["t/0", "t/1", "t/2"]) == {"t/0": 9, "t/1": 2}
    assert offsets.read(lake, DATASET, lake.snapshot(DATASET, 0), PLACES) == {"t/0": 5}
    table = DeltaTable(bench.lake.root / bench.lake.key(DATASET))
    assert table.transaction_version(app_id(DATASET, "t/0")) == 9
    assert table.transaction_version(app_id(DATASET)) == 2


def test_they_are_read_from_a_checkpoint_where_the_log_was_cut(bench: Bench) -> None:
    snapshot = None
    for number in range(4):
        before = number * 10 or None
        snapshot = append(bench, snapshot, {"t/0": Span(before, (number + 1) * 10)}, number)
    assert snapshot is not None
    checkpoint.write(bench.lake, bench.lake.key(DATASET), 3, "run")
    log = bench.lake.root / bench.lake.key(DATASET) / "_delta_log"
    for version in range(3):
        (log / f"{version:020d}.json").unlink()
    lake = Lake(bench.lake.settings)
    assert offsets.read(lake, DATASET, lake.snapshot(DATASET), PLACES) == {"t/0": 40}


@pytest.mark.parametrize(
    "spans",
    [
        {"t/0": Span(None, 9)},
        {"t/0": Span(4, 9)},
        {"t/0": Span(6, 9)},
        {"t/1": Span(0, 3)},
        {"t/0": Span(5, 4)},
        {"t/0": Span(5, 9), "t/1": Span(2, 3)},
    ],
)
def test_who_begins_elsewhere_than_the_table_stands_commits_nothing(
    bench: Bench, spans: dict[str, Span]
) -> None:
    base = append(bench, None, {"t/0": Span(None, 5)}, 1)
    with pytest.raises(OvertakenError, match="t/"):
        append(bench, base, spans, 2)
    snapshot = bench.lake.snapshot(DATASET)
    assert snapshot is not None
    assert (snapshot.version, snapshot.rows) == (0, 1)


def test_staging_is_kept_while_its_stream_lives(bench: Bench) -> None:
    lake = bench.lake
    dead = lake.staging("dead")
    (dead / HELD).touch()
    with lake.holding_staging("alive") as folder:
        (folder / "part").touch()
        lake.sweep_staging()
        assert (folder / "part").exists()
        assert not dead.exists()
    assert not (lake.root / STAGING / "alive").exists()


def test_who_died_taking_a_stream_is_known_until_somebody_looked(
    bench: Bench, tmp_path: Path
) -> None:
    root = bench.lake.root
    with streams.hold(bench.lake, DATASET, PLACES, "one") as died:
        assert not died
        assert {(h.place, h.alive) for h in streams.all_held(root)} == {
            ("t/0", True),
            ("t/1", True),
        }
        assert streams.living(root) == {DATASET}
    assert streams.all_held(root) == []
    with pytest.raises(ZeroDivisionError), streams.hold(bench.lake, DATASET, PLACES[:1], "two"):
        raise ZeroDivisionError
    assert [(h.run_id, h.alive) for h in streams.all_held(root)] == [("two", False)]
    with streams.hold(bench.lake, DATASET, PLACES, "three") as died:
        assert died
        streams.forget_dead(root)
        assert len(streams.all_held(root)) == 2  # those who live are not forgotten
    assert streams.living(root) == frozenset()
