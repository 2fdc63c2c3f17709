"""The SHA-256 of a data file, worked out while the disk makes the file durable: that takes no time of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from headgate.core import ids

#: Smaller files are not worth a thread.
_SMALL = 1 << 20
_PIECE = 1 << 20


def begin(path: Path) -> Callable[[], str]:
    """Begin to read the file; what is returned waits for the digest and gives it.

    The file may be renamed meanwhile.

    Raises:
        OSError: it cannot be read, at once or when the digest is asked for.
    """
    file = path.open("rb")
    if os.fstat(file.fileno()).st_size <= _SMALL:
        found = _digest(file)
        return lambda: found
    results: list[str | OSError] = []

    def work() -> None:
        try:
            results.append(_digest(file))
        except OSError as error:
            results.append(error)

    thread = threading.Thread(target=work, name="checksum")
    thread.start()

    def wait() -> str:
        thread.join()
        if isinstance(results[0], OSError):
            raise results[0]
        return results[0]

    return wait


def of_file(path: Path) -> str:
    """The SHA-256 (hex) of the file's bytes.

    Raises:
        OSError: it cannot be read.
    """
    return _digest(path.open("rb"))


def _digest(file: IO[bytes]) -> str:
    hasher = ids.content_hasher()
    with file:
        while piece := file.read(_PIECE):
            hasher.update(piece)
    return hasher.hexdigest()
