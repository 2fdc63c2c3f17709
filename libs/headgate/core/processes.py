"""Processes as the operating system sees them: who descends from whom, and how they end for certain."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from headgate.core import clock

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_CLONE_NEWUSER = 0x10000000
#: Whom the database believes to run as where it is started by root, who may not run it.
_NOBODY = 65534


@dataclass(frozen=True)
class Seen:
    """A process: its parent, its session, and when it began (in whatever the system counts)."""

    pid: int
    parent: int
    session: int
    began: str


def everyone() -> dict[int, Seen]:
    """All processes that live, zombies left out."""
    found = {}
    if not Path("/proc/self/stat").exists():
        return _by_ps()
    for folder in os.listdir("/proc"):
        if not folder.isdigit():
            continue
        try:
            text = Path(f"/proc/{folder}/stat").read_text("utf-8", "replace")
        except OSError:
            continue
        # The name, in brackets, may hold anything.
        told = text.rpartition(")")[2].split()
        if told[0] not in ("Z", "X"):
            pid = int(folder)
            found[pid] = Seen(pid, int(told[1]), int(told[3]), told[19])
    return found


def _by_ps() -> dict[int, Seen]:
    asked = ["ps", "-A", "-o", "pid=,ppid=,sess=,state=,lstart="]
    lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
    found = {}
    for line in lines:
        pid, parent, _, state, began = line.split(None, 4)
        if not state.startswith("Z"):
            with contextlib.suppress(OSError):
                found[int(pid)] = Seen(int(pid), int(parent), os.getsid(int(pid)), began)
    return found


def descendants(pid: int) -> set[int]:
    """All that descend from ``pid`` and live."""
    seen = everyone()
    found: set[int] = set()
    fresh = {pid}
    while fresh:
        fresh = {s.pid for s in seen.values() if s.parent in fresh} - found
        found |= fresh
    return found


def alive(pid: int) -> bool:
    """Whether it is there, and not only waits to be told of."""
    return pid in everyone()


def kill(pids: Iterable[int], how: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to each; whoever is gone already does not mind."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)


def end_descendants(within: float = 20.0) -> set[int]:
    """Kill all that descend from this process until none is left; gives those that would not go.

    Who is killed may leave children, which become ours if this process adopts (see :func:`adopt`).
    """
    until = clock.monotonic() + within
    while left := descendants(os.getpid()):
        kill(left)
        reap()
        if clock.monotonic() > until:
            return left
        clock.sleep(0.02)
    return set()


def reap() -> dict[int, int]:
    """The children that ended since, with their exit codes (negative: the signal)."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if not pid:
            return ended
        ended[pid] = os.waitstatus_to_exitcode(status)


def adopt() -> None:
    """Become the parent of every descendant whose own parent dies (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """To be called in a child before it becomes its program (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def not_root() -> None:
    """To be called in a child before it becomes its program: root seems to be nobody from then on.

    In a user namespace of its own: no account is made, and all files stay root's.

    Raises:
        OSError: the system allows no such namespace.
    """
    if os.geteuid() != 0 or sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "no user namespace may be made here")
    for what, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{_NOBODY} 0 1"),
        ("gid_map", f"{_NOBODY} 0 1"),
    ):
        Path(f"/proc/self/{what}").write_text(text)
