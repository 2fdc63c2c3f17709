"""Putting messages into a topic of Kafka, each once as far as the producer goes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Producer

from headgate.core.errors import SettingError
from headgate.ingest.streams.kafkaconfig import client_config
from headgate.ingest.streams.source import SourceError

_log = logging.getLogger("headgate.kafka")
_log.addHandler(logging.NullHandler())
#: What is so unless the configuration says otherwise.
_DEFAULTS: dict[str, Any] = {
    "enable.idempotence": True,
    "linger.ms": 10,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 200_000,
    "delivery.report.only.error": True,
}
#: What says how messages are taken, and nothing to a producer.
_OF_CONSUMERS = (
    "group.",
    "fetch.",
    "queued.",
    "auto.offset",
    "isolation.",
    "enable.auto",
    "check.",
)


class Sendable(Protocol):
    """What is sent: ``millis`` is its time, milliseconds since 1970."""

    @property
    def key(self) -> bytes: ...

    @property
    def value(self) -> bytes: ...

    @property
    def millis(self) -> int: ...


class KafkaProducer:
    """Sends to one topic; the broker has what was sent once :meth:`flush` came back.

    Raises:
        SettingError: the configuration is wrong.
    """

    def __init__(self, topic: str, config: Mapping[str, str]) -> None:
        self._topic = topic
        told = {k: v for k, v in client_config(config).items() if not k.startswith(_OF_CONSUMERS)}
        self._failed: KafkaError | None = None
        self._address = told["bootstrap.servers"]
        try:
            self._producer = Producer(
                {**_DEFAULTS, **told, "on_delivery": self._hear, "error_cb": self._heard},
                logger=_log,
            )
        except (KafkaException, ValueError) as error:
            raise SettingError(
                f"Kafka's client does not take its configuration: {error}."
            ) from None

    def _hear(self, error: KafkaError | None, _: Any) -> None:
        if error is not None:
            self._failed = error

    def _heard(self, error: KafkaError) -> None:
        if error.fatal() or error.code() == KafkaError._AUTHENTICATION:
            self._failed = error

    def send(self, those: Iterable[Sendable]) -> None:
        """Hand over messages; waits while as many as fit are on their way.

        Raises:
            SourceError: the broker refused one.
        """
        produce, poll, topic = self._producer.produce, self._producer.poll, self._topic
        for one in those:
            while True:
                try:
                    produce(topic, one.value, one.key, timestamp=one.millis)
                    break
                except BufferError:
                    poll(0.1)
                    self._demand()
        poll(0)
        self._demand()

    def flush(self, seconds: float = 300.0) -> None:
        """Wait until the broker has all that was sent.

        Raises:
            SourceError: it refused one, or has not all of them in time.
        """
        left = self._producer.flush(seconds)
        self._demand()
        if left:
            raise SourceError(
                f"Kafka at {self._address} did not take {left} messages within {seconds:.0f} s.",
                remedy="See whether it runs.",
            )

    def _demand(self) -> None:
        if self._failed is not None:
            raise SourceError(
                f"Kafka at {self._address} does not take messages for {self._topic}:"
                f" {self._failed.str()}.",
                remedy="See whether it runs, has the topic and lets this user write to it.",
            )
