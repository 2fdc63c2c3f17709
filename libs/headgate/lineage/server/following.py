"""A thread that takes what is appended to a lake's event files while the server runs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.core import clock
from headgate.lineage.server.problems import log

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store

#: How often the files are looked at.
SECONDS = 1.0


class Follower:
    """Catches up with ``files`` and goes on to watch them grow.

    A problem with them is told by :attr:`problem` and tried again: what is asked is answered all
    the same, from what the store has.
    """

    def __init__(self, store: Store, files: Sequence[Path], *, lake: str | None) -> None:
        self._store, self._files, self._lake = store, tuple(files), lake
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._work, name="lineage-follower", daemon=True)
        self._seen: tuple[tuple[int, int, int] | None, ...] = ()
        #: When all that was in the files was last in the store.
        self.caught_up_at: datetime | None = None
        self.accepted = 0
        self.problem = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """What is followed; a file may not be there yet."""
        return self._files

    def start(self) -> None:
        """Begin, if there is anything to follow."""
        if self._files:
            self._thread.start()

    def stop(self) -> None:
        """End after what is being taken."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while True:
            try:
                self._look()
                self.problem = ""
            except Exception as error:
                if not self.problem:
                    log.warning("the event files could not be taken", exc_info=True)
                self.problem = str(error)
                self._ends.wait(10 * SECONDS)
            if self._ends.wait(SECONDS):
                return

    def _look(self) -> None:
        from headgate.lineage.store.catching_up import catch_up

        at, sizes = clock.now(), tuple(_size(path) for path in self._files)
        if sizes != self._seen:
            taken = catch_up(self._store, self._files, lake=self._lake)
            self.accepted += taken.accepted
            self._seen = sizes
        self.caught_up_at = at


def _size(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
