"""The newest event that says what each dataset is made from, found in a file of many without parsing all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.core.cache import Cache
from headgate.core.errors import UsageError
from headgate.lineage import names
from headgate.lineage.log import whole

#: The beginning of a line that is written here: keys are sorted, so what state it is of comes soon.
_HEAD = re.compile(rb'\{"eventTime":"[^"\\]*","eventType":"([A-Z]+)",')
#: Where it names its job, which is followed by what it wrote; in texts the quotes are escaped.
_JOB = re.compile(rb'"name":"([^"\\]*)","namespace":"([^"\\]*)"\},"outputs":')
_COMPLETE = b"COMPLETE"
#: Of our jobs, those that say what a dataset is made from, and the one that looks up other datasets.
_MAKING = (names.INGEST, names.BUILD)
_LOOKING_UP = names.GATE
_ENDINGS = tuple(f".{kind}".encode() for kind in (*_MAKING, _LOOKING_UP))
_KIND = "lineage_index"
#: So many bytes before its end tell whether a file still begins with what was read of it.
_TAIL = 512


@dataclass
class _Index:
    """Where the lines that count begin, by what a later one of the same replaces; ``size`` bytes
    of the file were read, and ``tail`` is a digest of the last of those."""

    size: int = 0
    tail: str = ""
    places: dict[str, int] = field(default_factory=dict)


def events(
    path: Path, *, until: datetime | None = None, kept: Cache | None = None
) -> list[dict[str, Any]]:
    """The newest COMPLETE event of each job that says what its outputs are made from.

    In the order written. Of a dataset of ours only one job makes it, the newest to have done so;
    its gate may come besides. Lines of other producers are read too. A file that does not exist
    has none; half a line, of a crash, is skipped.

    Args:
        path: the lineage file.
        until: take no event that is later.
        kept: where it is kept how far the file was read, so that only what is new is read.
    """
    if not path.exists():
        return []
    with path.open("rb") as file:
        key = ids.digest(str(path.resolve()))
        index = _kept(file, kept, key) if until is None else _Index()
        before = index.size
        for name, place, line in _lines(file, index):
            if until is None or _at(line) <= until:
                # Taken out first, so that it is put in at the end: the order is of the newest.
                index.places.pop(name, None)
                index.places[name] = place
        if kept is not None and until is None and index.size != before:
            kept.put(_KIND, {key: hjson.dumps([index.size, _tail(file, index.size), [*index.places.items()]])})  # fmt: skip
        return [event for place in index.places.values() for event in whole(_line(file, place))]


def _kept(file: IO[bytes], kept: Cache | None, key: str) -> _Index:
    """How far the file was read before; not at all, if it is another one now."""
    text = kept.get(_KIND, [key]).get(key) if kept is not None else None
    if text is None:
        return _Index()
    size, tail, places = hjson.loads(text)
    return _Index(size, tail, dict(places)) if _tail(file, size) == tail else _Index()


def _tail(file: IO[bytes], size: int) -> str:
    start = max(0, size - _TAIL)
    file.seek(start)
    return ids.digest(file.read(size - start))


def _line(file: IO[bytes], place: int) -> bytes:
    file.seek(place)
    return file.readline()


def _lines(file: IO[bytes], index: _Index) -> Iterator[tuple[str, int, bytes]]:
    """Whole lines from where the index ends that may count: what each tells of, and its place."""
    file.seek(index.size)
    for line in file:
        if not line.endswith(b"\n"):
            return  # half a line; the rest of it may come
        place, index.size = index.size, index.size + len(line)
        head = _HEAD.match(line)
        job = _JOB.search(line) if head and head[1] == _COMPLETE else None
        if head is None or (job and not job[2].startswith(b"headgate://")):
            yield from ((name, place, line) for name in _foreign(line))
        elif job and job[1].endswith(_ENDINGS):
            yield _name(job[1].decode()), place, line


def _name(job: str) -> str:
    dataset, _, kind = job.rpartition(".")
    return f"{dataset} looked up" if kind == _LOOKING_UP else f"{dataset} made"


def _foreign(line: bytes) -> Iterator[str]:
    """Of an event that somebody else wrote, or wrote otherwise: what it tells of, if of an end."""
    for event in whole(line):
        job = event.get("job")
        if event.get("eventType") == "COMPLETE" and isinstance(job, dict):
            name, namespace = str(job.get("name")), str(job.get("namespace"))
            if names.lake_of(namespace) is None:
                yield f"{namespace} {name}"
            elif _ours(name):
                yield _name(name)


def _ours(job: str) -> bool:
    """Whether a job of a lake's namespace is one of ours that counts, and no scheduler's task."""
    try:
        return names.parse_job(job)[0] in (*_MAKING, _LOOKING_UP)
    except UsageError:
        return False


def _at(line: bytes) -> datetime:
    return clock.parse_iso(str(hjson.loads(line)["eventTime"]))
