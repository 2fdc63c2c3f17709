"""What Spark raises, as one error of ours with one sentence: its traces run to hundreds of lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from headgate.core.errors import HeadgateError, ResourceError
from headgate.lake.engines import EngineError

#: How Spark says that a file which a snapshot names is not there any more.
_GONE = re.compile(r"PATH_NOT_FOUND|FILE_NOT_EXIST|FileNotFoundException|does not exist")
#: What the system said, wherever in a trace it stands.
_SYSTEM = re.compile(r"[^\n]*(?:No space left on device|Disk quota exceeded|Too many open files)")
_MEMORY = re.compile(r"java\.lang\.OutOfMemoryError[^\n]*")
_ROOM = (
    "Free some space, or raise spark_memory or what [spark] in headgate.toml gives executors; then"
    " run again: what was committed stays, and the rest is done then."
)
_CONDITION = re.compile(r"\[([A-Z_]+(?:\.[A-Z_]+)*)\]\s*([^\n]*)")


@contextmanager
def told() -> Iterator[None]:
    """Within the block what Spark raises comes out as :class:`headgate.lake.engines.EngineError`, or
    as :class:`headgate.core.errors.ResourceError` where a disk or memory gave out."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except HeadgateError:
        raise
    except (PySparkException, Py4JError) as error:
        said = sentence(str(error))
        if _SYSTEM.search(said) or _MEMORY.search(said):
            raise ResourceError(f"Spark met the machine's limits: {said}", remedy=_ROOM) from error
        raise EngineError(said) from error


def sentence(trace: str) -> str:
    """The one sentence of a trace that says what was wrong."""
    for pattern in (_SYSTEM, _MEMORY):
        if found := pattern.search(trace):
            return found[0].strip()
    condition = _innermost(trace)
    if condition is None:
        first = (trace.strip().splitlines() or ["it gave no reason"])[0]
        gone = "No such file or directory: " if _GONE.search(trace) else ""
        return f"{gone}{first}"[:500]
    name, text = condition
    if _GONE.search(name):
        return f"No such file or directory: {text}"[:500]
    return f"{name}: {text}"[:500]


def _innermost(trace: str) -> tuple[str, str] | None:
    """The last error condition that Spark names: the others tell of the stage that met it."""
    found = [m for m in _CONDITION.finditer(trace) if not m[1].startswith(("FAILED_", "JOB_"))]
    if not found:
        return None
    return found[0][1], found[0][2]
