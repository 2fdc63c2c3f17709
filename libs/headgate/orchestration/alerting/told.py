"""Which runs owners were told of: so that what nobody told of is told, and the rest not twice.

Light enough for all of Airflow's processes. Nothing depends on the note: without it, or where it
cannot be kept, somebody is told twice.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.settings import Settings
from headgate.lake.storage import LocalStorage, stay_inside

NOTE = "_state/runs_told.json"
KEPT = timedelta(days=7)


def note(settings: Settings, run: str) -> None:
    """Note that somebody is told of a run.

    Raises:
        OSError, HeadgateError: it cannot be noted.
    """
    with alone(settings, "told", wait=True):
        _write(settings, _noted(settings) | {run: clock.iso()})


def take(settings: Settings, run: str) -> bool:
    """Whether somebody was told of a run in the last days; the note is gone then, since the same run
    may fail once more when it is cleared.

    Raises:
        OSError, HeadgateError: the note cannot be written.
    """
    if run not in _noted(settings):
        return False
    with alone(settings, "told", wait=True):
        found = _noted(settings)
        there = found.pop(run, None) is not None
        _write(settings, found)
    return there


@contextmanager
def alone(settings: Settings, what: str, *, wait: bool) -> Iterator[bool]:
    """Whether nobody else does ``what`` meanwhile (sure, if it waits for them); the system lets go
    of it when a process dies."""
    root = settings.lake_path
    path = root / "_locks" / f"{what}.lock"
    stay_inside(root, path)
    if not path.parent.is_dir():
        # Whoever opens the lake takes this folder for a sign that the lake itself is durable.
        LocalStorage(root).make("_locks")
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(fd)


def _write(settings: Settings, noted: Mapping[str, str]) -> None:
    since = clock.iso(clock.now() - KEPT)
    kept = {run: at for run, at in noted.items() if at >= since}
    LocalStorage(settings.lake_path).put(NOTE, hjson.dumps(kept).encode())


def _noted(settings: Settings) -> dict[str, str]:
    """Runs and when somebody was told; a note that cannot be read counts as none."""
    try:
        data = LocalStorage(settings.lake_path).read(NOTE)
        found = hjson.loads(data) if data else {}
        return {str(run): str(at) for run, at in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}
