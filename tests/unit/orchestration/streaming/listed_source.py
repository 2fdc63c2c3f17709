"""A source of messages that holds them in a list: what the loop and the windows need of a broker."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from headgate.ingest.streams.source import OLDEST, Messages


def event(message_id: str, sent_at: dt.datetime, **values: Any) -> bytes:
    """An event of a message, as the contract of bronze.live.messages wants it."""
    usual = {
        "message_id": message_id, "channel_id": "c", "author_id": "ann", "text": "hello",
        "sent_at": sent_at.isoformat(), "edited_at": None, "reply_to_message_id": None,
    }  # fmt: skip
    return json.dumps(usual | values).encode()


class Listed:
    """One topic of one partition."""

    trouble = ""

    def __init__(self, topic: str = "chat.messages") -> None:
        self.topic, self.values, self.at = topic, list[bytes](), 0

    def identity(self) -> str:
        """It is always the same."""
        return "listed"

    def partitions(self) -> tuple[int, ...]:
        """The one."""
        return (0,)

    def assign(self, positions: Mapping[int, int]) -> dict[int, int]:
        """Go on from there."""
        self.at = max(positions[0], 0) if positions[0] != OLDEST else 0
        return {0: self.at}

    def poll(self, max_messages: int, max_seconds: float) -> Messages:
        """What comes next."""
        found = self.values[self.at : self.at + max_messages]
        first, self.at = self.at, self.at + len(found)
        count = len(found)
        return Messages(
            self.topic, [0] * count, range(first, self.at), [None] * count, found, [-1] * count,
            [()] * count, {0: self.at},
        )  # fmt: skip

    def ends(self) -> dict[int, int]:
        """Behind the last."""
        return {0: len(self.values)}

    def close(self) -> None:
        """Nothing is held."""
