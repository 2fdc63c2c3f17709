"""A topic whose messages Spark reads: they stay where its tasks staged them, and only their places come here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from headgate.contracts.model import Contract
from headgate.core import clock, ids
from headgate.core.errors import HeadgateError, LakeError
from headgate.ingest.streams.registry import RegistryError
from headgate.ingest.streams.source import LostError, Messages, SourceError
from headgate.ingest.streams.taking import Decoder
from headgate.lake.engines.spark.kafka_stream import (
    AwayError,
    GoneError,
    KafkaStream,
    MicroBatch,
    failing,
)
from headgate.lake.session import Session
from headgate.orchestration.spark_streaming import tasks
from headgate.orchestration.spark_streaming.looking import GONE, KafkaLookedAt
from headgate.orchestration.spark_streaming.staged import Staged, accounts

if TYPE_CHECKING:
    from headgate.lake.engines.spark.connection import SparkConnection

#: Messages that are worth a task of their own.
_OF_A_TASK = 10_000
#: Seconds between attempts at a broker that is away.
_AGAIN = 1.0


@dataclass
class SparkSource:
    """Messages of some partitions as Structured Streaming gives them, a micro-batch a poll; see
    :class:`headgate.ingest.streams.source.Source`. It begins where ``looked`` was assigned.

    A batch has ``most`` messages at the most; one with fewer comes ``every`` so many seconds.
    """

    session: Session
    contract: Contract
    looked: KafkaLookedAt
    options: Mapping[str, str]
    most: int
    every: float
    decoder: Callable[[], Decoder | None]
    topic: str = field(init=False)
    _stream: KafkaStream | None = field(default=None, init=False)
    _next: dict[int, int] = field(init=False)
    _away: str = field(default="", init=False)
    _tried: float = field(default=0.0, init=False)
    _due: float = field(default=0.0, init=False)

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
        wait = self._due - clock.monotonic() if self._next else max_seconds
        if wait > 0:
            clock.sleep(min(wait, max_seconds))
            return Messages(self.topic)
        try:
            stream = self._opened(max_seconds)
            found = stream.next(max_seconds) if stream else None
            if found is None:
                return Messages(self.topic)
            began = clock.monotonic()
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
                f"{self.topic} does not have the messages that come next: {error}", remedy=GONE
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
        # While there is a backlog nothing is waited for.
        self._due = began + self.every if len(staged) < self.most // 2 else 0.0
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
