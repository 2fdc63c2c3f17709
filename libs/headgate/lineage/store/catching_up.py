"""Bringing the store up to files of events: only what was added since, and half a line is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from headgate.core import collecting
from headgate.core import json as hjson
from headgate.lineage.store import instants, positions, tables
from headgate.lineage.store.opening import Store
from headgate.lineage.store.taking import Refused, Taken, told_by, write

#: So many events, or bytes of them, are taken in one transaction.
_EVENTS, _BYTES = 500, 8 * 1024 * 1024


@dataclass
class _Batch:
    """Whole lines from a file: events with where each line began, up to ``end``."""

    events: list[Any] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    end: int = 0
    size: int = 0


def catch_up(
    store: Store,
    files: Sequence[Path],
    *,
    lake: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Taken:
    """Take what files of events hold beyond what was taken of them; twice is once.

    A file that does not exist has none; one that is another than before is taken from its start.
    Lines that are no event are refused, with the place in the file as index.

    Args:
        store: where to.
        files: of one event a line.
        lake: the lake whose files they are.
        progress: told how many bytes more are taken.

    Raises:
        LakeError: the store is broken, busy or out of reach.
        OSError: a file cannot be read.
    """
    found = [_take(store, path, lake, progress) for path in files if path.exists()]
    return Taken(
        sum(one.accepted for one in found),
        tuple(index for one in found for index in one.repeats),
        tuple(refused for one in found for refused in one.refused),
    )


def behind(store: Store, files: Sequence[Path]) -> int:
    """How many bytes of the files are not taken yet."""
    total = 0
    for path in files:
        if path.exists():
            with path.open("rb") as file:
                total += path.stat().st_size - _begin(store, path, file)
    return total


def _take(
    store: Store, path: Path, lake: str | None, progress: Callable[[int], None] | None
) -> Taken:
    accepted, repeats = 0, []
    refused: list[Refused] = []
    with path.open("rb") as file, collecting.seldom():
        for batch in _batches(file, _begin(store, path, file)):
            told, wrong = told_by(batch.events, lake)
            mark = {"path": positions.name(path), "size": batch.end}
            mark["tail"] = positions.tail(file, batch.end)

            def also(connection: sa.Connection, mark: dict[str, Any] = mark) -> None:
                row = tables.taken_file
                connection.execute(row.delete().where(row.c.path == mark["path"]))
                connection.execute(row.insert(), mark)

            again = write(store, told, received_at=instants.now(), lake=lake, also=also)
            if progress:
                progress(batch.size)
            accepted += len(told) - len(again)
            repeats += [batch.places[index] for index in again]
            refused += [Refused(batch.places[one.index], one.place, one.why) for one in wrong]
    return Taken(accepted, tuple(repeats), tuple(refused))


def _begin(store: Store, path: Path, file: IO[bytes]) -> int:
    """Up to where the file was taken; its start, if it is another one now."""
    row = tables.taken_file.c
    with store.reading() as connection:
        query = sa.select(row.size, row.tail).where(row.path == positions.name(path))
        found = connection.execute(query).first()
    if found is None or positions.tail(file, found.size) != found.tail:
        return 0
    return int(found.size)


def _batches(file: IO[bytes], start: int) -> Iterator[_Batch]:
    batch = _Batch(end=start)
    place = start
    while True:
        file.seek(place)
        line = file.readline()
        if not line.endswith(b"\n"):
            break  # half a line; the rest of it may come
        begun, place = place, place + len(line)
        batch.end, batch.size = place, batch.size + len(line)
        if line.strip():
            try:
                batch.events.append(hjson.loads(line))
            except (ValueError, RecursionError):
                batch.events.append(None)  # refused as no object, with its place
            batch.places.append(begun)
        if len(batch.events) >= _EVENTS or batch.size >= _BYTES:
            yield batch
            batch = _Batch(end=place)
    if batch.end > start and batch.size:
        yield batch
