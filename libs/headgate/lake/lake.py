"""A lake: tables by dataset id, at any version; the door through which the other rooms come in."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from headgate.contracts.names import DatasetName
from headgate.core import clock, resources
from headgate.core import json as hjson
from headgate.core.errors import LakeBusyError, LakeError, NotFoundError
from headgate.core.settings import Settings
from headgate.lake import lognames
from headgate.lake.meta import CommitMeta
from headgate.lake.snapshot import NewestSnapshot, Snapshot, load
from headgate.lake.storage import LocalStorage, Storage, stay_inside, sync_folder

STAGING = "_staging"
LOCKS = "_locks"
#: The command of who holds the lake for a moment every few seconds begins with it, and so many
#: seconds a run waits for one.
BRIEF, BRIEFLY = "live", 60.0
#: In a folder of staging: locked while somebody stages there who does not hold the run lock.
HELD = ".held"
#: Where files stand that somebody made to be taken, while they are taken; runs leave it alone.
LANDING = "_landing"


class Lake:
    """The tables of one lake, behind its storage."""

    def __init__(self, settings: Settings, storage: Storage | None = None) -> None:
        self.settings = settings
        self.root = settings.lake_path
        self.storage: Storage = storage or LocalStorage(self.root)
        self._tables: dict[str, Any] = {}

    def key(self, dataset: str, *, quarantine: bool = False) -> str:
        """Where the dataset's Delta table (or its quarantine) lies, below the lake."""
        name = DatasetName.parse(dataset)
        return name.quarantine_path if quarantine else name.path

    def snapshot(
        self, dataset: str, version: int | None = None, *, quarantine: bool = False
    ) -> Snapshot | None:
        """The table at ``version`` (default: newest), or None if it was never written.

        Raises:
            NotFoundError: the table has no such version.
            LakeError: the log cannot be read.
        """
        key = self.key(dataset, quarantine=quarantine)
        if version is None:
            newest, meta = self._newest(key)
            if newest is None:
                return None
            if meta is not None:
                whole = partial(self._loaded, dataset, key, newest)
                return NewestSnapshot(dataset, newest, meta, whole)
        return self._snapshot(dataset, key, version)

    def _newest(self, key: str) -> tuple[int | None, CommitMeta | None]:
        """The newest version's number and what its commit says, if it was one of ours."""
        names = self.storage.names(f"{key}/_delta_log")
        newest = lognames.newest(names)
        if not newest:
            return (-1, None) if names else (None, None)
        try:
            entry = self.storage.read(f"{key}/_delta_log/{newest}") or b""
            meta = CommitMeta.from_log(entry)
            return int(newest[:-5]), meta.content if meta else None
        except (ValueError, KeyError, TypeError):
            return int(newest[:-5]), None  # reading the whole log says what is wrong

    def _loaded(self, dataset: str, key: str, version: int) -> Snapshot:
        found = self._snapshot(dataset, key, version)
        if found is None:
            raise LakeError(f"the table of {dataset} is gone.", place=self.storage.uri(key))
        return found

    def _snapshot(self, dataset: str, key: str, version: int | None) -> Snapshot | None:
        try:
            table = self.table(key, version)
            if table is None:
                return None
            return load(
                table,
                self.storage.uri(key),
                dataset,
                lambda v: self.storage.read(log_key(key, v)),
            )
        except LakeError:
            raise
        except BaseException as error:  # a panic of the library is no Exception
            gave_out = resources.of(error, f"{self.storage.uri(key)}/_delta_log")
            if gave_out is not None:
                raise gave_out from None
            if not isinstance(error, Exception):
                raise
            first = (str(error).splitlines() or [type(error).__name__])[0]
            if version is not None and self.storage.read(log_key(key, version)) is None:
                raise NotFoundError(f"{dataset} has no version {version}.") from None
            raise LakeError(
                f"the log of {dataset} cannot be read: {first}",
                place=f"{self.storage.uri(key)}/_delta_log",
                remedy="Do not delete anything; the newest entry may be torn.",
            ) from None

    def table(self, key: str, version: int | None = None) -> Any:
        """The ``deltalake.DeltaTable`` at ``key``, newest or at ``version``; None if there is none.

        A table that was opened before is brought up to date by the log entries written since:
        reading the whole log anew takes ten times as long at fifty entries.
        """
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        names = self.storage.names(f"{key}/_delta_log")
        if not names:
            self._tables.pop(key, None)
            return None
        table = self._tables.get(key)
        newest = lognames.newest(names)
        if table is not None and newest >= log_key("", table.version()).rpartition("/")[2]:
            table = self._followed(table)
        else:
            table = None
        if table is not None and version in (None, table.version()):
            return table
        try:
            opened = DeltaTable(self.storage.uri(key), version=version)
        except TableNotFoundError:
            return None
        if version is None:
            self._tables[key] = opened
        return opened

    def _followed(self, table: Any) -> Any:
        """The open table at its newest version; None where the entries to it are cleaned away."""
        from deltalake.exceptions import DeltaError

        try:
            table.update_incremental()
        except DeltaError:
            return None  # reading the log from its beginning tells whether anything is wrong
        return table

    def staging(self, run_id: str) -> Path:
        """The folder in which a run stages files; made when asked for.

        Raises:
            LakeError: ``run_id`` is no plain name, and would lead elsewhere.
        """
        if not run_id or run_id == ".." or Path(run_id).name != run_id:
            raise LakeError(f"{run_id!r} is no run's id.", place=str(self.root / STAGING))
        folder = self.root / STAGING / run_id
        stay_inside(self.root, folder)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def sweep_staging(self) -> None:
        """Remove what runs that are gone had staged. Only the holder of the run lock may."""
        import shutil

        stay_inside(self.root, self.root / STAGING)
        for name in self.storage.names(STAGING):
            if not _is_held(self.root / STAGING / name / HELD):
                shutil.rmtree(self.root / STAGING / name, ignore_errors=True)

    @contextmanager
    def holding_staging(self, run_id: str) -> Iterator[Path]:
        """The folder in which ``run_id`` stages, kept from being swept: for who works beside runs.

        It goes at the end, or is swept by a run once the process died.
        """
        import shutil

        folder = self.staging(run_id)
        fd = _held(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(fd)

    @contextmanager
    def run_lock(self, run_id: str, command: str, *, recovers: bool = False) -> Iterator[bool]:
        """Hold the lake for one run; the system frees it when the process dies.

        Yields whether the run before this one died holding it, or ended unsure of what it wrote.
        Who ``recovers`` puts right what that one left; else the lock goes on to say so.

        Raises:
            LakeBusyError: another run holds it, and still does after ``lock_wait_seconds``.
        """
        folder = self.root / LOCKS
        path = folder / "run.lock"
        stay_inside(self.root, path)
        folder.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            began, patience = clock.monotonic(), self.settings.lock_wait_seconds
            while not _try_lock(fd):
                holder = os.pread(fd, 4096, 0).decode("utf-8", "replace").strip()
                # Who holds it for moments only is waited for, unless the one that asks is another such.
                brief = f'"command":"{BRIEF} ' in holder and not command.startswith(BRIEF)
                least = BRIEFLY if brief else 0.0 if holder else 1.0  # it is about to say who it is
                if clock.monotonic() >= began + max(patience, least):
                    raise LakeBusyError(
                        f"another run holds the lake {self.root} ({holder or 'starting'}).",
                        remedy="Wait for it, or set HEADGATE_LOCK_WAIT_SECONDS to wait for so long.",
                    )
                clock.sleep(0.05)
            died = bool(os.pread(fd, 1, 0))
            told = {"run": run_id, "pid": os.getpid(), "command": command, "since": clock.iso()}
            # Never empty in between: that would say that nobody died.
            os.ftruncate(fd, os.pwrite(fd, hjson.dumps(told).encode(), 0))
            try:
                yield died
            finally:
                # What the disk did not confirm is for the next run to make sure of.
                if not self.storage.unsure and (recovers or not died):
                    os.ftruncate(fd, 0)
        finally:
            os.close(fd)

    def make(self) -> None:
        """Make the lake's folder if it is not there."""
        if not (self.root / LOCKS).exists():
            # Where there is the folder alone, nothing but our cache was written, which syncs nothing.
            self.root.mkdir(parents=True, exist_ok=True)
            sync_folder(self.root.parent)


def log_key(table_key: str, version: int) -> str:
    """Where the log entry of a version lies."""
    return f"{table_key}/_delta_log/{version:020d}.json"


def _held(folder: Path) -> int:
    """The file in the folder that is locked from now on."""
    while True:
        # Who sweeps may take the folder for a dead run's until it is held.
        folder.mkdir(parents=True, exist_ok=True)
        try:
            fd = os.open(folder / HELD, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except FileNotFoundError:
            continue
        if _try_lock(fd) and (folder / HELD).exists():
            return fd
        os.close(fd)
        clock.sleep(0.01)


def _is_held(path: Path) -> bool:
    """Whether a process that lives has a lock on the file."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return not _try_lock(fd)
    finally:
        os.close(fd)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
