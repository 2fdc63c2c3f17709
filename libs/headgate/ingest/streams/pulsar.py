"""Apache Pulsar as a source, by its own client: a reader for each partition, and no subscription.

A position is a message's id in one number: its ledger, its entry there, and its place in the entry's
batch. Differences of positions count nothing. A topic must keep its messages for longer than a stream
may be away (its retention), for Pulsar does not say which messages are gone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pulsar

from headgate.core import clock
from headgate.core.errors import SettingError
from headgate.ingest.streams.source import OLDEST, LostError, Messages, SourceError

#: Bits of an entry in its ledger, and of a place in its batch; a ledger has what is left of 63.
_ENTRY, _BATCH = 22, 12
_LEDGER = 63 - _ENTRY - _BATCH
URL, TOKEN, CERTIFICATES = "service_url", "token", "tls_trust_certs_file_path"
_KNOWN = (URL, TOKEN, CERTIFICATES)
#: How long an answer may take, in seconds; and how long one look at a partition waits for a message.
PATIENCE, _LOOK = 30, 0.02
_log = logging.getLogger("headgate.pulsar")
_log.addHandler(logging.NullHandler())
_log.setLevel(logging.ERROR)
_log.propagate = False


def position(ledger: int, entry: int, batch: int) -> int:
    """The position of a message; it grows with each message of a partition.

    Raises:
        SourceError: the id is larger than what a position holds.
    """
    place = max(batch, 0)  # which an entry of one message does not have
    if ledger >> _LEDGER or entry >> _ENTRY or place >> _BATCH or min(ledger, entry) < 0:
        raise SourceError(
            f"Pulsar's message id {ledger}:{entry}:{batch} is beyond what can be kept.",
            remedy="Lower managedLedgerMaxEntriesPerLedger of the broker, or make batches smaller.",
        )
    return (ledger << _ENTRY | entry) << _BATCH | place


def entry_of(at: int) -> tuple[int, int]:
    """Ledger and entry of a position."""
    found = at >> _BATCH
    return found >> _ENTRY, found & ((1 << _ENTRY) - 1)


class PulsarSource:
    """Some partitions of a topic of Pulsar; see :class:`headgate.ingest.streams.source.Source`.

    A topic without partitions has one, of the number 0. ``config`` is the table ``[pulsar]``.
    """

    def __init__(self, topic: str, config: Mapping[str, str], *, headers: bool = False) -> None:
        self.topic, self._with_headers = topic, headers
        place = "headgate.toml: pulsar"
        unknown = sorted(set(config) - set(_KNOWN))
        if unknown:
            told = f"{unknown[0]!r} is not known here."
            raise SettingError(told, remedy=f"Known: {', '.join(_KNOWN)}.", place=place)
        self._url = config.get(URL, "")
        if not self._url.startswith(("pulsar://", "pulsar+ssl://")):
            raise SettingError(
                "nothing says where Pulsar is.",
                remedy=f'Write in headgate.toml: [pulsar] {URL} = "pulsar://broker:6650".',
                place=place,
            )
        self._client = pulsar.Client(
            self._url,
            authentication=pulsar.AuthenticationToken(config[TOKEN]) if TOKEN in config else None,
            operation_timeout_seconds=PATIENCE,
            tls_trust_certs_file_path=config.get(CERTIFICATES),
            logger=_log,
        )
        self._readers: dict[int, Any] = {}
        #: The position behind what was given of each.
        self._at: dict[int, int] = {}
        self._names: dict[int, str] = {}
        self._closed = False

    @property
    def trouble(self) -> str:
        """What keeps messages from coming, as a sentence; empty if nothing does."""
        if all(reader.is_connected() for reader in self._readers.values()):
            return ""
        return f"Pulsar at {self._url} does not answer."

    def identity(self) -> str:
        """Pulsar has no id of a topic."""
        return ""

    def partitions(self) -> tuple[int, ...]:
        """The partitions that the topic has now, ascending."""
        try:
            names = self._client.get_topic_partitions(self.topic)
        except pulsar.PulsarException as error:
            raise self._refused(error) from None
        self._names = dict(enumerate(names))  # in the order of their numbers
        return tuple(self._names)

    def assign(self, positions: Mapping[int, int]) -> dict[int, int]:
        """Take these partitions from these positions on; see the protocol.

        Of :data:`OLDEST` comes 0: there is no other number for what is oldest.
        """
        self._leave()
        there = self.partitions()
        for partition, at in positions.items():
            if partition not in there:
                raise LostError(f"{self.topic} has no partition {partition}.")
            self._at[partition] = 0 if at == OLDEST else at
            self._readers[partition] = self._reader(partition, self._start(partition))
        return dict(self._at)

    def _start(self, partition: int) -> Any:
        """The entry of the last message that was taken, to be read again as far as it was not."""
        at = self._at[partition]
        if at <= 0:
            return pulsar.MessageId.earliest
        return pulsar.MessageId(partition, *entry_of(at - 1), -1)

    def _reader(self, partition: int, start: Any) -> Any:
        try:
            return self._client.create_reader(
                self._names[partition],
                start,
                receiver_queue_size=5_000,
                reader_name="headgate",
                start_message_id_inclusive=True,
            )
        except pulsar.PulsarException as error:
            raise self._refused(error) from None

    def poll(self, max_messages: int, max_seconds: float) -> Messages:
        """So many messages, or those that came within so many seconds; see the protocol."""
        came: list[tuple[int, int, Any]] = []
        until = clock.monotonic() + max_seconds
        while len(came) < max_messages:
            for partition, reader in self._readers.items():
                self._drain(partition, reader, came, max_messages)
            if clock.monotonic() >= until:
                break
            if not self._readers:
                clock.sleep(max_seconds)
        messages = [message for *_, message in came]
        return Messages(
            self.topic,
            [p for p, *_ in came],
            [at for _, at, _ in came],
            [m.partition_key().encode() or None for m in messages],
            [None if m.has_null_value() else m.data() for m in messages],
            [m.publish_timestamp() for m in messages],
            [[(k, v.encode()) for k, v in m.properties().items()] for m in messages]
            if self._with_headers
            else (),
            {p: self._at[p] for p, *_ in came},
        )

    def _drain(self, partition: int, reader: Any, came: list[Any], most: int) -> None:
        """Take what has come of a partition, without waiting for long."""
        wait = max(1, int(_LOOK * 1000 / len(self._readers)))
        while len(came) < most:
            try:
                message = reader.read_next(wait)
            except pulsar.Timeout:
                return
            except pulsar.PulsarException as error:
                raise self._refused(error) from None
            at = _position_of(message)
            if at >= self._at[partition]:  # else of a batch that was taken in part
                came.append((partition, at, message))
                self._at[partition] = at + 1

    def ends(self) -> dict[int, int]:
        """Of each assigned partition the position behind its last message; see the protocol."""
        found: dict[int, int] = {}
        if self.trouble:
            return found
        for partition, reader in self._readers.items():
            try:
                if not reader.has_message_available():
                    found[partition] = self._at[partition]
                    continue
                last = self._reader(partition, pulsar.MessageId.latest)
                try:
                    # To ask is what moves it to the last entry; its batch may hold several.
                    while last.has_message_available():
                        found[partition] = _position_of(last.read_next(1_000)) + 1
                finally:
                    last.close()
            except (pulsar.PulsarException, SourceError):
                continue
        return found

    def _leave(self) -> None:
        for reader in self._readers.values():
            reader.close()
        self._readers, self._at = {}, {}

    def close(self) -> None:
        """Leave the broker."""
        if not self._closed:
            self._closed = True
            self._client.close()

    def _refused(self, error: Exception) -> SourceError:
        return SourceError(
            f"Pulsar at {self._url} does not give {self.topic}: {error}.",
            remedy="See whether it runs, has the topic and lets this user read it ([pulsar] in"
            " headgate.toml).",
        )


def _position_of(message: Any) -> int:
    found = message.message_id()
    return position(found.ledger_id(), found.entry_id(), found.batch_index())
