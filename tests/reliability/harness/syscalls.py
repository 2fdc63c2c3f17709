"""Stops a process at each system call that changes files of a folder: to count, to kill, or to fail it.

Linux's seccomp tells the supervisor of each such call before it is made, whoever in the process
makes it (Python, DuckDB's threads, delta-rs), and the supervisor answers: go on, fail, or nothing
because the process is killed. Counted are only calls on files below one folder.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import select
import signal
import socket
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

#: What is counted, by kind: names of system calls.
KINDS: dict[str, tuple[str, ...]] = {
    "write": ("write", "pwrite64", "writev", "pwritev", "pwritev2", "copy_file_range", "sendfile"),
    "create": ("open", "creat", "openat"),
    "fsync": ("fsync", "fdatasync"),
    "rename": ("rename", "renameat", "renameat2"),
    "link": ("link", "linkat"),
    "mkdir": ("mkdir", "mkdirat"),
    "truncate": ("truncate", "ftruncate", "fallocate"),
    "unlink": ("unlink", "unlinkat", "rmdir"),
}
_NUMBERS = {
    "x86_64": {
        "write": 1, "pwrite64": 18, "writev": 20, "pwritev": 296, "pwritev2": 328,
        "copy_file_range": 326, "sendfile": 40, "open": 2, "creat": 85, "openat": 257,
        "fsync": 74, "fdatasync": 75, "rename": 82, "renameat": 264, "renameat2": 316,
        "link": 86, "linkat": 265, "mkdir": 83, "mkdirat": 258, "truncate": 76, "ftruncate": 77,
        "fallocate": 285, "unlink": 87, "unlinkat": 263, "rmdir": 84, "seccomp": 317,
    },
    "aarch64": {
        "write": 64, "pwrite64": 68, "writev": 66, "pwritev": 70, "pwritev2": 287,
        "copy_file_range": 285, "sendfile": 71, "openat": 56, "fsync": 82, "fdatasync": 83,
        "renameat": 38, "renameat2": 276, "linkat": 37, "mkdirat": 34, "truncate": 45,
        "ftruncate": 46, "fallocate": 47, "unlinkat": 35, "seccomp": 277,
    },
}  # fmt: skip
#: Where the path stands among the arguments, and before it the folder it starts from, if any.
_PATHS = {
    "open": 0, "creat": 0, "openat": 1, "rename": 1, "renameat": 3, "renameat2": 3, "link": 1,
    "linkat": 3, "mkdir": 0, "mkdirat": 1, "truncate": 0, "unlink": 0, "unlinkat": 1, "rmdir": 0,
}  # fmt: skip
#: Which argument is the file that is written to, where it is not the first.
_FILES = {"copy_file_range": 2}
_O_CREAT, _AT_FDCWD = 0o100, -100 & 0xFFFFFFFF
_LOAD, _EQUAL, _HAS, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_RECEIVE, _SEND, _CONTINUE = 0xC0502100, 0xC0182101, 1


class _Step(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte),
        ("k", ctypes.c_uint),
    )  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step)))


def _numbers() -> dict[str, int]:
    return _NUMBERS[platform.machine()]


def install(to: socket.socket) -> None:
    """From now on this process is supervised by whoever holds the other end of ``to``."""
    numbers = _numbers()
    steps = [(_LOAD, 0, 0, 0)]
    for name, number in numbers.items():
        if name == "seccomp":
            continue
        if name in ("open", "openat"):
            flags = 16 + 8 * (1 if name == "open" else 2)
            steps += [
                (_EQUAL, 0, 4, number), (_LOAD, 0, 0, flags), (_HAS, 0, 1, _O_CREAT),
                (_RETURN, 0, 0, _NOTIFY), (_RETURN, 0, 0, _ALLOW),
            ]  # fmt: skip
        else:
            steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _NOTIFY)]
    steps.append((_RETURN, 0, 0, _ALLOW))
    held = (_Step * len(steps))(*[_Step(*s) for s in steps])
    program = _Program(len(steps), held)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) != 0:  # no new privileges: who has none may filter then
        raise OSError(ctypes.get_errno(), "no_new_privs")
    listener = libc.syscall(numbers["seccomp"], 1, 8, ctypes.byref(program))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "this kernel does not tell of system calls")
    socket.send_fds(to, [b"x"], [listener])
    os.close(listener)


@dataclass
class Watch:
    """What to do at which call: nothing (``at`` 0), SIGKILL (``error`` 0), or fail with an errno.

    ``kinds`` are those counted (all if empty); ``on`` fails every one from ``at`` on as well.
    """

    folder: Path
    at: int = 0
    error: int = 0
    on: bool = False
    kinds: tuple[str, ...] = ()


@dataclass
class Watched:
    """How it ended: ``status`` as of ``waitpid``, calls counted, and where it was stopped."""

    status: int = 0
    calls: int = 0
    stopped: str = ""
    left: list[int] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)


class Supervisor:
    """Answers for one process (and those it starts) until all of them are gone."""

    def __init__(self, pid: int, listener: int, watch: Watch) -> None:
        self.pid, self.listener, self.watch = pid, listener, watch
        self.found = Watched()
        self._names = {n: name for name, n in _numbers().items()}
        self._kind = {name: kind for kind, names in KINDS.items() for name in names}
        self._root = str(watch.folder)

    def serve(self, *, grace: float = 5.0) -> Watched:
        """Until the process is gone; what it started must follow within ``grace`` seconds."""
        poll, alive, deadline = select.poll(), True, 0.0
        exited = os.pidfd_open(self.pid)
        poll.register(self.listener, select.POLLIN)
        poll.register(exited, select.POLLIN)
        try:
            while True:
                for fd, event in poll.poll(200):
                    if fd == exited:
                        poll.unregister(exited)
                        _, self.found.status = os.waitpid(self.pid, 0)
                        alive, deadline = False, time.monotonic() + grace
                    elif event & select.POLLIN:
                        self._answer()
                    else:
                        poll.unregister(self.listener)
                        deadline = 0.0 if not alive else deadline
                        if alive:
                            _, self.found.status = os.waitpid(self.pid, 0)
                        return self.found
                if not alive and time.monotonic() > deadline:
                    self.found.left = _group(self.pid)
                    for pid in self.found.left:
                        os.kill(pid, signal.SIGKILL)
                    return self.found
        finally:
            os.close(exited)
            os.close(self.listener)

    def _answer(self) -> None:
        told = bytearray(80)
        try:
            fcntl.ioctl(self.listener, _RECEIVE, told)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):
                return  # its thread is gone already
            raise
        number, pid, _, call, _, _, *arguments = struct.unpack("QIIiIQ6Q", told)
        failed = self._judge(self._names[call], pid, arguments)
        if failed is None:
            return
        answer = struct.pack("QqiI", number, 0, -failed, 0 if failed else _CONTINUE)
        try:
            fcntl.ioctl(self.listener, _SEND, bytearray(answer))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def _judge(self, name: str, pid: int, arguments: list[int]) -> int | None:
        """The errno to fail with, 0 to go on; None if the process was killed."""
        watch, kind = self.watch, self._kind[name]
        place = self._place(name, pid, arguments)
        if not place.startswith(self._root):
            return 0
        self.found.kinds[kind] = self.found.kinds.get(kind, 0) + 1
        if watch.kinds and kind not in watch.kinds:
            return 0
        self.found.calls += 1
        due = self.found.calls == watch.at or (watch.on and 0 < watch.at < self.found.calls)
        if not due:
            return 0
        self.found.stopped = self.found.stopped or f"{name} {place[len(self._root) :]}"
        if watch.error:
            return watch.error
        os.kill(self.pid, signal.SIGKILL)
        return None

    def _place(self, name: str, pid: int, arguments: list[int]) -> str:
        """The file that the call is on."""
        try:
            if name not in _PATHS:
                return os.readlink(f"/proc/{pid}/fd/{arguments[_FILES.get(name, 0)] & 0xFFFFFFFF}")
            at = _PATHS[name]
            path = os.fsdecode(_text(pid, arguments[at]))
            if path.startswith("/"):
                return path
            start = arguments[at - 1] & 0xFFFFFFFF if name.endswith(("at", "at2")) else _AT_FDCWD
            where = f"fd/{start}" if start != _AT_FDCWD else "cwd"
            return os.path.join(os.readlink(f"/proc/{pid}/{where}"), path)
        except OSError:
            return ""  # closed meanwhile, or never open: no file of ours


def _text(pid: int, address: int) -> bytes:
    """The text at an address of another process."""
    memory, found = os.open(f"/proc/{pid}/mem", os.O_RDONLY), b""
    try:
        while b"\0" not in found and len(found) < 8192:
            # Not beyond the end of a page: the next one may not be there.
            found += os.pread(memory, 4096 - (address + len(found)) % 4096, address + len(found))
    finally:
        os.close(memory)
    return found.partition(b"\0")[0]


def _group(leader: int) -> list[int]:
    """Processes that are still there of the group that the process led."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == leader and fields[0] != b"Z":
                found.append(int(name))
    return found
