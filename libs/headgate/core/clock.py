"""The one door to time: everything that asks what time it is asks here, so tests can answer."""

from __future__ import annotations

import threading
import time as _time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_frozen: datetime | None = None
_of_thread = threading.local()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """The current instant, UTC, microsecond precision."""
    held: datetime | None = getattr(_of_thread, "held", None)
    if held is not None:
        return held
    if _frozen is not None:
        return _frozen
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never goes back; only differences mean anything."""
    return _time.perf_counter()


def sleep(seconds: float) -> None:
    """Wait that many seconds."""
    _time.sleep(seconds)


def epoch_millis(at: datetime | None = None) -> int:
    """Milliseconds since 1970-01-01 UTC of ``at`` (default: now)."""
    return int((at or now()).timestamp() * 1000)


def micros(at: datetime | None = None) -> int:
    """Whole microseconds since 1970 of ``at`` (default: now); one without a zone is taken as UTC."""
    found = at or now()
    return ((found if found.tzinfo else found.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """The instant that :func:`micros` made a number of."""
    return _EPOCH + timedelta(microseconds=at)


def iso(at: datetime | None = None) -> str:
    """``at`` (default: now) as ISO 8601 with microseconds and a trailing ``Z``."""
    moment = (at or now()).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def parse_iso(text: str) -> datetime:
    """The instant that ``iso`` wrote.

    Raises:
        ValueError: the text is no ISO 8601 instant.
    """
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def hours_since(at: datetime) -> float:
    """Hours from ``at`` until now."""
    return (now() - at) / timedelta(hours=1)


@contextmanager
def held(at: datetime) -> Iterator[None]:
    """Have it be ``at`` for this thread within the block: other threads see the time pass."""
    before = getattr(_of_thread, "held", None)
    _of_thread.held = at
    try:
        yield
    finally:
        _of_thread.held = before


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Hold the clock at ``at`` within the block (for tests)."""
    global _frozen
    before, _frozen = _frozen, at
    try:
        yield
    finally:
        _frozen = before
