"""The same cuts on tables that stock delta-rs writes: how many commits it told of are lost."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import deltalake
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from tests.reliability.filesystem import crash, journal, mounted
from tests.reliability.filesystem.crash import Disk
from tests.reliability.filesystem.journal import Operation

_COMMITS, _EVERY = 24, 6


@dataclass(frozen=True)
class Stock:
    """What was written, and how many operations and which rows each commit that was told of made."""

    operations: list[Operation]
    told: list[tuple[int, int, list[dict[str, int]]]]


@dataclass
class Figures:
    """Of so many cuts: after how many the table could not be opened or read, and after how many it
    could, and lacked a commit that had been told of."""

    cuts: int = 0
    unreadable: int = 0
    lost: int = 0

    @property
    def well(self) -> int:
        """Cuts after which all that was told of was there."""
        return self.cuts - self.unreadable - self.lost


def record(folder: Path) -> Stock:
    """Appends, merges and checkpoints by delta-rs, each told of when its call returns."""
    told, notes = [], folder / "journal"
    with mounted(folder / "disk", folder / "lake", journal=notes) as disk:
        place = str(folder / "lake" / "table")
        for number in range(_COMMITS):
            rows = pa.table({"id": [number, number + 1000], "n": [number, number]})
            if number % 3 != 2:
                write_deltalake(place, rows, mode="append")
            else:
                _merge(place, pa.table({"id": [number - 1, number + 2000], "n": [-1, -1]}))
            if number % _EVERY == _EVERY - 1:
                DeltaTable(place).create_checkpoint()
            disk.counted()
            told.append((len(journal.read(notes)), DeltaTable(place).version(), _rows(place)))
    return Stock(journal.read(notes), told)


def look(stock: Stock, folder: Path, seeds: list[int]) -> Figures:
    """Cut the power once for each seed, and look whether what was told is there."""
    found, lake = Figures(), folder / "after"
    for seed in seeds:
        chance = random.Random(seed)
        at, way = crash.cuts(stock.operations, chance), chance.choice(list(crash.WAYS))
        disk = Disk()
        for operation in stock.operations[:at]:
            disk.do(operation)
        shutil.rmtree(lake, ignore_errors=True)
        crash.write(disk.after_the_cut(way, chance), lake)
        found.cuts += 1
        told = [t for t in stock.told if t[0] <= at]
        if not told:
            continue
        try:
            place = str(lake / "table")
            version, now = DeltaTable(place).version(), _rows(place)
        except deltalake.exceptions.TableNotFoundError:
            found.lost += 1
            continue
        except (deltalake.exceptions.DeltaError, pa.ArrowException, OSError):
            found.unreadable += 1
            continue
        _, promised, rows = told[-1]
        found.lost += version < promised or (version == promised and now != rows)
    shutil.rmtree(lake, ignore_errors=True)
    return found


def _merge(place: str, rows: pa.Table) -> None:
    table = DeltaTable(place)
    merge = table.merge(rows, "t.id = s.id", source_alias="s", target_alias="t")
    merge.when_matched_update_all().when_not_matched_insert_all().execute()


def _rows(place: str) -> list[dict[str, int]]:
    found = DeltaTable(place).to_pyarrow_table().sort_by("id").to_pylist()
    return [{k: int(v) for k, v in row.items()} for row in found]
