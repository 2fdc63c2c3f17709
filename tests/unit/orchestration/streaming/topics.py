"""A topic in memory, as a source that needs no broker; and a project that takes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from headgate.core import clock
from headgate.ingest.streams.source import OLDEST, LostError, Messages

DATASET = "bronze.live.messages"


def message(number: int, **other: Any) -> bytes:
    """An event that the contract takes, unless ``other`` says what it does not."""
    told = {
        "message_id": f"m{number}", "channel_id": "c1", "author_id": "u1", "text": f"no {number}",
        "sent_at": "2026-01-05T10:00:00Z", "edited_at": None, "reply_to_message_id": None,
        "producer": "test", "sequence": number,
    } | other  # fmt: skip
    return json.dumps(told).encode()


class Topic:
    """What a broker keeps."""

    def __init__(self, partitions: int = 1, topic: str = "chat", identity: str = "1") -> None:
        self.topic, self.given = topic, identity
        self.oldest = 0
        self.kept: dict[int, list[bytes | None]] = {p: [] for p in range(partitions)}

    def put(self, partition: int, *values: bytes | None) -> None:
        """More messages."""
        self.kept[partition] += values

    def source(self, most: int = 1000) -> TopicSource:
        """One consumer of it."""
        return TopicSource(self, most)


class TopicSource:
    """See :class:`headgate.ingest.streams.source.Source`; it gives at most ``most`` at a time."""

    trouble = ""

    def __init__(self, of: Topic, most: int) -> None:
        self.topic, self._of, self._most = of.topic, of, most
        self._at: dict[int, int] = {}
        self.closed = False

    def identity(self) -> str:
        return self._of.given

    def partitions(self) -> tuple[int, ...]:
        return tuple(self._of.kept)

    def assign(self, positions: Mapping[int, int]) -> dict[int, int]:
        self._at = {p: self._of.oldest if o == OLDEST else o for p, o in positions.items()}
        if any(at < self._of.oldest for at in self._at.values()):
            raise LostError("gone")
        return self._at

    def poll(self, max_messages: int, max_seconds: float) -> Messages:
        found: list[tuple[int, int, bytes | None]] = []
        for partition, at in self._at.items():
            came = self._of.kept[partition][at:][: min(max_messages, self._most) - len(found)]
            found += [(partition, at + i, value) for i, value in enumerate(came)]
            self._at[partition] = at + len(came)
        if not found:
            clock.sleep(min(max_seconds, 0.01))
            return Messages(self.topic, next=dict(self._at))
        partitions, offsets, values = zip(*found, strict=True)
        return Messages(
            self.topic, partitions, offsets, [b"k"] * len(found), values,
            [clock.epoch_millis()] * len(found), [()] * len(found), dict(self._at),
        )  # fmt: skip

    def ends(self) -> dict[int, int]:
        return {p: len(self._of.kept[p]) for p in self._at}

    def close(self) -> None:
        self.closed = True
