"""What changed between two versions: rows as they were and as they are, and nothing else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from headgate.lake.changes import changed_rows_sql, earlier
from headgate.lake.merge import Plan, merge_by_key
from headgate.lake.snapshot import Snapshot, relation
from headgate.lake.stage import stage
from tests.unit.lake.conftest import COLUMNS, DATASET, Bench

DAY = dt.date(2024, 1, 1)


def row(number: int, text: str | None, n: int = 0) -> tuple[Any, ...]:
    return number, DAY, text, n, 0


def put(bench: Bench, base: Snapshot | None, *rows: tuple[Any, ...]) -> Snapshot:
    plan = merge_by_key(
        bench.con, base, bench.staged(rows), columns=COLUMNS, key=["id"], order_column=None,
        folder=bench.lake.staging("t"), settings=bench.lake.settings,
    )  # fmt: skip
    return bench.write(plan, base)


def keep(bench: Bench, base: Snapshot, where: str) -> Snapshot:
    rows = f"SELECT * FROM {relation(base.files, COLUMNS)} WHERE {where}"
    files = stage(bench.con, rows, COLUMNS, bench.lake.staging("t"), bench.lake.settings)
    return bench.write(Plan(tuple(files), base.files, 0), base)


def changed(bench: Bench, old: Snapshot | None, new: Snapshot, *columns: str) -> list[Any]:
    return sorted(bench.con.execute(changed_rows_sql(old, new, columns)).fetchall(), key=repr)


def test_rows_that_came_went_or_were_edited_are_told_with_which(bench: Bench) -> None:
    first = put(bench, None, *(row(n, "a") for n in range(5)))
    second = put(bench, first, row(1, "b"), row(7, None))
    third = keep(bench, second, "id <> 4")
    assert changed(bench, first, third, "id", "text") == [
        (1, "a", False), (1, "b", True), (4, "a", False), (7, None, True)
    ]  # fmt: skip
    assert changed(bench, None, second, "id")[:2] == [(0, True), (1, True)]


def test_only_the_columns_asked_for_count(bench: Bench) -> None:
    first = put(bench, None, row(1, "a"), row(2, "a"))
    second = put(bench, first, row(1, "a", n=5))
    assert changed(bench, first, second, "id", "text") == []
    assert changed(bench, first, second, "id", "n") == [(1, 0, False), (1, 5, True)]


def test_rows_in_other_files_did_not_change(bench: Bench) -> None:
    first = put(bench, None, row(1, "a"), row(2, None))
    second = keep(bench, put(bench, first, row(3, "c")), "id <> 3")
    assert {f.path for f in first.files} != {f.path for f in second.files}
    assert changed(bench, first, second, *COLUMNS) == []
    assert changed(bench, second, second, *COLUMNS) == []


def test_a_version_can_be_compared_with_while_its_files_are_there(bench: Bench) -> None:
    first = put(bench, None, row(1, "a"))
    second = keep(bench, first, "TRUE")
    assert earlier(bench.lake, second, DATASET, second.version) is second
    old = earlier(bench.lake, second, DATASET, first.version)
    assert old is not None and old.files == first.files
    assert earlier(bench.lake, second, DATASET, 99) is None
    for file in first.files:
        Path(file.uri).unlink()
    assert earlier(bench.lake, second, DATASET, first.version) is None
