"""One door for work that may lose a race: plan, commit, and where somebody was first, plan anew.

What keeps the table right is the swap of its log's newest version, which one writer wins. The rest
is manners: a writer that lost goes alone the next time, as far as others on this machine wait for
it, so that a long plan is not lost to short ones again and again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import duckdb

from headgate.core import clock
from headgate.core.errors import ConflictError, LakeError
from headgate.lake import lognames
from headgate.lake.engines import EngineError
from headgate.lake.lake import LOCKS, Lake

#: Longest wait for others to go first, in seconds; after that a writer goes all the same.
PATIENCE = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 1.0
#: What the engine says where a file that a snapshot names was vacuumed meanwhile.
_GONE = re.compile(r"No files found|No such file or directory")

_Found = TypeVar("_Found")


def again(lake: Lake, table: str, once: Callable[[], _Found]) -> _Found:
    """What ``once`` gives, which is called anew where it lost a race for the table at key ``table``.

    ``once`` plans on a fresh snapshot and commits. It lost if it raises ConflictError, or if a file
    that it wanted to read is gone while the table moved on. It is called at most
    ``commit_retries`` times more, after pauses that grow.

    Raises:
        ConflictError: others kept committing first; nothing of ours was published.
    """
    most = lake.settings.commit_retries
    for tries in range(most + 1):
        try:
            with turn(lake, table, alone=tries > 0):
                return _on_what_there_is(lake, table, once)
        except ConflictError as error:
            if tries == most:
                raise ConflictError(
                    f"{error.message} It was tried {most + 1} times.",
                    remedy=error.remedy or "Nothing was published; run again.",
                    place=error.place,
                ) from None
        clock.sleep(pause(tries))
    raise AssertionError("unreachable")


def pause(tries: int) -> float:
    """Seconds to wait after so many lost races: twice as long each time, and never the same for all."""
    spread: float = random.uniform(0.5, 1.5)  # noqa: S311 - chance, not a secret
    return spread * float(min(_FIRST_PAUSE * 2**tries, _LONGEST_PAUSE))


def _on_what_there_is(lake: Lake, table: str, once: Callable[[], _Found]) -> _Found:
    before = _newest(lake, table)
    try:
        return once()
    except ConflictError:
        raise
    except (LakeError, duckdb.IOException, EngineError) as error:
        # A plan is made from files that maintenance may take away once they are history.
        if not _GONE.search(str(error)) or _newest(lake, table) == before:
            raise
        raise ConflictError(f"{table} moved on while its files were read.") from error


def _newest(lake: Lake, table: str) -> str:
    return lognames.newest(lake.storage.names(f"{table}/_delta_log"))


@contextmanager
def turn(lake: Lake, table: str, *, alone: bool) -> Iterator[None]:
    """Work on a table beside others, or alone, as far as all who write it here take turns.

    Whoever wants to be alone is not kept waiting by those who come after. No promise rests on it:
    where locks cannot be had, or somebody holds one for too long, everybody goes on.
    """
    name = table.replace("/", ".")
    with contextlib.ExitStack() as held:
        until = clock.monotonic() + PATIENCE
        with contextlib.ExitStack() as queue:
            _hold(queue, lake, f"{name}.next", fcntl.LOCK_EX, until)
            _hold(held, lake, f"{name}.lock", fcntl.LOCK_EX if alone else fcntl.LOCK_SH, until)
        yield


def _hold(stack: contextlib.ExitStack, lake: Lake, name: str, how: int, until: float) -> None:
    """Hold the lock until the stack is left; the system frees it when the process dies."""
    try:
        fd = os.open(lake.root / LOCKS / name, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        return  # no folder yet, no space, no permission: only manners are lost
    stack.callback(os.close, fd)
    wait = 0.001
    while clock.monotonic() < until:
        try:
            fcntl.flock(fd, how | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            clock.sleep(random.uniform(0.5, 1.5) * wait)  # noqa: S311
            wait = min(wait * 1.5, 0.02)
        except OSError:
            return
