"""Keeps what is known of the platform up to date, beside the requests that ask for it."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

from headgate.core import clock
from headgate.core.errors import HeadgateError
from headgate.orchestration.project import Project
from headgate.portal.knowing.gathering import Gathering
from headgate.portal.knowing.known import Known

if TYPE_CHECKING:
    from headgate.portal.knowing.promised import Progress

#: With so many datasets at the most, whoever asks looks whether something moved: it takes less than
#: a millisecond, and what one did a moment ago is seen at once.
SMALL = 200
#: A look takes this share of a processor at the most.
_SHARE = 0.02
#: After a look that failed: seconds, and how many times as long as it took to fail.
_AFTER_TROUBLE, _PATIENCE = 10.0, 10.0


class Watcher:
    """Knows the platform of a project; ``every`` is how many seconds lie between two looks at least.

    Small lakes are looked at when somebody asks. Large ones by a thread of its own, which begins with
    the first question: nobody waits for it but who comes first.
    """

    def __init__(
        self,
        project: Project,
        *,
        every: float = 2.0,
        progress: Progress | None = None,
    ) -> None:
        self._project, self._every = project, every
        self._progress: Progress = progress or (lambda what, count: None)
        self._gathering = Gathering(project.settings, self._progress)
        self._known: Known | None = None
        self._looking, self._beginning = threading.Lock(), threading.Lock()
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def now(self) -> Known:
        """What is known; only the first to ask waits for it.

        Raises:
            HeadgateError: the platform cannot be looked at, and never could.
        """
        known = self._known
        if known is None:
            return self.looked()
        if len(known.datasets) <= SMALL:
            return self._look(known)
        self._begin()
        return known

    def looked(self) -> Known:
        """What is known after a look that begins now; waits for it.

        Raises:
            HeadgateError: the platform cannot be looked at.
        """
        with self._looking:
            if self._known is None or self._gathering.moved():
                self._known = self._gathered()
            return self._known

    def look_soon(self) -> None:
        """Let the next look not be waited for: something was just done that it will show."""
        self._wake.set()

    def stop(self) -> None:
        """Look no more; waits until the look that is going on has ended."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _look(self, known: Known) -> Known:
        """A look by who asks; if somebody else is looking, what is known already."""
        if not self._looking.acquire(blocking=False):
            return known
        try:
            if self._gathering.moved():
                self._known = self._gathered()
        except HeadgateError as error:
            self._known = dataclasses.replace(known, trouble=str(error))
        finally:
            self._looking.release()
        return self._known or known

    def _gathered(self) -> Known:
        try:
            return self._gathering.gathered()
        except BaseException:
            # What was read of a ledger before it failed must not be counted twice, nor left out.
            self._gathering = Gathering(self._project.settings, self._progress)
            raise

    def _begin(self) -> None:
        if self._thread is not None or self._stopped.is_set():
            return
        with self._beginning:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._go_on, name="headgate-knowing", daemon=True
                )
                self._thread.start()

    def _go_on(self) -> None:
        pause = self._every
        while not self._stopped.is_set():
            self._wake.wait(pause)
            self._wake.clear()
            if self._stopped.is_set():
                return
            began = clock.monotonic()
            try:
                self.looked()
                pause = max(self._every, (clock.monotonic() - began) / _SHARE)
            except Exception as error:  # whatever it is, what is known stays known
                pause = max(_AFTER_TROUBLE, (clock.monotonic() - began) * _PATIENCE)
                if self._known is not None:
                    self._known = dataclasses.replace(self._known, trouble=str(error))
