"""Reading processes as a run sees them: started, kept for the next file, ended."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from headgate.core import environment
from headgate.core.settings import Settings
from headgate.ingest.isolation import template
from headgate.ingest.isolation.limits import Usage

#: Forked off a process larger than this, readers would begin with too much of what they may use.
_SMALL = 256 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Process:
    """One reading process, and the socket to talk to it."""

    pid: int
    sock: socket.socket
    of: Template

    @property
    def gone(self) -> bool:
        """Whether it ended while nobody asked anything of it."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))

    def used(self) -> Usage:
        """What it has used until now; nothing where the system does not tell, or it is gone."""
        try:
            statm = Path(f"/proc/{self.pid}/statm").read_text().split()
            stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return Usage()
        return Usage(int(statm[1]) * _PAGE, (int(stat[11]) + int(stat[12])) / _TICK)

    def end(self) -> int:
        """End it if it has not ended; gives its exit status, or the signal as a negative number."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        return self.ended()

    def ended(self) -> int:
        """How it ended: its exit status, or the signal as a negative number."""
        self.sock.close()
        return self.of.status(self.pid)


class Template:
    """The process that this one's readers are forked from (see :mod:`.template`)."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.pid = 0
        self.alive = True
        self._lock = threading.Lock()
        self._sock, theirs = socket.socketpair()
        with theirs:
            if _may_fork():
                self._fork(theirs)
            else:
                self._spawn(theirs)

    def fork(self) -> Process:
        """A new reading process.

        Raises:
            OSError: the template is gone.
        """
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                asked = template.FORK + bytes(template.ASKED - 1)
                socket.send_fds(self._sock, [asked], [theirs.fileno()])
                return Process(self._answer(), ours, self)
            except OSError:
                self.alive = False
                ours.close()
                raise

    def load(self) -> None:
        """Let it load what readers need, while this process does something else."""
        with contextlib.suppress(OSError):
            self._sock.sendall(template.LOAD + bytes(template.ASKED - 1))

    def status(self, pid: int) -> int:
        """How a reading process ended, waiting for it."""
        with self._lock:
            try:
                self._sock.sendall(template.STATUS + pid.to_bytes(template.ASKED - 1, "big"))
                return self._answer()
            except OSError:
                self.alive = False
                return -signal.SIGKILL  # its children ended with it

    def close(self) -> None:
        """Let go of it: it ends, and its readers with it."""
        self.alive = False
        self._sock.close()

    def _answer(self) -> int:
        answer = b""
        while len(answer) < 8:
            piece = self._sock.recv(8 - len(answer))
            if not piece:
                raise ConnectionResetError("the template is gone")
            answer += piece
        return int.from_bytes(answer, "big", signed=True)

    def _fork(self, theirs: socket.socket) -> None:
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            kept = os.dup2(theirs.fileno(), 3)
            os.closerange(4, os.sysconf("SC_OPEN_MAX") if sys.platform != "linux" else _highest())
            nothing = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1) if environment.debugging() else (0, 1, 2):
                os.dup2(nothing, fd)
            environment.become(template.SINGLE)
            template.run_and_exit(socket.socket(fileno=kept), parent)

    def _spawn(self, theirs: socket.socket) -> None:
        """Start it as a program; by a thread that stays, for it ends when the thread does."""
        fd = os.dup(theirs.fileno())
        command = [sys.executable, "-P", "-m", template.__name__, str(fd), str(os.getpid())]
        begun = threading.Event()

        def life() -> None:
            try:
                process = subprocess.Popen(
                    command, pass_fds=[fd], env=environment.for_children(template.SINGLE),
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=None if environment.debugging() else subprocess.DEVNULL,
                )  # fmt: skip
                self.pid = process.pid
            finally:
                os.close(fd)
                begun.set()
            process.wait()

        threading.Thread(target=life, name="headgate-readers", daemon=True).start()
        begun.wait()


def _highest() -> int:
    return max(int(name) for name in os.listdir("/proc/self/fd")) + 1


def _may_fork() -> bool:
    """Whether this process has one thread, counting those of libraries, and little memory."""
    try:
        threads = len(os.listdir("/proc/self/task"))
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return False
    return threads == 1 and pages * _PAGE < _SMALL


_template: Template | None = None
_idle: list[Process] = []
_lock = threading.Lock()


def ready_template() -> Template:
    """This process's template, begun if there is none."""
    global _template
    if _template is not None and _template.owner != os.getpid():
        # Of the process that this one was forked from: it and its readers are none of ours.
        _template = None
        _idle.clear()
    if _template is None or not _template.alive:
        _idle.clear()
        _template = Template()
    return _template


def begin_early(settings: Settings) -> None:
    """Begin the template where that costs next to nothing: before this process has a thread. Only
    if files are read in child processes."""
    if settings.readers == "child" and sys.platform == "linux" and _may_fork():
        with _lock:
            ready_template()


def obtain() -> Process:
    """A reading process that waits for a file."""
    with _lock:
        found = ready_template()
        while _idle:
            process = _idle.pop()
            if not process.gone:
                return process
            process.ended()
        try:
            return found.fork()
        except OSError:
            return ready_template().fork()


def give_back(process: Process) -> None:
    """Keep a reading process for the next file."""
    with _lock:
        _idle.append(process)
