"""Whether the log is as it was written: all of it read in the background, and what came since at once."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

from headgate.core import clock
from headgate.core.errors import HeadgateError
from headgate.portal.records import chain
from headgate.portal.records.chain import Verified
from headgate.portal.records.opening import Records

#: How long what was found is told before all is read again.
_FRESH_SECONDS = 300.0
#: How long a page waits for the first answer.
_WAIT_SECONDS = 0.5


@dataclass(frozen=True)
class Checked:
    """What came of the last reading, and when it was done."""

    found: Verified
    at: datetime


class Checker:
    """Reads the log of one portal, one reading at a time."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last: Checked | None = None
        self._ended = 0.0

    def now(self) -> Checked | None:
        """What the last reading found; None as long as the first goes on. It begins one where the
        last is a while ago."""
        with self._lock:
            old = self._last is None or clock.monotonic() - self._ended > _FRESH_SECONDS
            if old and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._read, name="log", daemon=True)
                self._thread.start()
            thread = self._thread
        if self._last is None and thread is not None:
            thread.join(_WAIT_SECONDS)
        return self._last

    def _read(self) -> None:
        try:
            self._last = Checked(chain.verify(self._records), clock.now())
        except HeadgateError:  # who asks next begins anew
            return
        self._ended = clock.monotonic()
