"""The small interface between the lake and where its bytes lie, and local disks behind it.

Object stores can follow by giving the same calls; nothing else in the lake touches a path.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from headgate.core import ids, resources
from headgate.core.errors import LakeError, UnknownOutcomeError


@dataclass(frozen=True)
class Stored:
    """An object as it lies there; ``modified`` is by the disk's clock."""

    name: str
    size: int
    modified: datetime


class Storage(Protocol):
    """Where a lake's bytes lie. Keys are relative, with forward slashes.

    ``unsure`` says whether anything was written of which the disk did not confirm that it lasts.
    """

    unsure: bool

    def uri(self, key: str) -> str:
        """What delta-rs and DuckDB call the object at ``key``."""
        ...

    def read(self, key: str) -> bytes | None:
        """The bytes at ``key``, or None."""
        ...

    def put_if_absent(
        self, key: str, data: bytes, *, named: Callable[[], None] | None = None
    ) -> bool:
        """Write ``data`` durably unless ``key`` exists; tells whether it was written.

        ``named`` is called when it has its name, before that is sure to survive power loss.

        Raises:
            LakeError: it cannot be written, and was not.
            UnknownOutcomeError: it was written, and may not survive power loss.
        """
        ...

    def make(self, folder: str) -> None:
        """Make a folder durable, if objects need one."""
        ...

    def put(self, key: str, data: bytes) -> None:
        """Write ``data`` durably, replacing what was there in one step."""
        ...

    def adopt(self, staged: Path, key: str) -> None:
        """Make the local file ``staged`` the durable object at ``key``."""
        ...

    def give_back(self, key: str, staged: Path) -> None:
        """Make the object at ``key``, which nothing names, the local file ``staged`` again."""
        ...

    def seal(self, folder: str, names: list[str]) -> None:
        """Make objects that somebody else wrote in ``folder`` durable, and the folder itself."""
        ...

    def names(self, folder: str) -> list[str]:
        """The names directly in ``folder``, sorted; empty if there is none."""
        ...

    def objects(self, folder: str) -> list[Stored]:
        """The objects directly in ``folder`` (no folders), by name; empty if there is none."""
        ...

    def remove(self, folder: str, names: list[str]) -> None:
        """Remove these from ``folder``, durably, in their order; those that are gone are gone."""
        ...


class LocalStorage:
    """A lake on a local disk; every write is synced before it is acknowledged."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.unsure = False

    def uri(self, key: str) -> str:
        """The absolute path."""
        return str(self.root / key)

    def read(self, key: str) -> bytes | None:
        """The bytes at ``key``, or None."""
        try:
            return (self.root / key).read_bytes()
        except FileNotFoundError:
            return None

    def put_if_absent(
        self, key: str, data: bytes, *, named: Callable[[], None] | None = None
    ) -> bool:
        """Write to a file of its own, sync it, then link it to its name: the link is the race."""
        target = self.root / key
        self._make_folder(target.parent)
        draft = self._draft(target, data)
        try:
            os.link(draft, target)
        except OSError as error:
            # A disk on a network may have done what it says it did not, or did before.
            if not _is_same(draft, target):
                if isinstance(error, FileExistsError):
                    return False
                raise resources.of_system(error, target) from None
        finally:
            try:
                draft.unlink()
            except OSError:
                self.unsure = True  # what was to be written is; the next run removes the draft
        if named:
            named()
        try:
            sync_folder(target.parent)
        except OSError as error:
            # To sync again would prove nothing: a disk tells of what it lost only once.
            self.unsure = True
            raise UnknownOutcomeError(
                f"{target} was written, but the disk does not confirm that it lasts:"
                f" {error.strerror}.",
                remedy="Nothing is lost and nothing is done twice: when the disk is well, run again;"
                " what is in the log then counts as done.",
            ) from None
        return True

    def make(self, folder: str) -> None:
        """Make the folder and those above it, each durable in its own."""
        path = self.root / folder
        stay_inside(self.root, path)
        path.mkdir(parents=True, exist_ok=True)
        # Also those that are there: whoever made them may have died, or not come to sync them yet.
        while path != self.root.parent:
            path = path.parent
            sync_folder(path)

    def put(self, key: str, data: bytes) -> None:
        """Write beside, sync, rename over."""
        target = self.root / key
        self._make_folder(target.parent)
        os.replace(self._draft(target, data), target)
        sync_folder(target.parent)

    def adopt(self, staged: Path, key: str) -> None:
        """Sync the staged file and rename it into place (the folder is synced by ``seal``)."""
        target = self.root / key
        self._make_folder(target.parent)
        sync_file(staged)
        try:
            os.rename(staged, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.copyfile(staged, target)
            sync_file(target)
            staged.unlink()

    def give_back(self, key: str, staged: Path) -> None:
        """Rename it back."""
        staged.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(self.root / key, staged)

    def seal(self, folder: str, names: list[str]) -> None:
        """Sync the named files and then the folder that names them."""
        path = self.root / folder
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                sync_file(path / name)
        sync_folder(path)

    def names(self, folder: str) -> list[str]:
        """The names directly in ``folder``, sorted."""
        try:
            return sorted(os.listdir(self.root / folder))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def objects(self, folder: str) -> list[Stored]:
        """The files directly in ``folder``, by name."""
        found = []
        try:
            with os.scandir(self.root / folder) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                        if entry.is_file(follow_symlinks=False):
                            stat = entry.stat(follow_symlinks=False)
                            at = datetime.fromtimestamp(stat.st_mtime, UTC)
                            found.append(Stored(entry.name, stat.st_size, at))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(found, key=lambda s: s.name)

    def remove(self, folder: str, names: list[str]) -> None:
        """Unlink them one by one, and sync the folder: what is gone stays gone."""
        path = self.root / folder
        for name in names:
            (path / name).unlink(missing_ok=True)
        if names:
            sync_folder(path)

    def _make_folder(self, folder: Path) -> None:
        """Make the folder and its parents, each made durable in the one above it."""
        stay_inside(self.root, folder)
        if folder.is_dir():
            return
        missing = [p for p in [folder, *folder.parents] if not p.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for made in missing:
            sync_folder(made.parent)

    def _draft(self, target: Path, data: bytes) -> Path:
        draft = target.with_name(f".{target.name}.{ids.new_id()}")
        try:
            with open(draft, "xb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise resources.of_system(error, target) from None
        return draft


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def stay_inside(root: Path, folder: Path) -> None:
    """Demand that no link leads out of a lake before something is written or removed there.

    Raises:
        LakeError: the folder, or one between it and ``root``, is a symbolic link.
    """
    at, end = os.fspath(folder), len(os.fspath(root))
    while len(at) > end:
        if os.path.islink(at):
            raise LakeError(
                "a symbolic link inside a lake is never followed for writing.",
                remedy="Put the folder itself there, or move the whole lake.",
                place=at,
            )
        at = os.path.dirname(at)


def sync_file(path: Path) -> None:
    """Make a file's content survive power loss."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_folder(path: Path) -> None:
    """Make a folder's entries survive power loss."""
    sync_file(path)
