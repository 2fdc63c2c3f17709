"""The door to a source file's bytes: plain files only, so that no pipe or device is ever waited for."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

from headgate.core import ids
from headgate.core.errors import UsageError

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def special(path: Path) -> str:
    """What stands at ``path`` instead of a plain file (``a pipe`` …), empty if it is one.

    Links are followed; nothing is opened.

    Raises:
        OSError: nothing stands there.
    """
    mode = path.stat().st_mode
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no plain file")


def open_plain(path: Path, name: str = "") -> io.FileIO:
    """The plain file at ``path``, open for reading; ``name`` is what it is called in errors.

    Looked at once it is open as well: what stands there may be another thing by then.

    Raises:
        UsageError: it is a pipe, a socket, a device or a folder.
        OSError: it cannot be opened.
    """
    kind = special(path)
    if not kind:
        file = io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISREG(mode):
            return file
        file.close()
        kind = _KINDS.get(stat.S_IFMT(mode), "no plain file")
    raise UsageError(
        f"{name or path} is {kind}, and rows are taken from plain files only.",
        remedy="Write what it gives to a file, and give that.",
    )


def content_hash(path: Path, name: str = "") -> tuple[str, int]:
    """SHA-256 (hex) of a plain file's bytes as stored, and how many those were.

    Raises:
        UsageError: see :func:`open_plain`.
        OSError: it cannot be read.
    """
    hasher, size = ids.content_hasher(), 0
    with open_plain(path, name) as file:
        while data := file.read(1 << 20):
            hasher.update(data)
            size += len(data)
    return hasher.hexdigest(), size
