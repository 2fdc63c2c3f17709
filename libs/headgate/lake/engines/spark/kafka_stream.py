"""A topic of Kafka as Spark's Structured Streaming gives it: micro-batches, one at a time.

Where a stream begins is said by who opens it, from the table's own log. What Spark writes down of
its progress is scratch: it lies in a folder of this one query and is believed by nobody afterwards.
"""

from __future__ import annotations

import contextlib
import queue
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.core import ids
from headgate.core import json as hjson
from headgate.lake.engines import EngineError
from headgate.lake.engines.spark.failures import sentence, told

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

#: How long a worker waits for a message that the broker said it has, in milliseconds.
_PATIENCE = 30_000
#: Bytes of a block that a task hands to Python at a time, and what Spark calls them.
_BLOCK = {"spark.sql.execution.arrow.maxBytesPerBatch": str(32 << 20),
          "spark.sql.execution.arrow.maxRecordsPerBatch": "20000"}  # fmt: skip
_LOST = re.compile(
    r"KAFKA_DATA_LOSS|some data may have been lost|OffsetOutOfRange|failOnDataLoss"
    r"|MISMATCHED_TOPIC_PARTITIONS",
    re.IGNORECASE,
)
_PASSES = re.compile(
    r"TimeoutException|DisconnectException|RetriableException|NotLeaderOrFollower"
    r"|LeaderNotAvailable|BrokerNotAvailable|CoordinatorLoad|NetworkException|Connection refused"
)


class GoneError(EngineError):
    """Messages that were to come next are not there any more."""


class AwayError(EngineError):
    """The broker does not answer just now; to begin anew may help."""


@dataclass(frozen=True)
class MicroBatch:
    """Messages as rows of Kafka's columns: key, value, topic, partition, offset, timestamp and, if
    they were asked for, headers. ``frame`` can be read as long as the broker has them; ``ends`` is
    of each partition the position that follows (empty if Spark did not say)."""

    frame: DataFrame
    ends: Mapping[int, int]


class KafkaStream:
    """Some partitions of a topic, from ``positions`` on, at most ``most`` messages a batch.

    ``options`` are those of Spark's Kafka source that say how the brokers are reached. Batches are
    worked on by who asks for them, in its own thread: Spark waits meanwhile.
    """

    def __init__(
        self, session: SparkSession, topic: str, positions: Mapping[int, int],
        options: Mapping[str, str], *, most: int, folder: Path, headers: bool = False,
    ) -> None:  # fmt: skip
        self._folder = folder / f"stream-{ids.new_id()}"
        self._offered: queue.SimpleQueue[MicroBatch] = queue.SimpleQueue()
        self._taken, self._ended = threading.Event(), threading.Event()
        self._waiting = False
        starts = {str(p): at for p, at in positions.items()}
        asked = {
            **options,
            "assign": hjson.dumps({topic: sorted(positions)}),
            "startingOffsets": hjson.dumps({topic: starts}),
            "maxOffsetsPerTrigger": str(most),
            "failOnDataLoss": "true",
            "kafkaConsumer.pollTimeoutMs": str(_PATIENCE),
            "includeHeaders": str(headers).lower(),
        }
        with told():
            for name, value in _BLOCK.items():
                session.conf.set(name, value)
            rows = session.readStream.format("kafka").options(**asked).load()
            writer = rows.writeStream.foreachBatch(self._offer)
            self._query = writer.option("checkpointLocation", self._folder.as_uri()).start()

    def _offer(self, frame: DataFrame, number: int) -> None:
        """Called by Spark, in a thread of its own: a batch is over when whoever took it asks for more."""
        if self._ended.is_set():
            return
        self._taken.clear()
        self._offered.put(MicroBatch(frame, self._planned(number)))
        self._taken.wait()

    def _planned(self, number: int) -> dict[int, int]:
        """Where a batch ends, as Spark wrote down before it began: also behind records that are
        the broker's own, of which no row comes."""
        try:
            lines = (self._folder / "offsets" / str(number)).read_text("utf-8").splitlines()
            (by_partition,) = hjson.loads(lines[-1]).values()
            return {int(p): int(n) for p, n in by_partition.items()}
        except (OSError, ValueError, IndexError, AttributeError, TypeError):
            return {}

    def next(self, seconds: float) -> MicroBatch | None:
        """The next micro-batch, or None if none came within so many seconds. The one before is done.

        Raises:
            GoneError: what was to come next is gone.
            AwayError: the broker does not answer.
            EngineError: Spark cannot go on.
        """
        if self._waiting:
            self._waiting = False
            self._taken.set()
        found = None
        with contextlib.suppress(queue.Empty):
            found = self._offered.get(timeout=max(seconds, 0.001))
        if found is None:
            with failing():
                if not self._query.isActive:
                    raise self._failure()
        self._waiting = found is not None
        return found

    def _failure(self) -> Exception:
        found = self._query.exception()
        return error_of(str(found)) if found else EngineError("Spark ended the stream.")

    def close(self) -> None:
        """End the query. What was taken is in the table, and no Spark's to say."""
        self._ended.set()
        self._taken.set()
        with contextlib.suppress(Exception):
            self._query.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def failing() -> Iterator[None]:
    """Within the block what Spark raises over a stream's messages is told by what it means.

    Raises:
        GoneError, AwayError, EngineError: see there.
    """
    try:
        with told():
            yield
    except (GoneError, AwayError):
        raise
    except EngineError as error:
        raise error_of(str(error.__cause__ or error)) from error


def error_of(trace: str) -> EngineError:
    """What a trace of Spark's comes to."""
    kind: Any = EngineError
    if _LOST.search(trace):
        kind = GoneError
    elif _PASSES.search(trace):
        kind = AwayError
    return kind(sentence(trace))
