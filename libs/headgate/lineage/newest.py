"""The newest event that says what each dataset is made from, found in a file of many without reading all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from headgate.core import clock
from headgate.core import json as hjson
from headgate.lineage import names

#: The beginning of a line that is written here: keys are sorted, so what state it is of comes soon.
_HEAD = re.compile(rb'\{"eventTime":"[^"\\]*","eventType":"([A-Z]+)",')
#: Where it names its job, which is followed by what it wrote; in texts the quotes are escaped.
_JOB = re.compile(rb'"name":"([^"\\]*)","namespace":"[^"\\]*"\},"outputs":')
_COMPLETE = b"COMPLETE"
#: Of our jobs, those that say what a dataset is made from, and those that look up other datasets.
_MAKING = (names.INGEST, names.BUILD)
_LOOKING_UP = names.GATE
_ENDINGS = tuple(f".{kind}".encode() for kind in (*_MAKING, _LOOKING_UP))


def events(path: Path, *, until: datetime | None = None) -> list[dict[str, Any]]:
    """The newest COMPLETE event of each job that says what its outputs are made from.

    In the order written. Of a dataset of ours only one job makes it, the newest to have done so;
    its gate may come besides. Lines of other producers are read too. A file that does not exist
    has none; half a line, of a crash, is skipped.

    Args:
        path: the lineage file.
        until: take no event that is later.
    """
    newest: dict[str, bytes] = {}
    for key, line in _lines(path):
        if until is None or _at(line) <= until:
            # Taken out first, so that it is put in at the end: the order is of the newest.
            newest.pop(key, None)
            newest[key] = line
    return [event for line in newest.values() for event in _whole(line)]


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Lines that may count, each with what a later one of the same replaces."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            head = _HEAD.match(line)
            if head is None:
                yield from _foreign(line)
            elif head[1] == _COMPLETE and (job := _JOB.search(line)):
                if job[1].endswith(_ENDINGS):
                    yield _key(job[1].decode()), line
                elif b'"namespace":"headgate://' not in job[0]:
                    yield from _foreign(line)


def _key(job: str) -> str:
    dataset, _, kind = job.rpartition(".")
    return f"{dataset} looked up" if kind == _LOOKING_UP else f"{dataset} made"


def _foreign(line: bytes) -> Iterator[tuple[str, bytes]]:
    """An event that somebody else wrote, if it is a whole one and tells of an end."""
    for event in _whole(line):
        job = event.get("job")
        if event.get("eventType") == "COMPLETE" and isinstance(job, dict):
            name, namespace = str(job.get("name")), str(job.get("namespace"))
            if names.lake_of(namespace) is None:
                yield f"{namespace} {name}", line
            elif name.encode().endswith(_ENDINGS):
                yield _key(name), line


def _at(line: bytes) -> datetime:
    return clock.parse_iso(str(hjson.loads(line)["eventTime"]))


def _whole(line: bytes) -> Iterator[dict[str, Any]]:
    try:
        found = hjson.loads(line)
    except ValueError:
        return
    if isinstance(found, dict):
        yield found
