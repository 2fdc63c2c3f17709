"""The journal: every operation that changed the file system or synced it, in order, with its data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class Operation:
    """One operation. ``inode`` is a number of its own, never used again; folders are known by path.

    ``kind`` is one of: file, folder (what was there at first), create, write, truncate, fsync,
    mkdir, fsyncdir, rename, link, unlink, rmdir, symlink.
    """

    kind: str
    path: str = ""
    to: str = ""
    inode: int = 0
    at: int = 0
    data: bytes = b""


class Writer:
    """Appends operations to a file: a line of JSON each, then its data."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = open(path, "wb", buffering=1 << 20)  # noqa: SIM115

    def add(self, found: Operation) -> None:
        """Append one."""
        head = [found.kind, found.path, found.to, found.inode, found.at, len(found.data)]
        self._file.write(json.dumps(head).encode() + b"\n" + found.data)

    def flush(self) -> None:
        """Let readers see it."""
        self._file.flush()


def read(path: Path) -> list[Operation]:
    """All operations of a journal."""
    return list(_read(path))


def _read(path: Path) -> Iterator[Operation]:
    with path.open("rb") as file:
        while head := file.readline():
            kind, name, to, inode, at, size = json.loads(head)
            yield Operation(kind, name, to, inode, at, file.read(size))
