"""How far a file of events was taken: what it is called in the store, and how to tell it is still it."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from headgate.core import ids

#: So many bytes before the place up to which a file was taken tell whether it is still the same.
_TAIL = 512


def name(path: Path) -> str:
    """What ``taken_file.path`` calls the file."""
    return str(path.resolve())


def tail(file: IO[bytes], size: int) -> str:
    """A digest of what stands before ``size``, as ``taken_file.tail`` has it."""
    start = max(0, size - _TAIL)
    file.seek(start)
    return ids.digest(file.read(size - start))
