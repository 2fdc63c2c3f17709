"""What one task of Spark does with messages: our own reader takes them and stages what it can type.

Rows are staged in the lake's folder, which every machine sees, and judged by nobody yet; what came of
them is told as JSON, in the words that reading processes have. Each attempt at a task stages in a
folder of its own: one that was given up by Spark, and lives on, touches nothing of the next.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headgate.contracts.model import Contract
from headgate.contracts.wording import expectation
from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.core.errors import HeadgateError
from headgate.core.settings import Settings
from headgate.ingest.isolation import report
from headgate.ingest.isolation.request import StagingSession
from headgate.ingest.streams.registry import RegistryError
from headgate.ingest.streams.source import Messages
from headgate.ingest.streams.taking import Decoder, Taking, place_of
from headgate.ingest.taken import Taken
from headgate.lake.engines.duckdb import connect
from headgate.lake.lake import Lake
from headgate.quality import gate

if TYPE_CHECKING:
    import pyarrow as pa

#: What a task gives, as Spark writes it: numbers are those of all messages, in the machine's own form.
SCHEMA = "told string, partitions binary, offsets binary, timestamps binary, weight bigint"
#: What a task tells instead where the registry of schemas is away, which passes.
REGISTRY = "registry"
#: Streams that a worker keeps an engine for.
_STREAMS = 2


@dataclass(frozen=True)
class Asked:
    """What tasks are told of a micro-batch: rows are staged below ``folder``, as the batch
    ``batch_id``, taken at the instant ``at``.

    ``decoder`` makes what gives a value its JSON text. ``refusing``: of each place and position the
    rules that the row there breaks; these messages and no others are set aside.
    """

    settings: Settings
    contract: Contract
    topic: str
    batch_id: str
    folder: Path
    at: str
    decoder: Callable[[], Decoder | None]
    refusing: Mapping[tuple[str, int], tuple[str, ...]] | None = None


@dataclass
class _Worker(Taking):
    """Taking in a worker, where nothing is judged. It stays for the batches that follow."""

    judges: bool = field(default=False)

    def refuse(
        self, messages: Messages, batch_id: str, why: Mapping[tuple[str, int], tuple[str, ...]]
    ) -> gate.Intake:
        """Set messages aside for rules that their rows break."""
        rules = {r.id: r for r in self.contract.row_rules}
        values, bad = self._decoded(messages)
        writer = self._writer(messages, batch_id)
        intake = gate.Intake(len(messages), [], writer)
        places = {p: place_of(messages.topic, p) for p in set(messages.partitions)}
        found = zip(messages.partitions, messages.offsets, strict=True)
        for line, (partition, offset) in enumerate(found, start=1):
            if broken := why.get((places[partition], offset)):
                reasons = [
                    {"code": i, "column": rules[i].column, "detail": expectation(rules[i])}
                    for i in broken
                ]
                writer.add(line, self._exact(line, values, bad).raw, reasons)
        writer.flush()
        return intake


_workers: dict[tuple[str, str, str], _Worker] = {}


def take(batches: Iterator[pa.RecordBatch], asked: Asked) -> Iterator[pa.RecordBatch]:
    """Take the messages of a task, as rows of Kafka's columns."""
    import pyarrow as pa

    for batch in batches:
        if not batch.num_rows:
            continue
        messages = messages_of(batch, asked.topic)
        try:
            told = _taken(messages, asked)
        except RegistryError as error:
            told = hjson.dumps({REGISTRY: [error.message, error.remedy]})
        except HeadgateError as error:
            told = report.error_text(error)
        numbers = (
            np.asarray(messages.partitions, np.int32).tobytes(),
            np.asarray(messages.offsets, np.int64).tobytes(),
            np.asarray(messages.timestamps, np.int64).tobytes(),
        )
        yield pa.RecordBatch.from_pydict(
            {
                "told": pa.array([told], pa.string()),
                "partitions": pa.array([numbers[0]], pa.binary()),
                "offsets": pa.array([numbers[1]], pa.binary()),
                "timestamps": pa.array([numbers[2]], pa.binary()),
                "weight": pa.array([sum(map(len, filter(None, messages.values)))], pa.int64()),
            }
        )


def _taken(messages: Messages, asked: Asked) -> str:
    worker, folder = _worker(asked), asked.folder / ids.new_id()
    assert isinstance(worker.session, StagingSession)
    worker.session.folder = folder
    with clock.held(clock.parse_iso(asked.at)):
        if asked.refusing is None:
            intake = worker.take(messages, asked.batch_id)
        else:
            intake = worker.refuse(messages, asked.batch_id, asked.refusing)
    writer = intake.refused_rows
    taken = Taken(
        content_hash=ids.digest(asked.batch_id), read=intake.read, staged=tuple(intake.staged),
        refused=tuple(writer.files), quarantined=writer.rows, codes=writer.codes,
        reading=intake.reading, warnings=intake.warnings,
    )  # fmt: skip
    return report.taken_text(taken, asked.folder)


def _worker(asked: Asked) -> _Worker:
    """What this process keeps for the stream: an engine, and how its values are proven."""
    key = (str(asked.settings.lake_path), asked.contract.hash, asked.topic)
    if key not in _workers:
        if len(_workers) >= _STREAMS:
            oldest = _workers.pop(next(iter(_workers)))
            oldest.session.con.close()
        # Spark runs as many tasks as there are processors for it.
        settings = dataclasses.replace(asked.settings, threads=1)
        con = connect(settings)
        session = StagingSession(Lake(settings), con, "", folder=asked.folder)
        _workers[key] = _Worker(session, asked.contract, asked.topic, asked.decoder())
    return _workers[key]


def messages_of(batch: pa.RecordBatch, topic: str) -> Messages:
    """Rows of Kafka's columns as messages."""
    import pyarrow as pa

    millis = batch.column("timestamp").cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    times = np.floor_divide(millis.fill_null(-1000).to_numpy(zero_copy_only=False), 1000)
    headers: Any = ()
    if "headers" in batch.schema.names:
        headers = [
            [(h["key"], h["value"]) for h in found or ()]
            for found in batch.column("headers").to_pylist()
        ]
    return Messages(
        topic,
        batch.column("partition").to_pylist(),
        batch.column("offset").to_pylist(),
        batch.column("key").to_pylist(),
        batch.column("value").to_pylist(),
        np.maximum(times, -1).tolist(),
        headers,
    )
