"""What a post holds, made ready to be stored: large ones are read by processes of their own.

Reading events, checking them and packing them takes longer than storing them, and threads of one
process take turns at it: who stores would wait for whoever reads.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection
from typing import Any

from headgate.core import collecting
from headgate.lineage.server.bodies import aside, parse
from headgate.lineage.server.limits import Limits
from headgate.lineage.server.problems import Problem, Refusal, log
from headgate.lineage.store import taking
from headgate.lineage.store.told import Told

#: Shorter bodies are read sooner than they are handed over; bytes.
LARGE = 131_072
#: So many posts a process has to be read, its next one included, before threads read any beside it.
_AHEAD = 2


@dataclass(frozen=True)
class Read:
    """The events of a post, as far as they are some, what was none, and how many there were."""

    told: Sequence[Told]
    refused: tuple[Refusal, ...]
    count: int


def read(data: bytes, *, several: bool, limits: Limits, lake: str | None) -> Read:
    """What a body holds: one event, or ``several``.

    Raises:
        Problem: it is no JSON, or neither one event nor a list of them.
    """
    found = parse(data, limits.nesting)
    events = _several(found, limits.batch) if several else [_one(found)]
    told, wrong = taking.told_by(events, lake)
    refused = tuple(Refusal(one.index, one.place, one.why) for one in wrong)
    return Read(told, refused, len(events))


def _one(found: Any) -> Any:
    if isinstance(found, list):
        raise Problem(
            422, "This is a list, and one event is expected.",
            remedy="Post several to /api/v1/lineage/batch.",
        )  # fmt: skip
    return found


def _several(found: Any, most: int) -> list[Any]:
    events = found.get("events") if isinstance(found, dict) else found
    if not isinstance(events, list):
        raise Problem(
            422, 'A list of events is expected, or {"events": […]}.',
            remedy="Post a single one to /api/v1/lineage.",
        )  # fmt: skip
    if len(events) > most:
        raise Problem(413, f"A batch may have {most:,} events, and this has {len(events):,}.")
    return events


class Readers:
    """Reads posts: short ones at once, large ones by ``limits.readers`` processes where somebody else
    is busy, since these would wait for each other; else, or without any, by a thread, which is sooner
    done. Where the processes have as much as they read next and nothing is being stored, a thread reads
    one of those that would wait. The first large post of a busy server starts the processes. It is asked
    by the loop that answers alone.
    """

    def __init__(self, limits: Limits, lake: str | None) -> None:
        self._limits, self._lake = limits, lake
        self._processes: ProcessPoolExecutor | None = None
        #: Large posts that processes read or will read, and those that threads do.
        self._handed = self._kept = 0

    async def read(self, data: bytes, *, several: bool, busy: bool) -> Read:
        """What the body holds, as :func:`read` tells it; ``busy``: something is being stored.

        Raises:
            Problem: as there; or the process that read it came to its end.
        """
        work = partial(read, data, several=several, limits=self._limits, lake=self._lake)
        if len(data) < LARGE:
            found: Read = await aside(len(data), work)
            return found
        if self._hands(busy):
            self._handed += 1
            try:
                return await self._by_process(work)
            finally:
                self._handed -= 1
        self._kept += 1
        try:
            found = await aside(len(data), work)
            return found
        finally:
            self._kept -= 1

    def _hands(self, busy: bool) -> bool:
        """Whether the next large post goes to a process."""
        if not self._limits.readers:
            return False
        if busy or self._kept:
            return True
        return 0 < self._handed < _AHEAD * self._limits.readers

    async def _by_process(self, work: Callable[[], Read]) -> Read:
        if self._processes is None:
            self._processes = ProcessPoolExecutor(
                self._limits.readers, multiprocessing.get_context("spawn"), _begin
            )
        processes = self._processes
        try:
            return await asyncio.get_running_loop().run_in_executor(processes, work)
        except BrokenProcessPool:
            log.warning("a process that read posts ended")
            if self._processes is processes:  # all that it read fails; the first has others started
                self._processes = None
            processes.shutdown(wait=False)
            raise Problem(
                503, "Who read this came to an end.", remedy="Post it again, or fewer at once.",
                wait=1.0,
            ) from None  # fmt: skip

    def stop(self) -> None:
        """End the processes; what they still read is answered first."""
        processes, self._processes = self._processes, None
        if processes is not None:
            processes.shutdown()


def _begin() -> None:
    """Of a process that reads: it ends when its server does, and for no signal that both are sent."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    collecting.seldom().__enter__()
    threading.Thread(target=_end_with_server, daemon=True).start()


def _end_with_server() -> None:
    server = multiprocessing.parent_process()
    if server is not None:
        connection.wait([server.sentinel])
        os._exit(1)
