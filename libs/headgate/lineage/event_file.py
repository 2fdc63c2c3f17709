"""A file of events, one a line: whole lines whoever else writes it, durable once it is closed."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path


class EventFile:
    """Appends to ``path``, which is made with its folder when the first line comes.

    Threads and processes may share the file: a line is one write, to the end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._torn = False
        self._made = False
        self._lock = threading.Lock()

    def append(self, line: str) -> None:
        """Write a line, which has no end of line of its own.

        Raises:
            OSError: it could not be written, or not as a whole; the next line is not glued to it.
        """
        # A lone surrogate has no UTF-8; backslashed, it is the escape that JSON has for it.
        data = (line + "\n").encode("utf-8", "backslashreplace")
        with self._lock:
            if self._file is None:
                self._file = self._open()
            if self._torn:
                data = b"\n" + data
            # Who opens the file meanwhile must not take half of this write for a torn line.
            fcntl.flock(self._file, fcntl.LOCK_SH)
            try:
                written = os.write(self._file, data)
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
            self._torn = written != len(data)
        if written != len(data):
            raise OSError(f"only {written} of {len(data)} bytes were written")

    def close(self, *, durable: bool = True) -> None:
        """Let go of the file, and if ``durable`` wait until what was written will outlast a power
        cut; a later line opens it again.

        Raises:
            OSError: the file could not be made durable; it is let go of all the same.
        """
        with self._lock:
            if self._file is None:
                return
            try:
                if durable:
                    os.fsync(self._file)
                    if self._made:
                        self._sync_name()
            finally:
                with suppress(OSError):
                    os.close(self._file)
                self._file = None

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            size = os.fstat(file).st_size
            # A crash can leave half a line behind: the next event must not be glued to it.
            self._made = size == 0
            self._torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
        return file

    def _sync_name(self) -> None:
        """Make a file's name durable that has just got it."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
