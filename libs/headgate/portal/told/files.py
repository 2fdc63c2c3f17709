"""The files that one commit put into a table, as its log entry names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headgate.core import json as hjson
from headgate.lake.lake import log_key

if TYPE_CHECKING:
    from headgate.portal.told.asking import Asking

#: Files that a page lists.
_MOST = 200


@dataclass(frozen=True)
class File:
    """One file: its path below the table, its size, and its rows if the log says them."""

    path: str
    bytes: int
    rows: int | None


@dataclass(frozen=True)
class Files:
    """What a commit added (the first 200), how many files it added and how many it removed."""

    added: tuple[File, ...]
    count: int
    removed: int


def of_version(asking: Asking, dataset: str, version: int | None) -> Files | None:
    """The files of a commit; None where there was none, or its log entry is cleaned away."""
    if version is None:
        return None
    lake = asking.lake
    entry = lake.storage.read(log_key(lake.key(dataset), version))
    if entry is None:
        return None
    added: list[File] = []
    count = removed = 0
    for line in entry.splitlines():
        if line.startswith(b'{"remove"'):
            removed += 1
        elif line.startswith(b'{"add"'):
            count += 1
            if len(added) < _MOST:
                told = hjson.loads(line)["add"]
                stats = hjson.loads(told["stats"]) if told.get("stats") else {}
                rows = stats.get("numRecords")
                added.append(
                    File(told["path"], int(told["size"]), None if rows is None else int(rows))
                )
    return Files(tuple(added), count, removed)
