"""The processes that a process has started, they and what they started."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path


def of(pid: int) -> set[int]:
    """All that descend from ``pid`` and live."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if stat[0] != "Z":
                parents[int(folder.name)] = int(stat[1])
    found: set[int] = set()
    fresh = {pid}
    while fresh:
        fresh = {p for p, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


def alive(pid: int) -> bool:
    """Whether it is there, and not only waits to be told of."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: Iterable[int], *, within: float = 20.0) -> bool:
    """Whether all of them are gone, waiting so long for it."""
    until = time.monotonic() + within
    left = set(pids)
    while left and time.monotonic() < until:
        left = {p for p in left if alive(p)}
        time.sleep(0.02)
    return not left
