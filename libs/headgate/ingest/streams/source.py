"""What a source of messages is: something with partitions, in each of which messages have an order.

A position is a whole number that grows with every message of its partition: Kafka's offset, or
Pulsar's message id in one number. Which messages were taken is known to the table they went into
and to nobody else: a source begins where it is told to, and remembers nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from headgate.core.errors import HeadgateError

#: What names of Pulsar's topics begin with; any other topic is Kafka's.
PULSAR_TOPICS = ("persistent://", "non-persistent://")
#: Instead of a position: begin with the oldest message that the broker still has.
OLDEST = -2


class SourceError(HeadgateError):
    """The broker refuses, or does not have what it is asked for; to ask again will not help."""


class LostError(SourceError):
    """Messages that were to be taken next are gone from the broker: it kept them too briefly, or
    the topic is another one of the same name."""


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages as columns of equal length, in the order in which they came.

    Those of one partition stand in the order of their positions; some positions may be missing
    (the broker's own records, aborted transactions, compaction). ``timestamps``: milliseconds since
    1970, or -1 where the message has none. ``next``: for each partition of which anything is known
    now, the position that the next poll goes on from; it may move where no message came.
    """

    topic: str
    partitions: Sequence[int] = ()
    offsets: Sequence[int] = ()
    keys: Sequence[bytes | None] = ()
    values: Sequence[bytes | None] = ()
    timestamps: Sequence[int] = ()
    headers: Sequence[Sequence[tuple[str, bytes | None]]] = ()
    next: Mapping[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def weight(self) -> int:
        """Bytes of all values."""
        return sum(map(len, filter(None, self.values)))


class Source(Protocol):
    """Some partitions of one topic of a broker.

    While the broker is away a poll gives nothing and :attr:`trouble` says why: the client goes on
    trying by itself. What cannot pass by itself is raised as :class:`SourceError`.
    """

    topic: str

    @property
    def trouble(self) -> str:
        """What keeps messages from coming, as a sentence; empty if nothing does."""

    def identity(self) -> str:
        """What tells this topic from a later one of the same name; empty if nothing does.

        Raises:
            SourceError: there is no such topic, the broker refuses, or is away for too long.
        """

    def partitions(self) -> tuple[int, ...]:
        """The partitions that the topic has now, ascending.

        Raises:
            SourceError: as for :meth:`identity`.
        """

    def assign(self, positions: Mapping[int, int]) -> dict[int, int]:
        """Take these partitions and no others from now on, each from the position given (or from
        :data:`OLDEST`); what was fetched before is forgotten. Gives the positions with
        :data:`OLDEST` resolved.

        Raises:
            LostError: a position is none that the partition has, nor the one behind its last.
            SourceError: as for :meth:`identity`.
        """

    def poll(self, max_messages: int, max_seconds: float) -> Messages:
        """So many messages, or those that came within so many seconds.

        Raises:
            LostError: what was to come next is gone.
            SourceError: the broker refuses.
        """

    def ends(self) -> dict[int, int]:
        """Of each assigned partition the position behind its last message, as far as the broker
        says so just now; a lag is the difference to the position that is next.

        Empty where the broker is away.
        """

    def close(self) -> None:
        """Give back what it holds. To close twice does nothing."""
