"""What ran out or gave way (disk, memory, open files), told in one sentence with place and remedy.

The one door for it: whatever library met it, and however it says so.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headgate.core.errors import HeadgateError, ResourceError

_AGAIN = "then run again: what was committed stays, and the rest is done then."
_THREAD = f"Free some memory, or raise the limit of processes (ulimit -u), {_AGAIN}"
_REMEDIES = {
    errno.EAGAIN: _THREAD,
    errno.ENOSPC: f"Free some space, {_AGAIN}",
    errno.EDQUOT: f"Free some space or raise the quota, {_AGAIN}",
    errno.EROFS: f"Make the file system writable, {_AGAIN}",
    errno.EACCES: f"Give the user who runs Headgate permission, {_AGAIN}",
    errno.EPERM: f"Give the user who runs Headgate permission, {_AGAIN}",
    errno.EIO: f"Look at the disk and the system's log, {_AGAIN}",
    errno.EMFILE: f"Raise the limit of open files (ulimit -n), {_AGAIN}",
    errno.ENFILE: f"Raise the system's limit of open files, {_AGAIN}",
    errno.ENOMEM: f"Free some memory, {_AGAIN}",
}
_OTHER = f"See to it, {_AGAIN}"
_MEMORY = (
    "Raise HEADGATE_MEMORY_LIMIT if the machine has more memory, or lower HEADGATE_THREADS, "
    f"{_AGAIN}"
)
_SPILL = f"Raise HEADGATE_SPILL_LIMIT or HEADGATE_MEMORY_LIMIT, {_AGAIN}"
#: How libraries written in other languages name the system's errors.
_NUMBERED = re.compile(r"\(os error (\d+)\)|\[Errno (\d+)\]|\bOs \{ code: (\d+)")
#: What Polars says of a file whose end could not be written or read, whatever the system said.
_UNNAMED = "Invalid thrift: transport error"
_ONE_OF = "Input/output error, no space left on device, or the like"
_QUOTED = re.compile(r"""["'](/[^"']+)["']""")
#: What engines say of the system's errors without their number.
_NAMED = (*_REMEDIES.keys() - {errno.EAGAIN}, errno.EFBIG)  # that one is a file's lock as well
#: In which of their errors they do; others may quote what was read.
_OF_SYSTEM = ("IOException", "FatalException", "TransactionException")
#: Libraries whose errors are looked into; others' say nothing of the system.
_LIBRARIES = (
    "duckdb", "_duckdb", "polars", "deltalake", "_internal", "pyarrow", "sqlite3", "pyo3_runtime",
)  # fmt: skip


def of(error: BaseException, place: Path | str = "") -> ResourceError | None:
    """The error as what ran out, or None if it is of another kind. ``place`` is the best guess.

    Already told errors come back as they are.
    """
    if isinstance(error, ResourceError):
        return error
    if isinstance(error, HeadgateError):
        return None
    if isinstance(error, OSError):
        return of_system(error, place)
    if isinstance(error, MemoryError):
        return ResourceError("Memory ran out.", remedy=_MEMORY, place=str(place), everywhere=False)
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return ResourceError("No new thread can be started.", remedy=_THREAD, place=str(place))
    if type(error).__module__.partition(".")[0] in _LIBRARIES:
        return _of_library(error, place)
    return None


@contextmanager
def told(place: Path | str = "") -> Iterator[None]:
    """Within the block whatever runs out is raised as a :class:`ResourceError`."""
    try:
        yield
    except BaseException as error:  # a panic of a library in Rust is no Exception
        found = of(error, place)
        if found is None or found is error:
            raise
        raise found from error


def of_system(error: OSError, place: Path | str = "") -> ResourceError:
    """An error of the system as what gave out; ``place`` where it does not name a file itself."""
    where = error.filename2 or error.filename or place
    if isinstance(where, bytes):
        where = os.fsdecode(where)
    number = error.errno if error.errno is not None else _number(str(error))
    message = error.strerror or (os.strerror(number) if number else str(error) or "failed")
    return _error(number, message, str(where))


def _of_library(error: BaseException, place: Path | str) -> ResourceError | None:
    text, name = str(error), type(error).__name__
    first = (text.splitlines() or [name])[0]
    if name == "OutOfMemoryException":
        spilled = "max_temp_directory_size" in text or "temp directory" in text.lower()
        return ResourceError(
            f"The engine ran out of {'room to spill' if spilled else 'memory'}: {first.rstrip('.')}.",
            remedy=_SPILL if spilled else _MEMORY, place=str(place), everywhere=False,
        )  # fmt: skip
    number = _number(text)
    if number is None and name in _OF_SYSTEM:
        number = next((n for n in _NAMED if os.strerror(n) in text), None)
    if number is None and _UNNAMED in text:
        return ResourceError(
            f"{_ONE_OF}; the library that met it does not say which ({name}).",
            remedy=f"Look at the disk's space, its quota and the system's log, {_AGAIN}",
            place=str(place),
        )
    if number is None:
        return None
    quoted = _QUOTED.search(text)
    return _error(number, os.strerror(number), quoted[1] if quoted else str(place))


def _number(text: str) -> int | None:
    found = _NUMBERED.search(text)
    return int(found[1] or found[2] or found[3]) if found else None


def _error(number: int | None, message: str, place: str) -> ResourceError:
    return ResourceError(
        f"{message.rstrip('.')}.",
        remedy=_REMEDIES.get(number or 0, _OTHER), place=place,
    )  # fmt: skip
