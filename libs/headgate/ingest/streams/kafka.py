"""Kafka as a source, by confluent-kafka: partitions are assigned, and no offset is committed to Kafka."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from headgate.core import clock
from headgate.core.errors import SettingError
from headgate.ingest.streams.kafkaconfig import DEFAULTS, FIXED, client_config
from headgate.ingest.streams.source import OLDEST, LostError, Messages, SourceError

#: How long a broker may take to say what it has, in seconds.
PATIENCE = 30.0
#: How long it is waited for an answer before it is looked whether there was an error, in seconds.
_LISTEN = 3.0
#: Errors that no waiting mends.
_HOPELESS = frozenset(
    getattr(KafkaError, name)
    for name in (
        *("_AUTHENTICATION", "_FATAL", "_SSL", "TOPIC_EXCEPTION"),
        *("SASL_AUTHENTICATION_FAILED", "TOPIC_AUTHORIZATION_FAILED"),
        *("GROUP_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED"),
        *("UNSUPPORTED_SASL_MECHANISM", "ILLEGAL_SASL_STATE", "_BAD_MSG", "_BAD_COMPRESSION"),
    )
)
#: Said of a broker that goes away while TLS is begun.
_GOING_DOWN = "SSL handshake failed: Disconnected"
#: What a person may have set wrong, by the error that follows.
_LOOK_AT = {
    KafkaError._AUTHENTICATION: "sasl.mechanism, sasl.username and sasl.password in",
    KafkaError._SSL: "security.protocol and ssl.ca.location in",
}
#: Errors that say no more than that there was no answer.
_SILENT = frozenset((KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN))
#: A broker that has just started may not know a topic yet; after so many seconds it has none.
_GONE = frozenset(
    getattr(KafkaError, n)
    for n in ("_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION", "UNKNOWN_TOPIC_OR_PART", "UNKNOWN_TOPIC_ID")
)
_GONE_AFTER = 60.0
#: For so many seconds a topic may be so new that a broker has not heard of it.
_NEW = 5.0
Answer = TypeVar("Answer")
_log = logging.getLogger("headgate.kafka")
_log.addHandler(logging.NullHandler())


class KafkaSource:
    """Some partitions of a topic of Kafka; see :class:`headgate.ingest.streams.source.Source`.

    ``config`` is librdkafka's, by its own names.
    """

    def __init__(self, topic: str, config: Mapping[str, str], *, headers: bool = False) -> None:
        self.topic, self._with_headers = topic, headers
        self._client = client_config(config)
        self._address = self._client["bootstrap.servers"]
        self._assigned: dict[int, TopicPartition] = {}
        self._at: dict[int, int] = {}  # the positions behind what was given
        self._hopeless: KafkaError | None = None
        self._suspect, self._trouble, self._looked = "", "", 0.0
        self._gone: float | None = None  # since when the topic seems to be
        self._consumer = self._opened()
        self._closed = False

    def _opened(self) -> Consumer:
        told: dict[str, Any] = {**DEFAULTS, **self._client, **FIXED, "error_cb": self._hear}
        try:
            return Consumer(told, logger=_log)
        except (KafkaException, ValueError, TypeError) as error:
            raise SettingError(
                f"Kafka's client does not take its configuration: {_told(error)}",
                remedy="Mend [kafka] in headgate.toml.",
            ) from None

    def _hear(self, error: KafkaError) -> None:
        """An error that stands for no message: most pass by themselves."""
        if error.fatal() or (error.code() in _HOPELESS and _GOING_DOWN not in error.str()):
            self._hopeless = error
        else:
            self._doubt(error)

    def _doubt(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN or not self._suspect:
            self._suspect = error.str()
        if error.code() in _GONE and self._gone is None:
            self._gone = clock.monotonic()

    @property
    def trouble(self) -> str:
        """What keeps messages from coming, as a sentence; empty if nothing does."""
        return self._trouble

    def identity(self) -> str:
        """The id that Kafka gave the topic; another one of the same name has another."""
        admin = AdminClient(self._client, logger=_log)

        def ask() -> str:
            asked = admin.describe_topics(TopicCollection([self.topic]), request_timeout=PATIENCE)
            return str(asked[self.topic].result().topic_id)

        return self._asked(ask)

    def partitions(self) -> tuple[int, ...]:
        """The partitions that the topic has now, ascending."""

        def ask() -> tuple[int, ...]:
            found = self._metadata().topics[self.topic]
            if found.error is not None:
                raise KafkaException(found.error)
            return tuple(sorted(found.partitions))

        return self._asked(ask)

    def _metadata(self) -> Any:
        """What the broker says of the topic; the client alone would not say why it has no answer."""
        until = clock.monotonic() + PATIENCE
        while True:
            try:
                return self._consumer.list_topics(self.topic, timeout=_LISTEN)
            except KafkaException:
                if not self._assigned:
                    self._consumer.poll(0)  # has errors heard, and gives no message yet
                if self._hopeless is not None:
                    raise KafkaException(self._hopeless) from None
                if clock.monotonic() > until:
                    raise

    def _asked(self, ask: Callable[[], Answer]) -> Answer:
        """The answer about the topic, which the broker may not know for a moment yet."""
        until = clock.monotonic() + _NEW
        while True:
            try:
                return ask()
            except KafkaException as error:
                told: KafkaError = error.args[0]
                if told.code() not in _GONE or clock.monotonic() > until:
                    raise self._refused(told) from None
            clock.sleep(0.1)

    def assign(self, positions: Mapping[int, int]) -> dict[int, int]:
        """Take these partitions from these positions on; see the protocol."""
        resolved = dict(positions)
        for partition, position in positions.items():
            if position == OLDEST:
                resolved[partition] = self._watermarks(partition)[0]
        self._assigned = {
            partition: TopicPartition(self.topic, partition, position)
            for partition, position in resolved.items()
        }
        self._at = resolved.copy()
        self._consumer.unassign()
        self._consumer.assign(list(self._assigned.values()))
        return resolved

    def _watermarks(self, partition: int, patience: float = PATIENCE) -> tuple[int, int]:
        """The positions of the oldest message, and behind the newest one that is committed."""
        where = TopicPartition(self.topic, partition, OFFSET_BEGINNING)
        try:
            low, high = self._consumer.get_watermark_offsets(where, timeout=patience)
        except KafkaException as error:
            raise self._refused(error.args[0]) from None
        return low, high

    def poll(self, max_messages: int, max_seconds: float) -> Messages:
        """So many messages, or those that came within so many seconds; see the protocol."""
        try:
            came = self._consumer.consume(max_messages, max_seconds)
        except KafkaException as error:
            raise self._refused(error.args[0]) from None
        if self._hopeless is not None:
            raise self._refused(self._hopeless)
        ends: dict[int, int] = {}
        if any(m.error() is not None for m in came):
            ends = dict(self._events(came))
            came = [m for m in came if m.error() is None]
        if came:
            self._suspect, self._trouble, self._gone = "", "", None
        elif self._suspect:
            self._look()
        partitions = [m.partition() for m in came]
        offsets = [m.offset() for m in came]
        last = dict(zip(partitions, offsets, strict=True))  # those of a partition ascend
        following = ends | {p: max(offset + 1, ends.get(p, 0)) for p, offset in last.items()}
        self._at |= following
        return Messages(
            self.topic,
            partitions,
            offsets,
            [m.key() for m in came],
            [m.value() for m in came],
            [millis if kind else -1 for kind, millis in [m.timestamp() for m in came]],
            [m.headers() or () for m in came] if self._with_headers else (),
            following,
        )

    def _events(self, came: list[Any]) -> Iterator[tuple[int, int]]:
        """Where partitions end, of what came that is no message.

        Raises:
            LostError, SourceError: it is an error that does not pass.
        """
        for event in came:
            error = event.error()
            if error is None:
                continue
            if error.code() == KafkaError._PARTITION_EOF:
                yield event.partition(), event.offset()
            elif error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
                self._demand_there(event.partition())
            elif error.fatal() or error.code() in _HOPELESS:
                raise self._refused(error)
            else:
                self._doubt(error)

    def _look(self) -> None:
        """Whether the leaders of what is assigned answer; asked once a second at most.

        Raises:
            SourceError: the topic has been gone for too long.
        """
        if clock.monotonic() - self._looked < 1.0:
            return
        self._looked = clock.monotonic()
        try:
            for partition in self._assigned:
                self._watermarks(partition, 1.0)
        except SourceError:
            if self._gone is not None and clock.monotonic() - self._gone > _GONE_AFTER:
                raise
            self._trouble = f"Kafka at {self._address} does not answer: {self._suspect}"
        else:
            self._suspect, self._trouble, self._gone = "", "", None

    def ends(self) -> dict[int, int]:
        """Of each assigned partition the position behind its last message; see the protocol."""
        if self._trouble:
            return {}
        found: dict[int, int] = {}
        for partition, where in self._assigned.items():
            try:
                known = self._consumer.get_watermark_offsets(where, cached=True)
                if not known or known[1] < 0:  # nothing of it was fetched yet
                    known = self._consumer.get_watermark_offsets(where, timeout=1.0)
            except KafkaException:
                continue
            if known:
                found[partition] = known[1]
        return found

    def close(self) -> None:
        """Leave the brokers."""
        if not self._closed:
            self._closed = True
            self._consumer.close()

    def _demand_there(self, partition: int) -> None:
        """Go on in a partition whose position the broker does not know, if it has it by now: such
        an answer may be one to a question before the last.

        Raises:
            LostError: what comes next is gone.
        """
        wanted = self._at[partition]
        low, high = self._watermarks(partition)
        if not low <= wanted <= high:
            has = f"it has {low} to {high - 1}" if high > low else f"it has none before {high}"
            raise LostError(
                f"{self.topic}/{partition} does not have the messages from {wanted} on: {has}.",
                remedy="If the messages are lost for good, take what is left into another dataset,"
                " or make the topic keep its messages for longer and let this one go.",
            )
        self._suspect = "it did not know a position that it has"
        self._consumer.seek(TopicPartition(self.topic, partition, wanted))

    def _refused(self, error: KafkaError) -> SourceError:
        heard = f" ({self._suspect})" if self._suspect and error.code() in _SILENT else ""
        look = _LOOK_AT.get(error.code(), "whether it runs, has the topic, lets this user read it:")
        return SourceError(
            f"Kafka at {self._address} does not give {self.topic}: {error.str()}{heard}.",
            remedy=f"See {look} [kafka] in headgate.toml.",
        )


def _told(error: BaseException) -> str:
    first = error.args[0] if error.args else error
    return f"{first.str() if isinstance(first, KafkaError) else first}."
