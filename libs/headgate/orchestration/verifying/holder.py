"""Who holds the lake: a run that is going on, one that died holding it, or nobody; takes no lock itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from headgate.core import clock
from headgate.core import json as hjson
from headgate.lake.lake import LOCKS


@dataclass(frozen=True)
class Holder:
    """What the lock says of the run that took it last and did not let go; ``alive`` if it still runs."""

    run_id: str
    command: str
    since: datetime
    alive: bool


def holder(root: Path) -> Holder | None:
    """The run that holds the lake or died holding it; None if nobody does.

    The lock is only looked at: a reader that took it, however shortly, could turn a run away.
    """
    path = root / LOCKS / "run.lock"
    try:
        told = hjson.loads(path.read_bytes() or b"null")
        if not told:
            return None
        alive = _runs(int(told["pid"])) and _locked(path)
        return Holder(
            str(told["run"]), str(told["command"]), clock.parse_iso(str(told["since"])), alive
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it is being taken, or let go, this moment


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _locked(path: Path) -> bool:
    """Whether the system knows of a lock on the file; assumed where it does not say."""
    try:
        stat, lines = path.stat(), Path("/proc/locks").read_text().splitlines()
    except OSError:
        return True
    device = f"{os.major(stat.st_dev):02x}:{os.minor(stat.st_dev):02x}"
    return any(f"{device}:{stat.st_ino} " in line for line in lines if "FLOCK" in line)
