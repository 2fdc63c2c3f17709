"""What lies in a lake that nobody can read any more: superseded data files, orphans, drafts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from headgate.core import clock
from headgate.lake import unnamed
from headgate.lake.lake import Lake
from headgate.lake.unnamed import Unnamed

#: Where recovery and repairs put what they take out of the way.
SET_ASIDE = "_set_aside"
_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#: A file that was being written beside its place by somebody who is gone.
_DRAFT = re.compile(rf"\..+\.{_ID}(\.wal)?|_commit_{_ID}\.json(\.tmp)?")


@dataclass(frozen=True)
class Swept:
    """Files of one table that may go: no version that can be opened has the ``superseded``, and
    nothing names the ``orphans``."""

    key: str
    superseded: tuple[Unnamed, ...]
    orphans: tuple[Unnamed, ...]

    @property
    def names(self) -> list[str]:
        """What they are called in the table's folder."""
        return [f.path.rpartition("/")[2] for f in (*self.superseded, *self.orphans)]


def table(
    lake: Lake,
    key: str,
    pinned: Mapping[str, set[str]],
    *,
    without: Collection[str] = (),
    live: Collection[str] = (),
) -> Swept:
    """The data files of the table at ``key`` that may go; ``pinned`` is what :func:`unnamed.pins` gave.

    ``without`` are files of the log to be imagined as gone, and ``live`` the data files that the
    checkpoint in their place would name.

    Raises:
        LakeError: something that may name files cannot be read, so none may go.
    """
    files = unnamed.data_files(lake, key)  # before the names: see unnamed.unnamed
    found = unnamed.names(lake, key, pinned, without=without)
    needed = {*found.needed, *live}
    before = clock.now() - timedelta(days=lake.settings.orphan_keep_days)
    superseded, orphans = [], []
    for file in files:
        name = file.path.rpartition("/")[2]
        if name in found.gone - needed:
            superseded.append(file)
        elif name not in needed and file.modified <= before:
            orphans.append(file)
    return Swept(key, tuple(superseded), tuple(orphans))


def drafts(lake: Lake) -> list[Unnamed]:
    """Files that somebody was writing who died before they had their names, once they are old."""
    before = clock.now() - timedelta(days=lake.settings.orphan_keep_days)
    return [
        Unnamed(f"{folder}/{o.name}".lstrip("/"), o.size, o.modified)
        for folder in _written(lake)
        for o in lake.storage.objects(folder)
        if _DRAFT.fullmatch(o.name) and o.modified <= before
    ]


def set_aside(lake: Lake) -> list[Unnamed]:
    """What recovery and repairs set aside, once it is old."""
    before = clock.now() - timedelta(days=lake.settings.set_aside_keep_days)
    return [f for f in _below(lake, SET_ASIDE) if f.modified <= before]


def remove(lake: Lake, files: list[Unnamed]) -> None:
    """Remove files wherever they lie in the lake."""
    for folder in sorted({f.path.rpartition("/")[0] for f in files}):
        names = [f.path.rpartition("/")[2] for f in files if f.path.rpartition("/")[0] == folder]
        lake.storage.remove(folder, names)


def _written(lake: Lake) -> Iterator[str]:
    """The folders in which files are written beside their places."""
    yield from ("", "_releases", "_state")
    for folder in ("_contracts", "_code"):
        yield folder
        yield from (f"{folder}/{name}" for name in lake.storage.names(folder))
    for key in unnamed.tables(lake):
        yield from (key, f"{key}/_delta_log")


def _below(lake: Lake, folder: str) -> Iterator[Unnamed]:
    files = lake.storage.objects(folder)
    yield from (Unnamed(f"{folder}/{o.name}", o.size, o.modified) for o in files)
    for name in lake.storage.names(folder):
        if name not in {o.name for o in files}:
            yield from _below(lake, f"{folder}/{name}")
