"""An independent count of how fast people talk: windows of event time, in plain Python.

It imports nothing of ours, and says again from the words of the contract what a window is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]
LENGTHS = (1, 5, 60)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def windows(messages: Iterable[Row], lengths: Iterable[int] = LENGTHS) -> list[Row]:
    """gold.chat.channel_velocity: one row a channel and window in which somebody wrote."""
    found: dict[tuple[str, int, datetime], list[Row]] = defaultdict(list)
    lengths = tuple(lengths)
    for message in messages:
        if message["sent_at"] is not None:
            for minutes in lengths:
                start = begins(message["sent_at"], minutes)
                found[message["channel_id"], minutes, start].append(message)
    return [
        {"channel_id": channel, "window_minutes": minutes, "window_start": start, **_counted(those)}
        for (channel, minutes, start), those in found.items()
    ]


def begins(at: datetime, minutes: int) -> datetime:
    """When the window of so many minutes begins that the moment lies in."""
    return at - (at - EPOCH) % timedelta(minutes=minutes)


def _counted(messages: list[Row]) -> Row:
    known = [m for m in messages if m["is_annotated"]]
    replies = [m for m in messages if m["reply_to_message_id"] is not None]
    return {
        "window_hour": begins(messages[0]["sent_at"], 60),
        "messages": len(messages),
        "authors": len({m["author_id"] for m in messages}),
        "annotated_messages": len(known),
        "replies": len(replies),
        "reply_rate": len(replies) / len(known) if known else None,
    }
