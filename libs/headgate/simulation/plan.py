"""What is to be written: which guilds, channels and files there are, and how many messages in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from headgate.core.errors import UsageError
from headgate.simulation import tables
from headgate.simulation.draws import Draws, Spread, key

#: The channels of a guild, in turn. A thread belongs to the text channel before it, a post to a
#: forum; both are files of their own, as the exporter makes them.
KINDS = (
    *("text", "text", "thread", "text", "post", "news", "private", "voice"),
    *("text", "thread", "post", "empty"),
)
DAY = 86_400_000  # milliseconds
#: 2026-03-02: the day of the first delivery. Channels were written in until the day before.
FIRST_EXPORT = 20_514 * DAY
_OLDEST = 16_500 * DAY  # spring of 2015, when the first snowflakes were given out
_MOST_FILES = 1000  # channels tell their ids apart by ten bits
LATE, DELETED, EDITED = 64, 128, 32  # one message in so many, of channels exported twice
_THREADED = {"thread", "post", "private"}


@dataclass(frozen=True)
class Wanted:
    """What `headgate simulate` is asked for. ``faults`` is the share of messages per kind of fault.

    Raises:
        UsageError: a number is out of its range.
    """

    messages: int
    seed: int = 0
    guilds: int = 3
    channels: int = 8
    faults: float = 0.0
    minified: bool = False

    def __post_init__(self) -> None:
        if self.messages < 1 or self.guilds < 1 or self.channels < 1:
            raise UsageError(
                "--messages, --guilds and --channels are 1 or more.", remedy="Ask for one at least."
            )
        if self.guilds * self.channels > _MOST_FILES:
            raise UsageError(
                f"{self.guilds} guilds of {self.channels} channels are more than "
                f"{_MOST_FILES} files.",
                remedy="Ask for fewer guilds or channels.",
            )
        if not 0 <= self.faults <= 0.02:
            raise UsageError(
                f"--faults {self.faults} is not a share from 0 to 0.02.",
                remedy="Write 0.0005 for five of each kind of fault in 10,000 messages.",
            )

    @property
    def per_million(self) -> int:
        """The share of each kind of fault, in millionths."""
        return round(self.faults * 1_000_000)


@dataclass
class Channel:
    """One channel or thread, and the files it comes in.

    ``place``: which of its guild's channels, ``number``: of all channels. ``days`` has the number
    of messages of each day until the first export, ``new_days`` of those after it, which only the
    later export has. ``parent``: the place of the channel that a thread belongs to. ``damage``: the
    fault with which its export comes once more.
    """

    guild: int
    place: int
    kind: str
    number: int
    old: bool
    later: bool
    days: list[int] = field(default_factory=list)
    new_days: list[int] = field(default_factory=list)
    parent: int | None = None
    damage: str = ""

    @property
    def threaded(self) -> bool:
        """Whether it is a thread of some kind, written in over hours rather than whole days."""
        return self.kind in _THREADED

    @property
    def faulty(self) -> bool:
        """Whether its messages may get faults: not in short files, nor in those that come again."""
        return not (self.threaded or self.later or self.damage)

    @property
    def messages(self) -> int:
        """Messages in all its files together."""
        return sum(map(self.cost, self.days)) + sum(self.new_days)

    def cost(self, count: int) -> int:
        """How often the messages of a day are written, over all files."""
        return 2 * count - count // LATE - count // DELETED if self.later else count


@dataclass(frozen=True)
class Plan:
    """Every channel in the order in which it is written, and when the later exports are made."""

    wanted: Wanted
    channels: tuple[Channel, ...]
    later_export: int  # milliseconds since 1970

    def of(self, guild: int) -> list[Channel]:
        """The channels of a guild, parents before their threads."""
        return [c for c in self.channels if c.guild == guild]


def made(wanted: Wanted) -> Plan:
    """The plan that writes exactly ``wanted.messages`` messages.

    Raises:
        UsageError: there are too many messages for the days since Discord began.
    """
    channels = list(_channels(wanted))
    counts = Spread(wanted.seed, "messages of a day")
    left = wanted.messages
    for channel in channels:
        if channel.threaded:
            size = 12 + Draws(wanted.seed, "thread", channel.number).one(160)
            channel.days = [min(size, left // (4 * len(channels)))]
            left -= channel.messages
    filled = [c for c in channels if not c.threaded and c.kind != "empty"]
    filled[-1].later = False  # its last day takes what is left, once
    shares = [24 // (c.place % len(KINDS) + 2) for c in filled]
    for i, channel in enumerate(filled[:-1]):
        _fill(channel, left * shares[i] // sum(shares[i:]), left, counts)
        left -= channel.messages
    _fill_up(filled[-1], left, counts)
    newest = max(len(c.new_days) for c in channels)
    longest = max(len(c.days) for c in channels)
    if FIRST_EXPORT - longest * DAY < _OLDEST:
        raise UsageError(
            f"{wanted.messages} messages would take one channel {longest} days.",
            remedy="Ask for more --channels or --guilds.",
        )
    if wanted.faults:
        _choose_damaged(channels)
    return Plan(wanted, tuple(channels), FIRST_EXPORT + max(35, newest + 5) * DAY)


def _channels(wanted: Wanted) -> Iterator[Channel]:
    """Every channel, without messages."""
    for guild in range(wanted.guilds):
        parent = 0
        for place in range(wanted.channels):
            kind = KINDS[place % len(KINDS)]
            if kind == "text":
                parent = place
            yield Channel(
                guild=guild,
                place=place,
                kind=kind,
                number=guild * wanted.channels + place,
                old=(guild + place) % 4 == 3,
                later=kind == "text" and place % len(KINDS) == 1,
                parent=parent if kind in ("thread", "private") else None,
            )


def _next(counts: Spread) -> int:
    return int(tables.known()["messages_per_channel_day"].at(counts.raw(1))[0])


def _fill(channel: Channel, budget: int, left: int, counts: Spread) -> None:
    """Give the channel days of about ``budget`` messages in all, and never more than ``left``."""
    spent = 0
    while spent < budget:
        count = _next(counts)
        if not channel.days:
            count = max(1, min(count, budget // 2 if channel.later else budget))
        cost = channel.cost(count)
        if channel.days and (spent + cost // 2 > budget or spent + cost > left):
            return
        channel.days.append(count)
        spent += cost
        if channel.later and len(channel.days) % 8 == 1 and spent + 2 * count < budget:
            channel.new_days.append(min(_next(counts), budget - spent))
            spent += channel.new_days[-1]


def _fill_up(channel: Channel, budget: int, counts: Spread) -> None:
    """Give the channel days of exactly ``budget`` messages; the last one takes what is left."""
    while budget > 0:
        channel.days.append(min(_next(counts), budget))
        budget -= channel.days[-1]


def _choose_damaged(channels: list[Channel]) -> None:
    """Choose two short exports that come once more, damaged, where others can have the faults."""
    able = [c for c in channels if not c.later and c.messages > 1]
    able.sort(key=lambda c: (not c.threaded, c.messages))
    if any(not c.threaded for c in able[2:]):
        able[0].damage, able[1].damage = "wrong_count", "cut_tail"


def snowflake(millis: int, low: int) -> int:
    """The id that Discord gives at a time (milliseconds since 1970), with its low 22 bits."""
    return ((millis - 1_420_070_400_000) << 22) | low


def name_key(seed: int, *parts: int | str) -> int:
    """A random 63-bit number that belongs to the parts, for ids and names."""
    return key(seed, *parts) >> 1


def standing_id(seed: int, *parts: int | str) -> int:
    """A snowflake of 2015 to 2020 for what has stood since then: a guild, channel, role or user."""
    number = np.uint64(key(seed, "id", *parts))
    millis = 1_425_000_000_000 + int(number >> np.uint64(22)) % 150_000_000_000
    return snowflake(millis, int(number) & 0x3FFFFF)
