"""Which operations of the file system fail, and how; it counts them all."""

from __future__ import annotations

import errno
import os
import signal
import threading
from dataclasses import dataclass, field

#: Operations that can fail. ``open`` is that of a file that is there, for writing.
KINDS = (
    "write", "create", "rename", "link", "fsync", "fsyncdir", "mkdir", "truncate", "unlink",
    "rmdir", "open", "symlink",
)  # fmt: skip


@dataclass(frozen=True)
class Faults:
    """The ``nth`` operation (from 1, counted since the faults were set) of ``kinds`` fails.

    It fails with ``error`` (the name of an errno), once or, with ``lasting``, from then on. With
    ``kill`` it is carried out and the process that asked for it gets SIGKILL before it hears of
    that. Only names with ``under`` in their path count.
    """

    nth: int
    kinds: tuple[str, ...] = KINDS
    error: str = "ENOSPC"
    lasting: bool = False
    kill: bool = False
    under: str = ""


@dataclass
class Counting:
    """What was asked for, and what of it is to fail."""

    faults: Faults | None = None
    seen: int = 0
    failed: int = 0
    total: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, faults: Faults | None) -> None:
        """Let these fail from now on; counts begin anew."""
        with self.lock:
            self.faults, self.seen, self.failed, self.total = faults, 0, 0, 0
            self.by_kind = {}

    def counted(self) -> dict[str, object]:
        """How many operations there were since the faults were set, and how many of them failed."""
        with self.lock:
            return {"total": self.total, "seen": self.seen, "failed": self.failed,
                    "by_kind": dict(self.by_kind)}  # fmt: skip

    def pass_or_fail(self, kind: str, path: str, pid: int) -> bool:
        """Count one operation; tells whether whoever asked for it is to be killed after it.

        Raises:
            OSError: it is to fail.
        """
        with self.lock:
            self.total += 1
            self.by_kind[kind] = self.by_kind.get(kind, 0) + 1
            told = self.faults
            if told is None or kind not in told.kinds or told.under not in path:
                return False
            self.seen += 1
            if self.seen != told.nth and not (told.lasting and self.seen > told.nth):
                return False
            self.failed += 1
        if told.kill:
            return pid > 0
        code = getattr(errno, told.error)
        raise OSError(code, os.strerror(code))


def kill(pid: int) -> None:
    """End a process as a power cut would: without a word."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
