"""A store that is a file, built anew from events, under those who have it open."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from headgate.core.errors import LakeBusyError, LakeError
from headgate.lineage.store import tables
from headgate.lineage.store.catching_up import catch_up
from headgate.lineage.store.edition import EPOCH
from headgate.lineage.store.fetching import PlainStore, fetching
from headgate.lineage.store.opening import Store, open_store
from headgate.lineage.store.packing import unpacked
from headgate.lineage.store.taking import told_by, write

_AT_ONCE = 500
#: What does not follow from events.
_KEPT = ("token",)


@dataclass(frozen=True)
class Anew:
    """What a store was built from: how many events, how many of those were in no file; and what the
    old store had and could not give."""

    events: int
    posted: int
    lost: str


def build(
    path: Path,
    files: Sequence[Path],
    *,
    lake: str | None,
    progress: Callable[[int], None] | None = None,
) -> Anew:
    """Build the store at a path anew: from the files of events, and from those events that it has
    besides. Others may read and write it until it is done, and go on then.

    Raises:
        LakeBusyError: others write it all the time.
        LakeError: it cannot be written.
        OSError: a file cannot be read, or the store not be replaced.
    """
    fresh_path = path.with_name(f"{path.name}.new")
    _remove(fresh_path)
    old, was_there = _readable(path), path.exists()
    fresh = open_store(fresh_path)
    try:
        _number_from(fresh, old)
        catch_up(fresh, files, lake=lake, progress=progress)
        posted, refused = 0, set[bytes]()
        while old is not None:
            posted += _take_over(old, fresh, refused, lake)
            if _filled(path, fresh_path, len(refused)):
                break
        events = _count(fresh)
    finally:
        fresh.close()
    if old is None:
        _remove(path)
        os.replace(fresh_path, path)
    _remove(fresh_path)
    lost = "what was posted, and tokens" if old is None and was_there else ""
    return Anew(events, posted, lost)


def _readable(path: Path) -> PlainStore | None:
    """The store as it is, brought to this edition; None if there is none that can be read."""
    if not path.exists():
        return None
    try:
        open_store(path).close()
        store = PlainStore(path)
        with fetching(store) as fetch:
            fetch("PRAGMA quick_check")
            return store
    except LakeBusyError:
        raise
    except LakeError:
        return None


def _number_from(fresh: Store, old: PlainStore | None) -> None:
    """Have revisions begin so far below the old ones that whoever has the store open sees that what
    is remembered of it no longer holds."""
    before = 0
    if old is not None:
        with fetching(old) as fetch:
            before = min(0, int(fetch("SELECT revision FROM state")[0][0]))
    with fresh.writing() as connection:
        connection.execute(tables.state.update().values(revision=before // EPOCH * EPOCH - EPOCH))


def _take_over(old: PlainStore, fresh: Store, refused: set[bytes], lake: str | None) -> int:
    """Take the old store's events that the fresh one lacks."""
    count = 0
    for rows in _portions(old):
        with fetching(fresh) as fetch:
            marks = ", ".join(f"x'{bytes(row[1]).hex()}'" for row in rows)
            known = {
                bytes(r[0]) for r in fetch(f"SELECT digest FROM event WHERE digest IN ({marks})")
            }
        missing = [r for r in rows if bytes(r[1]) not in known and bytes(r[1]) not in refused]
        for received_at, group in groupby(missing, key=lambda row: int(row[3])):
            some = list(group)
            told, wrong = told_by((unpacked(row[2]) for row in some), lake)
            refused.update(bytes(some[one.index][1]) for one in wrong)
            if told:
                write(fresh, told, received_at=received_at, lake=lake)
            count += len(told)
    return count


def _portions(old: PlainStore) -> Iterator[list[Any]]:
    last = -1
    while True:
        with fetching(old) as fetch:
            rows = fetch(
                "SELECT id, digest, body, received_at FROM event WHERE id > :last ORDER BY id LIMIT :n",
                last=last, n=_AT_ONCE,
            )  # fmt: skip
        if not rows:
            return
        last = rows[-1][0]
        yield rows


def _filled(path: Path, fresh: Path, refused: int) -> bool:
    """Put the fresh store's rows in the place of the old one's, unless it has taken more meanwhile."""
    derived = [t.name for t in tables.metadata.sorted_tables if t.name not in _KEPT]
    try:
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("ATTACH ? AS fresh", (str(fresh),))
            connection.execute("BEGIN IMMEDIATE")
            more = connection.execute(
                "SELECT count(*) FROM main.event WHERE digest NOT IN (SELECT digest FROM fresh.event)"
            ).fetchone()[0]
            if more > refused:
                connection.execute("ROLLBACK")
                return False
            for name in reversed(derived):
                connection.execute(f"DELETE FROM main.{name}")
            for name in derived:
                columns = ", ".join(c.name for c in tables.metadata.tables[name].columns)
                connection.execute(
                    f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM fresh.{name}"
                )
            connection.execute("COMMIT")
            return True
    except sqlite3.Error as error:
        raise LakeError(
            f"the lineage store could not be written: {error}.", place=str(path)
        ) from error


def _count(store: Store) -> int:
    with fetching(store) as fetch:
        return int(fetch("SELECT count(*) FROM event")[0][0])


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
