"""The process that reads files: takes one after another, and tells what came of each.

It opens no table for writing, holds no lock and commits nothing; what it writes is staged.
"""

from __future__ import annotations

import errno
import math
import os
import pickle
import resource
import signal
import socket
import traceback
from pathlib import Path

from headgate.core import environment, resources
from headgate.core.errors import HeadgateError, LakeError, ResourceError
from headgate.ingest.isolation import channel, report
from headgate.ingest.isolation.limits import Limits, crashed
from headgate.ingest.isolation.request import Desk, Request, carry_out
from headgate.ingest.readers.base import Unsafe

READY = b'{"ready":true}'
#: What the hard limits are above those that the supervisor watches: they are the net below. The
#: system counts memory there that is only reserved, of which the engine has 1.6 GB on two cores.
_SPARE_SECONDS, _SPARE_MEMORY = 2, 4 << 30
#: What any other file would meet as well.
_EVERYWHERE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def serve(sock: socket.socket) -> None:
    """Take files until nobody asks for any more."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    desk = Desk()
    while True:
        try:
            # From the run itself, which trusts no answer of ours; it is the answers that are JSON.
            request: Request = pickle.loads(channel.receive(sock))  # noqa: S301
        except channel.Closed:
            return
        told, fit = _answer(desk, request, sock)
        try:
            channel.send(sock, told.encode())
        except channel.Closed:
            return
        if not fit:
            return


def _answer(desk: Desk, request: Request, sock: socket.socket) -> tuple[str, bool]:
    """What came of a file, and whether this process is fit to take another."""
    try:
        _unbound()  # the keys of parents are the run's own work, and may take long
        con = desk.prepare(request)
        channel.send(sock, READY)
        _bound(request.limits)
        return report.taken_text(carry_out(request, con), request.folder), True
    except channel.Closed:
        raise SystemExit(1) from None
    except Unsafe as error:
        return report.reason_text(error.reason), True
    except HeadgateError as error:
        if os.strerror(errno.EFBIG) in error.message:
            return report.reason_text(request.limits.reason("reader_output")), False
        return report.error_text(error), True
    except MemoryError as error:
        return _of_memory(request, error, ours=not _bounded_from_outside()), False
    except OSError as error:
        if error.errno == errno.EFBIG:
            return report.reason_text(request.limits.reason("reader_output")), False
        return report.error_text(_of_system(request, error)), False
    except Exception as error:
        return _unexpected(request, error), False


def _unexpected(request: Request, error: Exception) -> str:
    """What an error that nobody foresaw says of the file."""
    import duckdb

    if isinstance(error, duckdb.OutOfMemoryException):
        spilled = "temp" in str(error).lower() or "offload" in str(error).lower()
        return _of_memory(request, error, ours=request.capped and not spilled)
    if resources.of(error) is not None:
        return report.error_text(_of_system(request, error))
    if environment.debugging():
        raised = "".join(traceback.format_exception(error))
        return report.error_text(LakeError(f"reading {request.source.name} failed:\n{raised}"))
    first = (str(error).splitlines() or [""])[0][:300]
    return report.reason_text(crashed(f"reading it failed with {type(error).__name__}: {first}"))


def _of_memory(request: Request, error: Exception, *, ours: bool) -> str:
    """Memory is at an end: by the limit that we set a file, or because there is no more."""
    if ours:
        return report.reason_text(request.limits.reason("reader_memory"))
    return report.error_text(_of_system(request, error))


def _of_system(request: Request, error: Exception) -> ResourceError:
    """What ran out or gave way; where it has to do with this file alone, a run goes on."""
    found = resources.of(error, request.source.path)
    assert found is not None
    if isinstance(error, OSError) and error.errno not in _EVERYWHERE:
        found.everywhere = _is_staged(request, error)
    return found


def _is_staged(request: Request, error: OSError) -> bool:
    """Whether it was met at what we write, and not at the file that is read."""
    met = [os.fsdecode(n) for n in (error.filename, error.filename2) if isinstance(n, str | bytes)]
    return any(Path(name).is_relative_to(request.folder) for name in met)


def _bound(limits: Limits) -> None:
    """Set hard limits a little above those that the supervisor watches."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime + limits.seconds + _SPARE_SECONDS
    _soft(resource.RLIMIT_CPU, math.ceil(seconds))
    _soft(resource.RLIMIT_FSIZE, limits.output)
    _soft(resource.RLIMIT_DATA, limits.memory + _SPARE_MEMORY)


def _unbound() -> None:
    """Lift the limits of the file before."""
    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_DATA):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (hard, hard))


def _soft(kind: int, wanted: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY or wanted <= hard:
        resource.setrlimit(kind, (wanted, hard))


def _bounded_from_outside() -> bool:
    """Whether memory is scarce by what this process was started with."""
    return any(
        resource.getrlimit(kind)[1] != resource.RLIM_INFINITY
        for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)
    )


def ignore_interrupts() -> None:
    """Ctrl-C goes to every process of a terminal: it is the run that ends us."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for kind in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.SIG_DFL)


def load_everything() -> None:
    """Import what every file needs, so that a process that is forked off has it."""
    import duckdb  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    from headgate.ingest.readers import base

    for name in base.formats():
        __import__(f"headgate.ingest.readers.{name}")
