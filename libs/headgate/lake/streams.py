"""Which streams go on beside runs: a lock for each place that is taken, free when its process dies.

A stream holds no run lock. Its locks say who takes a partition, so that two processes do not do the
same work; that nothing is taken twice rests on the log alone (:mod:`headgate.lake.offsets`). What a
lock's file says stays when its process is killed, and tells the next run to look at what it left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.errors import LakeBusyError
from headgate.lake.lake import LOCKS, Lake
from headgate.lake.storage import stay_inside

_PREFIX, _ENDING = "stream.", ".lock"


@dataclass(frozen=True)
class Held:
    """Who takes a place of a stream, or died doing so; ``alive`` if it still does."""

    dataset: str
    place: str
    run_id: str
    pid: int
    since: str
    alive: bool


@contextmanager
def hold(lake: Lake, dataset: str, places: Sequence[str], run_id: str) -> Iterator[bool]:
    """Hold the places of a stream; the system frees them when the process dies.

    Yields whether who held one of them before died, or ended unsure of what it wrote.

    Raises:
        LakeBusyError: another process takes one, and still does after ``lock_wait_seconds``.
    """
    folder = lake.root / LOCKS
    stay_inside(lake.root, folder)
    folder.mkdir(parents=True, exist_ok=True)
    until = clock.monotonic() + lake.settings.lock_wait_seconds
    with contextlib.ExitStack() as stack:
        held, died = [], False
        for place in sorted(places):
            path = folder / f"{_PREFIX}{dataset}.{quote(place, safe='')}{_ENDING}"
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            stack.callback(os.close, fd)
            while not _locked(fd):
                if clock.monotonic() >= until:
                    raise _busy(fd, dataset, place)
                clock.sleep(0.05)
            died = died or bool(os.pread(fd, 1, 0))
            told = {"dataset": dataset, "place": place, "run": run_id, "pid": os.getpid(),
                    "since": clock.iso()}  # fmt: skip
            os.ftruncate(fd, os.pwrite(fd, hjson.dumps(told).encode(), 0))
            held.append(fd)
        yield died
        # Only who ended well says so: what a failed one left is looked at by the next run.
        if not lake.storage.unsure:
            for fd in held:
                os.ftruncate(fd, 0)


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _busy(fd: int, dataset: str, place: str) -> LakeBusyError:
    holder = os.pread(fd, 4096, 0).decode("utf-8", "replace").strip()
    return LakeBusyError(
        f"another process takes {place} into {dataset} ({holder or 'starting'}).",
        remedy="Give each process partitions of its own (--partitions), wait for the other, or set"
        " HEADGATE_LOCK_WAIT_SECONDS to wait for so long.",
    )


def all_held(root: Path) -> list[Held]:
    """Who takes streams of the lake at ``root`` now, and who died doing so."""
    folder, found = root / LOCKS, []
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    for name in (n for n in names if n.startswith(_PREFIX) and n.endswith(_ENDING)):
        try:
            fd = os.open(folder / name, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            # Only looked at: an exclusive lock, however short, could turn a stream away.
            alive = not _shared(fd)
            told = hjson.loads(os.pread(fd, 4096, 0) or b"null")
            if told:
                found.append(
                    Held(str(told["dataset"]), str(told["place"]), str(told["run"]),
                         int(told["pid"]), str(told["since"]), alive)
                )  # fmt: skip
        except (ValueError, KeyError, TypeError):
            continue  # it is being taken this moment
        finally:
            os.close(fd)
    return found


def _shared(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def living(root: Path) -> frozenset[str]:
    """The datasets that streams are taken into now."""
    return frozenset(h.dataset for h in all_held(root) if h.alive)


def forget_dead(root: Path) -> None:
    """Say that what dead streams left was looked at. Only the holder of the run lock may."""
    for held in all_held(root):
        if held.alive:
            continue
        path = root / LOCKS / f"{_PREFIX}{held.dataset}.{quote(held.place, safe='')}{_ENDING}"
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            if _locked(fd):
                os.ftruncate(fd, 0)
        finally:
            os.close(fd)
