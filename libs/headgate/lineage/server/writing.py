"""One thread that stores what is posted: all that came while it was busy goes into the next commit."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from headgate.lineage.server.limits import Limits
from headgate.lineage.server.problems import Problem, log
from headgate.lineage.store.instants import now

if TYPE_CHECKING:
    from headgate.lineage.access import Keys
    from headgate.lineage.store.opening import Store
    from headgate.lineage.store.told import Told

#: Events that go into one commit at the most, unless one post alone has more.
GROUP = 1_000


class Stored(NamedTuple):
    """What became of one post: how many events are new, and how many were there."""

    accepted: int
    repeated: int


@dataclass
class _Post:
    told: Sequence[Told]
    size: int
    answer: Future[Stored] = field(default_factory=Future)


@dataclass
class Counts:
    """What was done since the start."""

    accepted: int = 0
    repeated: int = 0
    commits: int = 0
    failed: int = 0


class Writer:
    """Takes posts of any thread and answers each when its events are durable.

    ``lake`` is whose paths and names the events may speak of, as :func:`taking.take` has it.
    """

    def __init__(self, store: Store, limits: Limits, *, lake: str | None, keys: Keys) -> None:
        self._store, self._limits, self._lake, self._keys = store, limits, lake, keys
        self._posts: deque[_Post] = deque()
        self._events = self._bytes = 0
        self._changed = threading.Condition()
        self._ends = False
        self._thread = threading.Thread(target=self._work, name="lineage-writer", daemon=True)
        self.counts = Counts()

    @property
    def waiting(self) -> int:
        """Events that were posted and are not stored yet."""
        return self._events

    def start(self) -> None:
        """Begin to store."""
        self._thread.start()

    def stop(self) -> None:
        """Store all that was posted, and end."""
        with self._changed:
            self._ends = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._keys.note_use(now=True)

    def put(self, told: Sequence[Told], size: int) -> Future[Stored]:
        """Have what events tell stored; the answer comes when they are durable. ``size`` in bytes.

        Raises:
            Problem: so much is waiting that it is better to come again; or it is about to stop.
        """
        post = _Post(told, size)
        with self._changed:
            if self._ends:
                raise Problem(503, "The server is stopping.", remedy="Post it again.", wait=5.0)
            limits = self._limits
            full = (
                self._events + len(told) > max(limits.waiting_events, len(told))
                or self._bytes + size > max(limits.waiting_bytes, size)
            )  # fmt: skip
            if full:
                raise Problem(
                    429,
                    f"{self._events:,} events are waiting to be stored.",
                    remedy="Post it again.",
                    wait=1.0,
                )
            self._posts.append(post)
            self._events += len(told)
            self._bytes += size
            self._changed.notify()
        return post.answer

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._posts and not self._ends:
                    self._changed.wait(30.0)
                if not self._posts and self._ends:
                    return
                group = self._next()
            if group:
                self._store_all(group)
                with self._changed:
                    self._forget(group)
            self._note_use()

    def _next(self) -> list[_Post]:
        """The posts that go into one commit, the oldest first; of one whose sender is gone nothing
        was promised."""
        group: list[_Post] = []
        size = 0
        while self._posts and (not group or size + len(self._posts[0].told) <= GROUP):
            post = self._posts.popleft()
            if post.answer.set_running_or_notify_cancel():
                group.append(post)
                size += len(post.told)
            else:
                self._forget([post])
        return group

    def _forget(self, posts: Sequence[_Post]) -> None:
        self._events -= sum(len(post.told) for post in posts)
        self._bytes -= sum(post.size for post in posts)

    def _store_all(self, group: Sequence[_Post]) -> None:
        """In one commit; where that fails and posts of several are in it, each in its own."""
        try:
            answers = self._take(group)
        except Exception as error:
            if len(group) > 1:
                for post in group:
                    self._store_all([post])
                return
            self.counts.failed += 1
            group[0].answer.set_exception(error)
            return
        for post, stored in zip(group, answers, strict=True):
            post.answer.set_result(stored)

    def _take(self, group: Sequence[_Post]) -> list[Stored]:
        from headgate.lineage.store import taking

        told = [one for post in group for one in post.told]
        numbered = [one._replace(order=number) for number, one in enumerate(told)]
        repeats = taking.write(self._store, numbered, received_at=now(), lake=self._lake)
        self.counts.commits += 1
        self.counts.repeated += len(repeats)
        self.counts.accepted += len(told) - len(repeats)
        stored, begin = [], 0
        for post in group:
            end = begin + len(post.told)
            repeated = sum(begin <= number < end for number in repeats)
            stored.append(Stored(end - begin - repeated, repeated))
            begin = end
        return stored

    def _note_use(self) -> None:
        try:
            self._keys.note_use()
        except Exception:
            log.warning("it could not be noted that tokens were used", exc_info=True)
