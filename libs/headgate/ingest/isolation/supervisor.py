"""Who watches a reading process: within its limits it may work, beyond them it is ended."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import select
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from headgate.core.errors import HeadgateError
from headgate.ingest.isolation import channel, processes, report
from headgate.ingest.isolation.limits import Limits, Usage, crashed
from headgate.ingest.isolation.request import Request, in_folder
from headgate.ingest.isolation.worker import READY
from headgate.ingest.readers.base import Reason
from headgate.ingest.taken import Taken

#: Milliseconds between two looks at a process: first, and at the most.
_FIRST, _LONGEST = 2, 20
#: Share of the memory that a process may keep between two files.
_KEPT = 0.4
#: Looks at the process between two at what it wrote, which takes longer.
_WRITTEN_EACH = 5
#: Share of the memory limit at which a process that dies is taken to have died of it.
_NEAR = 0.8
#: What ends a process that nobody but us has a quarrel with.
_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGHUP)


class Stopped(Exception):
    """Nobody wants the file any more."""


class _Ended(Exception):
    """The process ended before it told what came of the file."""


@dataclasses.dataclass
class _Watch:
    """One process at work on one file."""

    process: processes.Process
    request: Request
    stopped: Callable[[], bool]
    began: float | None = None
    last: Usage = dataclasses.field(default_factory=Usage)
    looks: int = 0
    #: Whether what the process staged is wanted.
    done: bool = False

    def wait(self) -> bytes | Reason:
        """Wait for what came of the file; a reason, if it passed a limit.

        Raises:
            _Ended: the process did.
            Stopped: nobody wants it any more.
        """
        poll = select.poll()
        poll.register(self.process.sock, select.POLLIN)
        incoming, pause = channel.Incoming(self.process.sock), _FIRST
        while True:
            if poll.poll(pause):
                try:
                    message = incoming.more()
                except channel.Closed:
                    raise _Ended from None
                if message == READY and self.began is None:
                    # What came before is the run's own work: the keys of parents.
                    self.began = self.process.used().seconds
                    incoming = channel.Incoming(self.process.sock)
                elif message is not None:
                    return message
            if self.stopped():
                raise Stopped
            pause = min(pause * 2, _LONGEST)
            code = self._breached()
            if code:
                return self.request.limits.reason(code)

    def written(self) -> int:
        """Bytes that the process has written, as far as they are still there."""
        return sum(map(_size, folders(self.request)))

    def _breached(self) -> str:
        used = self.process.used()
        if used.memory:
            self.last = used
        self.looks += 1
        if self.began is None:
            return ""
        spent = dataclasses.replace(used, seconds=used.seconds - self.began)
        look = self.looks % _WRITTEN_EACH == 0
        written = self.written() if look else 0
        return self.request.limits.breached(spent, written)


def folders(request: Request) -> tuple[Path, Path]:
    """Where a reading process writes: what is staged, and what is spilled or unpacked."""
    return request.folder, request.settings.spill_path.parent


def take(request: Request, stopped: Callable[[], bool] = bool) -> Taken | Reason:
    """Have the file taken; a reason, if it is set aside as a whole.

    A process that somebody else killed is replaced once.

    Raises:
        HeadgateError: what the reading itself raised.
        Stopped: ``stopped``, which is asked now and then, says that nobody wants it any more.
    """
    reason = None
    for _ in range(2):
        process = processes.obtain()
        spill = request.folder.parent / f"reader-{process.pid}" / "spill"
        watch = _Watch(process, in_folder(request, spill), stopped)
        try:
            return _attempt(watch)
        except _Ended:
            status = process.ended()
            reason = _of_death(status, watch.last, request.limits)
            if status not in _FROM_OUTSIDE or reason.code != "reader_crashed":
                break
        except report.Nonsense as error:
            process.end()
            reason = crashed(f"reading it gave no sensible account ({error})")
            break
        except BaseException:
            process.end()
            raise
        finally:
            if not watch.done:
                _sweep(watch.request)
    assert reason is not None
    return reason


def _attempt(watch: _Watch) -> Taken | Reason:
    with contextlib.suppress(channel.Closed):  # it has ended: waiting for its answer tells
        channel.send(watch.process.sock, pickle.dumps(watch.request))
    answer = watch.wait()
    found = answer if isinstance(answer, Reason) else report.read(answer, watch.request.folder)
    if isinstance(found, HeadgateError):
        raise found
    if isinstance(found, Taken) and watch.written() > watch.request.limits.output:
        found = watch.request.limits.reason("reader_output")  # since the last look at it
    watch.done = isinstance(found, Taken)
    if watch.done and watch.process.used().memory < _KEPT * watch.request.limits.memory:
        processes.give_back(watch.process)
    else:
        watch.process.end()
    return found


def _of_death(status: int, last: Usage, limits: Limits) -> Reason:
    """Why a file is set aside whose process ended with this status, having used so much."""
    if status == -signal.SIGXCPU:
        return limits.reason("reader_time")
    if last.memory > _NEAR * limits.memory:
        return limits.reason("reader_memory")
    told = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
    return crashed(f"reading it ended the process that did, with {told}")


def _size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    found = 0
    for above, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                found += os.lstat(os.path.join(above, name)).st_size
    return found


def _sweep(request: Request) -> None:
    """Remove what a process wrote."""
    for folder in folders(request):
        shutil.rmtree(folder, ignore_errors=True)
