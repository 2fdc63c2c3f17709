"""A topic whose messages Spark reads: they stay where its tasks staged them, and only their places come here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from headgate.contracts.model import Contract
from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.core.errors import HeadgateError, LakeError
from headgate.ingest.isolation import report
from headgate.ingest.streams.kafka import KafkaSource
from headgate.ingest.streams.registry import RegistryError
from headgate.ingest.streams.source import LostError, Messages, SourceError
from headgate.ingest.streams.taking import Decoder
from headgate.ingest.taken import Taken
from headgate.lake.engines.spark.kafka_stream import (
    AwayError,
    GoneError,
    KafkaStream,
    MicroBatch,
    failing,
)
from headgate.lake.session import Session
from headgate.orchestration.spark_streaming import tasks

if TYPE_CHECKING:
    from headgate.lake.engines.spark.connection import SparkConnection

#: Messages that are worth a task of their own.
_OF_A_TASK = 10_000
#: Seconds between attempts at a broker that is away.
_AGAIN = 1.0


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
                raise self._lost(partition)
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


@dataclass
class SparkSource:
    """Messages of some partitions as Structured Streaming gives them, a micro-batch a poll; see
    :class:`headgate.ingest.streams.source.Source`. It begins where ``looked`` was assigned.

    ``most`` messages are in a batch at the most.
    """

    session: Session
    contract: Contract
    looked: KafkaLookedAt
    options: Mapping[str, str]
    most: int
    decoder: Callable[[], Decoder | None]
    topic: str = field(init=False)
    _stream: KafkaStream | None = field(default=None, init=False)
    _next: dict[int, int] = field(init=False)
    _away: str = field(default="", init=False)
    _tried: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.topic = self.looked.topic
        self._next = dict(self.looked.positions)

    @property
    def trouble(self) -> str:
        """What keeps messages from coming, as a sentence; empty if nothing does."""
        return self._away or self.looked.trouble

    def identity(self) -> str:
        """What tells this topic from a later one of the same name; see the protocol."""
        return self.looked.identity()

    def partitions(self) -> tuple[int, ...]:
        """The partitions that the topic has now, ascending."""
        return self.looked.partitions()

    def assign(self, positions: Mapping[int, int]) -> dict[int, int]:
        """Take these partitions from these positions on; see the protocol."""
        self.close()
        self._next = dict(self.looked.assign(positions))
        return dict(self._next)

    def ends(self) -> dict[int, int]:
        """Of each partition the position behind its last message; see the protocol."""
        return self.looked.ends()

    def poll(self, max_messages: int, max_seconds: float) -> Messages:
        """The next micro-batch, read and staged; nothing, if none comes within so many seconds.

        Raises:
            LostError: what was to come next is gone.
            SourceError: Spark cannot go on with the topic.
            HeadgateError: nothing can be staged.
        """
        if not self._next:
            clock.sleep(max_seconds)
            return Messages(self.topic)
        try:
            stream = self._opened(max_seconds)
            found = stream.next(max_seconds) if stream else None
            if found is None:
                return Messages(self.topic)
            staged = self._read(found)
        except AwayError as error:
            self._begin_anew(f"Kafka does not answer Spark: {error}")
            return Messages(self.topic)
        except RegistryError as error:
            self._begin_anew(error.message)
            return Messages(self.topic)
        except GoneError as error:
            self.close()
            raise LostError(
                f"{self.topic} no longer has what comes next: {error}",
                remedy="If the messages are lost for good, begin anew with a dataset of another name.",
            ) from error
        except HeadgateError:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise SourceError(
                f"Spark does not give {self.topic}: {error}",
                remedy="See whether the topic is there and [kafka] in headgate.toml lets it be read.",
            ) from error
        self._away = ""
        return staged

    def _opened(self, seconds: float) -> KafkaStream | None:
        """The query that goes on; None while it is not time to try anew."""
        if self._stream is None:
            wait = self._tried + _AGAIN - clock.monotonic()
            if self._away and wait > 0:
                clock.sleep(min(wait, seconds))
                return None
            self._tried = clock.monotonic()
            stream = self.contract.stream
            self._stream = KafkaStream(
                self._spark.session, self.topic, self._next, self.options, most=self.most,
                folder=self.session.staging,
                headers=stream is not None and stream.envelope,
            )  # fmt: skip
        return self._stream

    @property
    def _spark(self) -> SparkConnection:
        return cast("SparkConnection", self.session.engine(self.contract))

    def _read(self, batch: MicroBatch) -> Staged:
        """Have tasks read and stage the messages; what comes back is a few numbers for each."""
        folder = self.session.staging / f"batch-{ids.new_id()}"
        folder.mkdir(parents=True)
        batch_id, at = ids.new_id(), clock.iso()
        asked = tasks.Asked(
            self.session.settings, self.contract, self.topic, batch_id, folder, at, self.decoder
        )
        rows = batch.frame
        if batch.ends:
            expected = sum(batch.ends[p] - self._next.get(p, 0) for p in batch.ends)
            rows = rows.coalesce(max(1, expected // _OF_A_TASK))
        with failing():
            table = rows.mapInArrow(partial(tasks.take, asked=asked), tasks.SCHEMA).toArrow()
        partitions, offsets, times = (
            np.frombuffer(b"".join(table.column(name).to_pylist()), kind)
            for name, kind in (("partitions", np.int32), ("offsets", np.int64), ("timestamps", np.int64))
        )  # fmt: skip
        order = np.lexsort((offsets, partitions))
        partitions, offsets, times = partitions[order], offsets[order], times[order]
        following = {int(p): int(o) + 1 for p, o in zip(partitions, offsets, strict=True)}
        self._demand_next(partitions, offsets)
        taken = tuple(accounts(table.column("told").to_pylist(), folder))
        self._next.update(batch.ends or following)
        return Staged(
            self.topic, partitions.tolist(), offsets.tolist(), timestamps=times.tolist(),
            next=dict(self._next), batch_id=batch_id, at=at, taken=taken, rows=batch,
            size=sum(table.column("weight").to_pylist()),
        )  # fmt: skip

    def _demand_next(self, partitions: Any, offsets: Any) -> None:
        """Each message once, and none that was given before."""
        starts = np.flatnonzero(np.diff(partitions, prepend=-1))
        again = bool(np.any((np.diff(offsets) == 0) & (np.diff(partitions) == 0)))
        for at in starts.tolist():
            again = again or offsets[at] < self._next[int(partitions[at])]
        if again:
            raise LakeError(
                f"Spark gave messages of {self.topic} twice.",
                remedy="Nothing of them was taken; start it again.",
            )

    def _begin_anew(self, why: str) -> None:
        self._away = why
        self.close()

    def close(self) -> None:
        """End the query that goes on; a poll begins another where this one was."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()


def accounts(told: list[str], folder: Any) -> list[Taken]:
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
