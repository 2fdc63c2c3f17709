"""Asking Kafka what a topic has, where somebody else fetches its messages."""

from __future__ import annotations

from collections.abc import Mapping

from headgate.ingest.streams.kafka import KafkaSource
from headgate.ingest.streams.source import LostError, SourceError

#: What to do about messages that are lost.
GONE = (
    "If the messages are lost for good, take what is left into another dataset, or make the topic keep"
    " its messages for longer and let this one go."
)


class KafkaLookedAt(KafkaSource):
    """Kafka, asked what it has and where that ends; messages are fetched by somebody else.

    ``positions`` are those that it was assigned, the oldest resolved.
    """

    def __init__(self, topic: str, config: Mapping[str, str]) -> None:
        super().__init__(topic, config)
        self.positions: dict[int, int] = {}

    def assign(self, positions: Mapping[int, int]) -> dict[int, int]:
        """Remember what is to be taken; see the protocol.

        Raises:
            LostError: a position is none that the partition has, nor the one behind its last.
        """
        self.positions = super().assign(positions)
        self._consumer.unassign()
        for partition, position in self.positions.items():
            low, high = self._watermarks(partition)
            if not low <= position <= high:
                has = f"it has {low} to {high - 1}" if high > low else f"it has none before {high}"
                raise LostError(
                    f"{self.topic}/{partition} does not have the messages from {position} on: {has}.",
                    remedy=GONE,
                )
        return self.positions

    def ends(self) -> dict[int, int]:
        """Of each assigned partition the position behind its last message; see the protocol."""
        try:
            found = {p: self._watermarks(p, 1.0)[1] for p in self.positions}
        except SourceError as error:
            self._trouble = error.message
            return {}
        self._trouble = ""
        return found
