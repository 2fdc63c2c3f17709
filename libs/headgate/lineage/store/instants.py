"""Instants as the store keeps them: whole microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import datetime

from headgate.core.clock import micros, moment

__all__ = ["micros", "moment", "now", "parse"]


def now() -> int:
    """This instant."""
    return micros()


def parse(text: str) -> int:
    """An event's time, as RFC 3339 has it; digits beyond microseconds are dropped.

    A time without a zone, as older producers write it, is UTC; a leap second is the one before.

    Raises:
        ValueError: the text is no such time.
    """
    if len(text) < 19 or text[4] != "-" or text[7] != "-" or text[10] not in "Tt ":
        raise ValueError(f"{text[:40]!r} is no date and time")
    if text[17:19] == "60":
        text = f"{text[:17]}59{text[19:]}"
    if text[-1] in "zZ":
        text = text[:-1] + "+00:00"
    return micros(datetime.fromisoformat(text))
