"""Who sends to a destination, by its type; and a limit on how long anybody waits for it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from headgate.core.errors import SettingError
from headgate.core.forwards import Destination
from headgate.lineage.forwarding.answers import NotTaken, Refusal, Sender, said


def make(destination: Destination) -> Sender:
    """The sender of a destination's type; it connects when it first sends.

    Raises:
        SettingError: the configuration is wrong, or what it needs is not installed.
    """
    try:
        return _made(destination)
    except SettingError as error:
        if error.place:
            raise
        raise SettingError(
            f"destination {destination.name!r} of lineage: {error.message}",
            remedy=error.remedy or "docs/how-to/forward-lineage.md has the types.",
            place=destination.place,
        ) from None


def _made(destination: Destination) -> Sender:
    config = destination.resolved()
    if destination.kind == "store":
        from headgate.lineage.forwarding.storing import Storing

        return Storing(config)
    if destination.kind in ("http", "headgate"):
        from headgate.lineage.forwarding import posting

        if posting.speaks(config):
            return posting.Single(config) if destination.kind == "http" else posting.Batches(config)
        if destination.kind == "headgate":
            more = ", ".join(sorted(set(config) - posting.KEYS)) or "a proxy, or this kind of auth"
            raise SettingError(f"type headgate does not know {more}; type http does.")
    from headgate.lineage.forwarding import client_transports

    return client_transports.of(destination.kind, config)


class Bounded:
    """A sender that is waited for no longer than is said, whatever a library or a network does.

    It works in a thread of its own. One that does not come back is left to itself, and the next
    attempt has a new one: what it may still send is sent again, as at any other interruption.
    """

    def __init__(self, make: Callable[[], Sender]) -> None:
        self._make = make
        self._worker: _Worker | None = None

    def most(self, seconds: float) -> int:
        """How many events are taken at once.

        Raises:
            NotTaken: the sender is not made within ``seconds``.
            SettingError: it cannot be made.
        """
        found: int = self._asked(lambda sender: sender.most, seconds)
        return found

    def send(self, events: Sequence[bytes], seconds: float) -> tuple[Refusal, ...]:
        """Send the events, see :meth:`Sender.send`.

        Raises:
            NotTaken: as there, or nothing came back within ``seconds``.
        """
        found: tuple[Refusal, ...] = self._asked(
            lambda sender: sender.send(events, seconds), seconds
        )
        return found

    def close(self) -> None:
        """Let go of the sender, without waiting for it."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.jobs.put(None)

    def _asked(self, job: Callable[[Sender], Any], seconds: float) -> Any:
        if self._worker is None:
            self._worker = _Worker(self._make)
        worker = self._worker
        worker.jobs.put(job)
        try:
            found = worker.results.get(timeout=max(0.05, seconds))
        except queue.Empty:
            self.close()
            raise NotTaken(f"no answer within {seconds:.3g} s", silent=True) from None
        if isinstance(found, BaseException):
            if not isinstance(found, NotTaken | SettingError):
                self.close()
                raise NotTaken(f"sending failed ({type(found).__name__}: {said(str(found))})")
            raise found
        return found


class _Worker:
    """A thread that has one sender and does one job after the other."""

    def __init__(self, make: Callable[[], Sender]) -> None:
        self.jobs: queue.SimpleQueue[Callable[[Sender], Any] | None] = queue.SimpleQueue()
        self.results: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._make = make
        threading.Thread(target=self._work, daemon=True, name="lineage-forward").start()

    def _work(self) -> None:
        sender: Sender | None = None
        while (job := self.jobs.get()) is not None:
            try:
                sender = sender or self._make()
                self.results.put(job(sender))
            except BaseException as error:
                self.results.put(error)
        if sender is not None:
            with suppress(Exception):  # nobody waits for it any more
                sender.close()
