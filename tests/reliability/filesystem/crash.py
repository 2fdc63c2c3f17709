"""What a disk may hold after the power went, from the journal of what was written to it and synced.

What was synced is there: a file's data by fsync of the file, a name by fsync of its folder (the
harsher reading of POSIX: a file's own fsync says nothing of its name). Of the rest anything may be
lost, done, or done in part: data cut at a sector or replaced by zeros, in any order; each name on
its own, except that a rename is done or not. A rename counts as synced with the folder that it leads to.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.reliability.filesystem.journal import Operation

SECTOR, PAGE = 512, 4096
#: How the unsynced part of names and of data comes out. Each is a disk that somebody has.
WAYS = {
    "lost": ("none", "none"),  # a disk that writes late
    "names first": ("all", "none"),  # files of no length
    "zeros": ("all", "zeros"),  # sizes first, data never
    "torn": ("all", "some"),
    "in order": ("first", "some"),  # a journal of names, data whenever
    "any": ("some", "some"),
    "all": ("all", "all"),  # as after a kill
}
#: A file (its inode), a folder (a number of its own) or a symbolic link (where it leads).
Ref = tuple[str, int | str]


@dataclass
class _File:
    durable: bytes = b""
    pending: list[Operation] = field(default_factory=list)


@dataclass
class _Update:
    """Names that one operation changes: folder, name, and what it names then. ``by`` is the folder
    whose sync makes it last."""

    names: tuple[tuple[int, str, Ref | None], ...]
    by: int
    durable: bool = False


class Disk:
    """What was asked of a disk so far, and what of it is sure to last."""

    def __init__(self) -> None:
        self._files: dict[int, _File] = {}
        self._now: dict[int, dict[str, Ref]] = {0: {}}
        self._base: dict[int, dict[str, Ref]] = {0: {}}
        self._updates: list[_Update] = []
        self._folders = 0

    def do(self, found: Operation) -> None:
        """Take one operation of the journal."""
        kind = found.kind
        if kind in ("write", "truncate"):
            self._file(found.inode).pending.append(found)
        elif kind == "fsync":
            file = self._file(found.inode)
            file.durable, file.pending = _applied(file), []
        elif kind == "fsyncdir":
            self._sync(self._folder(found.path))
        elif kind == "file":
            self._files[found.inode] = _File(found.data)
            self._name(found.path, ("file", found.inode), durable=True)
        elif kind in ("mkdir", "folder"):
            self._folders += 1
            self._now[self._folders] = {}
            self._name(found.path, ("folder", self._folders), durable=kind == "folder")
        elif kind == "create":
            self._files[found.inode] = _File()
            self._name(found.path, ("file", found.inode))
        elif kind == "symlink":
            self._name(found.path, ("symlink", found.to))
        elif kind == "link":
            self._name(found.to, self._at(found.path))
        elif kind in ("unlink", "rmdir"):
            self._name(found.path, None)
        elif kind == "rename":
            self._rename(found.path, found.to)
        else:
            raise AssertionError(kind)

    def after_the_cut(self, way: str, chance: random.Random) -> dict[str, bytes | None]:
        """A state that the disk may be in: path to content, or None for a folder."""
        how_names, how_data = WAYS[way]
        first = chance.randint(0, len(self._updates)) if how_names == "first" else 0
        entries = {number: dict(names) for number, names in self._base.items()}
        for position, update in enumerate(self._updates):
            lasts = {"none": False, "all": True, "first": position < first}.get(how_names)
            if lasts is None:
                lasts = chance.random() < 0.5
            if update.durable or lasts:
                _apply(entries, update)
        files: dict[int, bytes] = {}
        found: dict[str, bytes | None] = {}
        for path, ref in _walk(entries, 0, PurePosixPath("/")):
            if ref[0] == "file":
                inode = int(ref[1])
                if inode not in files:
                    files[inode] = _after(self._file(inode), how_data, chance)
                found[path] = files[inode]
            else:
                found[path] = None
        return found

    def _file(self, inode: int) -> _File:
        return self._files[inode]

    def _folder(self, path: str) -> int:
        kind, number = self._at(path)
        assert kind == "folder", path
        return int(number)

    def _at(self, path: str) -> Ref:
        ref: Ref = ("folder", 0)
        for name in PurePosixPath(path).parts[1:]:
            ref = self._now[int(ref[1])][name]
        return ref

    def _name(self, path: str, ref: Ref | None, *, durable: bool = False) -> None:
        folder, name = self._folder(str(PurePosixPath(path).parent)), PurePosixPath(path).name
        self._update(_Update(((folder, name, ref),), folder, durable))

    def _rename(self, old: str, new: str) -> None:
        ref = self._at(old)
        source = self._folder(str(PurePosixPath(old).parent))
        target = self._folder(str(PurePosixPath(new).parent))
        gone = (source, PurePosixPath(old).name, None)
        self._update(_Update((gone, (target, PurePosixPath(new).name, ref)), target))

    def _update(self, update: _Update) -> None:
        _apply(self._now, update)
        self._updates.append(update)
        self._fold()

    def _sync(self, folder: int) -> None:
        for update in self._updates:
            update.durable |= update.by == folder
        self._fold()

    def _fold(self) -> None:
        """What is sure to last, and everything before it too, need not be told apart any more."""
        done = 0
        while done < len(self._updates) and self._updates[done].durable:
            _apply(self._base, self._updates[done])
            done += 1
        del self._updates[:done]


def write(state: dict[str, bytes | None], to: Path) -> None:
    """Make a folder of a state."""
    to.mkdir(parents=True, exist_ok=True)
    for path, data in sorted(state.items()):
        real = to / path.lstrip("/")
        if data is None:
            real.mkdir(parents=True, exist_ok=True)
        else:
            real.parent.mkdir(parents=True, exist_ok=True)
            real.write_bytes(data)


def cuts(operations: Sequence[Operation], chance: random.Random) -> int:
    """A place to cut the power: before the operation of this number; mostly close to a sync."""
    if chance.random() < 0.35:
        return chance.randint(1, len(operations))
    near = [
        n for n, o in enumerate(operations) if o.kind in ("fsync", "fsyncdir", "link", "rename")
    ]
    return min(max(chance.choice(near) + chance.choice((0, 0, 1, 1, 2)), 1), len(operations))


def _apply(entries: dict[int, dict[str, Ref]], update: _Update) -> None:
    for folder, name, ref in update.names:
        names = entries.setdefault(folder, {})
        if ref is None:
            names.pop(name, None)
        else:
            names[name] = ref


def _walk(
    entries: dict[int, dict[str, Ref]], folder: int, path: PurePosixPath
) -> Iterator[tuple[str, Ref]]:
    for name, ref in entries.get(folder, {}).items():
        if name.startswith(".fuse_hidden"):
            continue  # a file without a name that somebody has open
        yield str(path / name), ref
        if ref[0] == "folder":
            yield from _walk(entries, int(ref[1]), path / name)


def _applied(file: _File) -> bytes:
    data = bytearray(file.durable)
    for found in file.pending:
        _write(data, found)
    return bytes(data)


def _write(data: bytearray, found: Operation) -> None:
    if found.kind == "truncate":
        data[found.at :] = bytes(max(0, found.at - len(data)))
        return
    if len(data) < found.at:
        data.extend(bytes(found.at - len(data)))
    data[found.at : found.at + len(found.data)] = found.data


def _after(file: _File, how: str, chance: random.Random) -> bytes:
    if how == "all" or not file.pending:
        return _applied(file)
    if how == "none":
        return file.durable
    data = bytearray(file.durable)
    for found in file.pending:
        way = (
            "zeros" if how == "zeros" else chance.choice(("lost", "whole", "cut", "zeros", "holes"))
        )
        if found.kind == "truncate":
            if way != "lost":
                _write(data, found)
        elif way != "lost":
            _write(data, _damaged(found, way, chance))
    return bytes(data)


def _damaged(found: Operation, way: str, chance: random.Random) -> Operation:
    """What of a write reached the disk."""
    data, end = found.data, found.at + len(found.data)
    unit = chance.choice((SECTOR, PAGE))
    if way == "cut":
        borders = [b - found.at for b in range(found.at - found.at % unit + unit, end, unit)]
        data = data[: chance.choice([0, *borders])]
    elif way == "zeros":
        data = bytes(len(data))
    elif way == "holes":
        parts = [data[n : n + unit] for n in range(0, len(data), unit)]
        data = b"".join(p if chance.random() < 0.5 else bytes(len(p)) for p in parts)
    return Operation("write", found.path, inode=found.inode, at=found.at, data=data)
