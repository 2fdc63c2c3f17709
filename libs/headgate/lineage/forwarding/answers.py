"""What a destination may answer: it took an event, refuses one for good, or takes none just now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from headgate.core import clock
from headgate.core.secrets import redact

#: Statuses that say nothing of the event: come again.
_AGAIN = frozenset({408, 421, 423, 425, 429})
#: Statuses that say that we are not let in, or are at the wrong door: no event would be taken.
_WRONG_DOOR = frozenset({401, 402, 403, 404, 405, 406, 407, 411, 415, 426, 431, 511})
#: So much of what a server says is kept.
_LONGEST = 500
#: Nobody is asked to wait for longer.
_LONGEST_WAIT = 3600.0


@dataclass(frozen=True)
class Refusal:
    """An event that will never be taken as it is: its ``index`` among those sent, and why.

    ``status`` is HTTP's, None elsewhere.
    """

    index: int
    why: str
    status: int | None = None


class NotTaken(Exception):
    """Nothing is known to be taken, and it is nothing about the events.

    ``after``: seconds that the destination asks to wait. ``lasting``: it will not pass by itself
    (we are not let in, or ask at the wrong door). ``silent``: nobody answered at all.
    """

    def __init__(
        self, why: str, *, after: float | None = None, lasting: bool = False, silent: bool = False
    ) -> None:
        super().__init__(said(why))
        self.after, self.lasting, self.silent = after, lasting, silent


class Sender(Protocol):
    """Sends events to one destination. ``most`` is how many it takes at once."""

    most: int

    def send(self, events: Sequence[bytes], seconds: float) -> tuple[Refusal, ...]:
        """Send these JSON objects, in this order; gives those that were refused for good. All others
        were taken when this returns.

        Raises:
            NotTaken: perhaps some, perhaps none of them were taken.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def of_status(host: str, status: int, text: str, retry_after: str | None) -> Refusal | None:
    """What a status of HTTP means for a single event: None if it was taken, else why it is refused.

    Raises:
        NotTaken: it is nothing about the event.
    """
    if 200 <= status < 300:
        return None
    told = f"{host} answered {status}" + (f": {said(text)}" if text.strip() else "")
    if 300 <= status < 400:
        raise NotTaken(f"{host} answered {status}: it sends us elsewhere", lasting=True)
    if status in _WRONG_DOOR:
        raise NotTaken(told, lasting=True)
    if status >= 500 or status in _AGAIN or status < 200:
        raise NotTaken(told, after=seconds_of(retry_after))
    return Refusal(0, told, status)


def seconds_of(retry_after: str | None) -> float | None:
    """The seconds that a header Retry-After asks to wait: a number, or a date of HTTP."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        from email.utils import parsedate_to_datetime

        try:
            seconds = (parsedate_to_datetime(retry_after) - clock.now()).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(0.0, seconds), _LONGEST_WAIT) if seconds == seconds else None


def said(text: str) -> str:
    """What somebody else said, as one line without secrets and of bounded length."""
    plain = "".join(c if c.isprintable() else " " for c in redact(text))
    line = " ".join(plain.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST].rstrip() + " …"
