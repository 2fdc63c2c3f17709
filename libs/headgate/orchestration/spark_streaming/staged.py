"""Messages that tasks have read: their places, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.core import json as hjson
from headgate.core.errors import HeadgateError, LakeError
from headgate.ingest.isolation import report
from headgate.ingest.streams.registry import RegistryError
from headgate.ingest.streams.source import Messages
from headgate.ingest.taken import Taken
from headgate.lake.engines.spark.kafka_stream import MicroBatch
from headgate.orchestration.spark_streaming import tasks


@dataclass(frozen=True)
class Staged(Messages):
    """Messages that tasks have read: their values are not here, but what came of them is.

    ``taken`` is an account for each block of messages, of the batch ``batch_id`` at the instant
    ``at``; ``rows`` are the micro-batch, to be looked at again; ``size`` is in bytes of values.
    """

    batch_id: str = ""
    at: str = ""
    taken: tuple[Taken, ...] = ()
    rows: MicroBatch | None = None
    size: int = 0

    @property
    def weight(self) -> int:
        """Bytes of all values."""
        return self.size


def accounts(told: Sequence[str], folder: Path) -> list[Taken]:
    """What tasks told of their messages.

    Raises:
        RegistryError: one of them could not have the schema of a message.
        HeadgateError: one of them failed by it.
    """
    found = []
    for text in told:
        if away := hjson.loads(text).get(tasks.REGISTRY):
            raise RegistryError(away[0], remedy=away[1])
        taken = report.read(text.encode(), folder)
        if isinstance(taken, HeadgateError):
            raise taken
        if not isinstance(taken, Taken):
            raise LakeError("a task of Spark gave no sensible account.", remedy="Start it again.")
        found.append(taken)
    return found
