"""Fetching messages ahead of the batch that is being committed: a thread, and a queue that fills.

While the queue is full nothing is polled: the client's own queue then fills, and it asks the broker
for no more. So memory is bounded whatever the topic holds.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping, Sequence

from headgate.core import clock
from headgate.ingest.streams.source import Messages, Source

#: Pieces that wait to be put into a batch.
_WAITING = 3
#: Messages that are polled at a time, and bytes that they should not exceed by much.
_MOST, _BYTES = 10_000, 8 << 20
_SECONDS = 0.1
#: How often the broker is asked how far partitions go.
_ENDS_EVERY = 2.0


class Fetcher:
    """Polls a source in a thread. ``ends`` and ``trouble`` are as the source told last; ``whole``:
    what a poll gives is a batch by itself."""

    def __init__(self, source: Source, *, whole: bool = False) -> None:
        self.whole = whole
        self.ends: Mapping[int, int] = {}
        self.trouble = ""
        self._source = source
        self._found: queue.Queue[Messages | Exception] = queue.Queue(_WAITING)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fetching", daemon=True)

    def start(self) -> None:
        """Begin; the source has been assigned."""
        self._thread.start()

    def get(self, seconds: float) -> Messages | None:
        """The next messages, or None if none come within so many seconds.

        Raises:
            HeadgateError: whatever the source ended with.
        """
        try:
            found = self._found.get(timeout=max(seconds, 0.001))
        except queue.Empty:
            return None
        if isinstance(found, Exception):
            raise found
        return found

    def stop(self) -> None:
        """Poll no more; what nobody took is fetched again by whoever goes on."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        size, asked = 500, 0.0
        try:
            while not self._stop.is_set():
                found = self._source.poll(size, _SECONDS)
                self.trouble = self._source.trouble
                if len(found) or found.next:
                    self._put(found)
                if len(found):
                    weight = sum(map(len, filter(None, found.values))) / len(found)
                    size = max(1, min(_MOST, int(_BYTES / max(weight, 1.0))))
                if clock.monotonic() - asked > _ENDS_EVERY:
                    self.ends, asked = self._source.ends() or self.ends, clock.monotonic()
        except Exception as error:
            self._put(error)

    def _put(self, found: Messages | Exception) -> None:
        while not self._stop.is_set():
            try:
                self._found.put(found, timeout=0.2)
            except queue.Full:
                continue
            return


def joined(parts: Sequence[Messages]) -> Messages:
    """Messages that came one after the other, as one."""
    if len(parts) == 1:
        return parts[0]
    headers = [h for p in parts for h in p.headers]
    return Messages(
        parts[0].topic,
        [v for p in parts for v in p.partitions],
        [v for p in parts for v in p.offsets],
        [v for p in parts for v in p.keys],
        [v for p in parts for v in p.values],
        [v for p in parts for v in p.timestamps],
        headers,
        {k: v for p in parts for k, v in p.next.items()},
    )
