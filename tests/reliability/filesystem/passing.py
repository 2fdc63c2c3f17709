"""The file system itself: every operation is passed on to a real folder, counted and noted down."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import threading
from collections.abc import Callable, Iterable
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import mfusepy

from tests.reliability.filesystem.faults import Counting, kill
from tests.reliability.filesystem.journal import Operation, Writer

_STAT = ("st_mode", "st_ino", "st_dev", "st_nlink", "st_uid", "st_gid", "st_size", "st_blocks")


class Passing(mfusepy.Operations):  # type: ignore[misc]
    """Passes on to ``backing``. Changes are one at a time, so that the journal has their order."""

    use_ns = True

    def __init__(self, backing: Path, journal: Writer | None, counting: Counting) -> None:
        self.backing, self.journal, self.counting = str(backing), journal, counting
        self._order = threading.RLock()
        self._inodes: dict[int, int] = {}
        self._appending: set[int] = set()
        self._numbers = 0
        if journal is not None:
            self._note_all()

    def init_with_config(self, conn_info: Any, config_3: Any) -> None:
        """Nothing is believed of names and attributes between two looks: files have several names."""
        config_3.use_ino = 1
        config_3.attr_timeout = config_3.entry_timeout = config_3.negative_timeout = 0.0

    # -- looking

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        found = os.fstat(fh) if fh is not None else os.lstat(self._real(path))
        told: dict[str, Any] = {name: getattr(found, name) for name in _STAT}
        return told | {
            "st_atime": found.st_atime_ns,
            "st_mtime": found.st_mtime_ns,
            "st_ctime": found.st_ctime_ns,
        }

    def readdir(self, path: str, fh: int) -> Iterable[tuple[str, dict[str, int], int]]:
        yield from ((name, {"st_mode": stat.S_IFDIR, "st_ino": 1}, 0) for name in (".", ".."))
        with os.scandir(self._real(path)) as entries:
            for entry in entries:
                kind = stat.S_IFDIR if entry.is_dir(follow_symlinks=False) else stat.S_IFREG
                # A name whose inode is 0 is not shown.
                yield entry.name, {"st_mode": kind, "st_ino": entry.inode()}, 0

    def readlink(self, path: str) -> str:
        return os.readlink(self._real(path))

    def access(self, path: str, amode: int) -> int:
        if not os.access(self._real(path), amode):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        found = os.statvfs(self.backing)
        return {name: getattr(found, name) for name in dir(found) if name.startswith("f_")}

    def open(self, path: str, flags: int) -> int:
        if not flags & (os.O_WRONLY | os.O_RDWR):
            return os.open(self._real(path), flags)
        with self._change("open", path) as note:
            fd = self._opened(os.open(self._real(path), flags & ~os.O_CREAT), flags)
            if flags & os.O_TRUNC:
                note("truncate", path, inode=self._inode(fd))
        return fd

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return os.pread(fh, size, offset)

    def flush(self, path: str, fh: int) -> int:
        return 0

    def release(self, path: str, fh: int) -> int:
        self._appending.discard(fh)
        os.close(fh)
        return 0

    # -- changing files

    def create(self, path: str, mode: int, flags: int) -> int:
        with self._change("create", path) as note:
            fd = os.open(self._real(path), flags | os.O_CREAT, mode)
            note("create", path, inode=self._new(os.fstat(fd).st_ino))
        return self._opened(fd, flags)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        with self._change("write", path) as note:
            if fh in self._appending:
                offset = os.fstat(fh).st_size
            written = os.pwrite(fh, data, offset)
            note("write", path, inode=self._inode(fh), at=offset, data=data[:written])
        return written

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        with self._change("truncate", path) as note:
            os.truncate(self._real(path) if fh is None else fh, length)
            note("truncate", path, inode=self._inode(fh, path), at=length)
        return 0

    def fallocate(self, path: str, mode: int, offset: int, size: int, fh: int) -> int:
        if mode:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        with self._change("truncate", path) as note:
            os.posix_fallocate(fh, offset, size)
            note("truncate", path, inode=self._inode(fh), at=os.fstat(fh).st_size)
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        # The real disk is not asked to sync: what would survive is worked out from the journal.
        with self._change("fsync", path) as note:
            note("fsync", path, inode=self._inode(fh))
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        with self._change("fsyncdir", path) as note:
            note("fsyncdir", path)
        return 0

    def chmod(self, path: str, mode: int) -> int:
        os.chmod(self._real(path), mode)
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        os.chown(self._real(path), uid, gid, follow_symlinks=False)
        return 0

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        os.utime(self._real(path), ns=times, follow_symlinks=False)
        return 0

    # -- changing names

    def mkdir(self, path: str, mode: int) -> int:
        with self._change("mkdir", path) as note:
            os.mkdir(self._real(path), mode)
            note("mkdir", path)
        return 0

    def rmdir(self, path: str) -> int:
        with self._change("rmdir", path) as note:
            os.rmdir(self._real(path))
            note("rmdir", path)
        return 0

    def unlink(self, path: str) -> int:
        with self._change("unlink", path) as note:
            os.unlink(self._real(path))
            note("unlink", path)
        return 0

    def symlink(self, target: str, source: str) -> int:
        with self._change("symlink", target) as note:
            os.symlink(source, self._real(target))
            note("symlink", target, to=source)
        return 0

    def rename(self, old: str, new: str) -> int:
        with self._change("rename", new) as note:
            os.rename(self._real(old), self._real(new))
            note("rename", old, to=new)
        return 0

    def link(self, target: str, source: str) -> int:
        with self._change("link", target) as note:
            os.link(self._real(source), self._real(target), follow_symlinks=False)
            note("link", source, to=target)
        return 0

    # -- within

    @contextmanager
    def _change(self, kind: str, path: str) -> Any:
        pid = mfusepy.fuse_get_context()[2]
        fatal = self.counting.pass_or_fail(kind, path, pid)
        with self._order if self.journal is not None else nullcontext():
            yield self._note
        if fatal:
            kill(pid)

    def _note(self, kind: str, path: str, **more: Any) -> None:
        if self.journal is not None:
            self.journal.add(Operation(kind, path, **more))

    def _note_all(self) -> None:
        """What is there at first, which is taken to be durable."""
        for folder, folders, names in os.walk(self.backing):
            below = "/" + os.path.relpath(folder, self.backing)
            for name in folders:
                self._note("folder", os.path.normpath(f"{below}/{name}"))
            for name in names:
                real = Path(folder, name)
                inode = self._inodes.get(real.stat().st_ino) or self._new(real.stat().st_ino)
                path = os.path.normpath(f"{below}/{name}")
                self._note("file", path, inode=inode, data=real.read_bytes())

    def _new(self, real: int) -> int:
        self._numbers += 1
        self._inodes[real] = self._numbers
        return self._numbers

    def _inode(self, fh: int | None, path: str = "") -> int:
        if self.journal is None:
            return 0
        found = os.stat(self._real(path)) if fh is None else os.fstat(fh)
        return self._inodes[found.st_ino]

    def _opened(self, fd: int, flags: int) -> int:
        if flags & os.O_APPEND:
            self._appending.add(fd)
        return fd

    def _real(self, path: str) -> str:
        return self.backing + path


def serve(backing: Path, at: Path, journal: Path | None, started: Callable[..., None]) -> None:
    """Mount and serve until it is unmounted; ``started`` gets the counting and the journal."""
    counting, writer = Counting(), Writer(journal) if journal else None
    served = Passing(backing, writer, counting)
    ctypes.CDLL(None).prctl(1, 15)  # end with whoever started this: PR_SET_PDEATHSIG, SIGTERM
    started(counting, writer)
    try:
        mfusepy.FUSE(served, str(at), foreground=True, fsname="headgate-tests")
    finally:
        if writer is not None:
            writer.flush()
