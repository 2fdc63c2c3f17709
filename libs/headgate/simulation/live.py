"""Chat as it happens: an event for each message, for each edit, and for what was sent twice.

Texts, answers and the hours people write in have the corpus's statistics. Each event carries who
produced it and its number there, so that whoever takes the events can be held to account; an event
that is sent again has the number that it had.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.errors import UsageError
from headgate.simulation import render, tables
from headgate.simulation.draws import Draws
from headgate.simulation.people import Crowd
from headgate.simulation.plan import DAY, FIRST_EXPORT, snowflake, standing_id
from headgate.simulation.words import Babble

#: Of a million messages: how many answer another one, and how many are edited later.
_ANSWERS, _EDITED = 350_000, 30_000
#: An edit comes within so many milliseconds, and a repeat within so many.
_EDIT_WITHIN, _REPEAT_WITHIN = 120_000, 2_000
#: Answers are to one of so many messages before.
_REACH = 200
#: Messages of a simulated day, and of one step of it.
_OF_DAY, _STEP = 200_000, 5_000
_MINUTE = 60_000
_VALUE = (
    '{"message_id":"%d","channel_id":"%d","author_id":"%d","text":"%s","sent_at":"%s",'
    '"edited_at":%s,"reply_to_message_id":%s,"producer":%s,"sequence":%d}'
)


@dataclass(frozen=True)
class LiveWanted:
    """What to produce: so many events in all, repeats and edits among them.

    ``duplicates``: the share of events that are sent again. ``disorder``: by how many seconds an
    event may come behind its time. ``producer``: what the events say of who produced them.
    """

    events: int
    seed: int = 0
    channels: int = 24
    duplicates: float = 0.0
    disorder: float = 0.0
    producer: str = "simulated"

    def __post_init__(self) -> None:
        if self.events < 1 or self.channels < 1:
            raise UsageError("There is nothing to produce.", remedy="Ask for one event or more.")
        if not 0 <= self.duplicates <= 0.5:
            raise UsageError(
                f"{self.duplicates} is no share of events to send again.",
                remedy="Use --duplicates with 0 to 0.5.",
            )
        if not 0 <= self.disorder <= 3600:
            raise UsageError(
                f"Events cannot be {self.disorder} seconds late.",
                remedy="Use --disorder with 0 to 3600.",
            )


@dataclass(frozen=True, slots=True)
class Event:
    """One event: the channel as key, JSON as value, and when it happened (milliseconds since 1970)."""

    key: bytes
    value: bytes
    millis: int


def by_days(seed: int) -> Iterator[np.ndarray]:
    """When messages are written (milliseconds, ascending), over days of the past, by people's hours."""
    table, start = tables.known()["minute_of_day"], FIRST_EXPORT
    draws = Draws(seed, "live days")
    while True:
        of_day = table.at(draws.raw(_OF_DAY)) * _MINUTE + draws.below(_OF_DAY, _MINUTE)
        times = start + np.sort(of_day)
        for first in range(0, _OF_DAY, _STEP):
            yield times[first : first + _STEP]
        start += DAY


def by_the_clock(rate: float, *, steady: bool = False, step: float = 0.05) -> Iterator[np.ndarray]:
    """When messages are written from now on, each step given once it is over: ``rate`` a second on
    average over a day, more at people's hours and fewer at night, or always as many if ``steady``.

    Raises:
        UsageError: the rate is none.
    """
    if rate <= 0:
        raise UsageError(f"{rate} is no rate.", remedy="Use --rate with messages a second.")
    weights = np.ones(24) if steady else _hours()
    at, due = clock.epoch_millis(), 0.0
    until = clock.monotonic()
    while True:
        until += step
        left = until - clock.monotonic()
        if left > 0:
            clock.sleep(left)
        due += rate * step * weights[at // 3_600_000 % 24]
        count, width = int(due), int(step * 1000)
        due -= count
        yield at + np.arange(count) * width // max(count, 1)
        at += width


def _hours() -> np.ndarray:
    """How many times the average people write in each hour of the day."""
    minutes = tables.known()["minute_of_day"].at(Draws(0, "hours").raw(50_000))
    return np.bincount(minutes // 60, minlength=24)[:24] * (24 / len(minutes))


def events(wanted: LiveWanted, times: Iterable[np.ndarray]) -> Iterator[list[Event]]:
    """The events in the order in which they are sent, a list for each step of ``times``."""
    writer, waiting = _Writer(wanted), list[tuple[int, int, _Draft]]()
    left, order = wanted.events, 0
    for step in times:
        for due, draft in writer.step(step):
            heapq.heappush(waiting, (due, order, draft))
            order += 1
        until = int(step[-1]) if len(step) else clock.epoch_millis()
        ready: list[Event] = []
        while waiting and waiting[0][0] <= until and len(ready) < left:
            ready.append(writer.event(heapq.heappop(waiting)[2]))
        left -= len(ready)
        if ready:
            yield ready
        if not left:
            return


class _Draft:
    """An event before it is sent; its number is given to it then."""

    __slots__ = ("at", "edited", "sequence", "spot", "text", "to", "told")

    def __init__(
        self, told: tuple[int, int, int], spot: int, text: str, at: int, edited: str, to: str
    ) -> None:  # fmt: skip
        self.told, self.spot, self.text, self.at = told, spot, text, at
        self.edited, self.to, self.sequence = edited, to, -1


class _Writer:
    """Writes the events of steps, one after another."""

    def __init__(self, wanted: LiveWanted) -> None:
        seed = wanted.seed
        self._wanted = wanted
        self._draws, self._babble = Draws(seed, "live"), Babble(seed)
        self._crowd = Crowd(seed, 0)
        self._channels = [standing_id(seed, "live", i) for i in range(wanted.channels)]
        self._keys = [str(c).encode() for c in self._channels]
        self._people: dict[int, int] = {}
        self._sequence = 0
        self._messages = 0
        self._recent: list[list[int]] = [[] for _ in self._channels]
        self._producer = hjson.dumps(wanted.producer)

    def event(self, draft: _Draft) -> Event:
        """What is sent; the same again if it was sent before."""
        if draft.sequence < 0:
            draft.sequence, self._sequence = self._sequence, self._sequence + 1
        place = (_iso(draft.at), draft.edited, draft.to, self._producer, draft.sequence)
        value = _VALUE % (*draft.told, draft.text, *place)
        return Event(self._keys[draft.spot], value.encode(), draft.at)

    def step(self, times: np.ndarray) -> Iterator[tuple[int, _Draft]]:
        """The events of messages written at these times, and when each is sent."""
        count, draws, wanted = len(times), self._draws, self._wanted
        if not count:
            return
        texts = render.contents(self._babble, self._lengths(count), draws)
        people = self._crowd.write(count, wanted.events).tolist()
        # A few channels have most of the messages.
        spots = (draws.below(count, 1 << 15) ** 2 * wanted.channels >> 30).tolist()
        answers = draws.chance(count, _ANSWERS).tolist()
        back = draws.below(count, _REACH).tolist()
        late = draws.below(count, int(wanted.disorder * 1000) + 1).tolist()
        edited = draws.chance(count, _EDITED).tolist()
        edit_after = draws.below(count, _EDIT_WITHIN).tolist()
        again = self._again(count), self._again(count)
        for i, at in enumerate(times.tolist()):
            spot, recent = spots[i], self._recent[spots[i]]
            message = snowflake(at, self._messages & 0x3FFFFF)
            self._messages += 1
            to = f'"{recent[back[i] % len(recent)]}"' if answers[i] and recent else "null"
            recent.append(message)
            if len(recent) > 2 * _REACH:
                del recent[:_REACH]
            told = (message, self._channels[spot], self._author(people[i]))
            draft = _Draft(told, spot, texts[i], at, "null", to)
            due = at + late[i]
            yield due, draft
            if again[0][i]:
                yield due + again[0][i], draft
            if edited[i]:
                then = at + 1_000 + edit_after[i]
                draft = _Draft(told, spot, texts[i] + "!", at, f'"{_iso(then)}"', to)
                due = then + late[i]
                yield due, draft
                if again[1][i]:
                    yield due + again[1][i], draft

    def _lengths(self, count: int) -> np.ndarray:
        return tables.known()["message_length"].at(self._draws.raw(count))

    def _author(self, number: int) -> int:
        if number not in self._people:
            self._people[number] = standing_id(self._wanted.seed, "author", number)
        return self._people[number]

    def _again(self, count: int) -> list[int]:
        """After how many milliseconds each event is sent again; 0 if it is not."""
        chosen = self._draws.chance(count, round(self._wanted.duplicates * 1_000_000))
        found: list[int] = (chosen * (1 + self._draws.below(count, _REPEAT_WITHIN))).tolist()
        return found


def _iso(millis: int) -> str:
    day, rest = divmod(millis, DAY)
    minutes, rest = divmod(rest, _MINUTE)
    return f"{_date(day)}T{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}Z"


@cache
def _date(day: int) -> str:
    return clock.iso(clock.moment(day * DAY * 1000))[:10]
