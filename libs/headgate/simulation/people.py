"""Who writes: the members of a guild, and how many messages each of them gets to write."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headgate.simulation import tables, words
from headgate.simulation.draws import Draws, Spread
from headgate.simulation.plan import name_key, standing_id

#: Messages that one set of authors writes before new people come; the size of the corpus, so
#: that what an author writes in all does not grow with the simulation.
_GENERATION = 200_000
_RUN = 24  # messages that an author writes on one day, at most, before somebody else does
#: Who has a guild's later roles has the earlier ones too.
_ROLES = tuple((1 << held) - 1 for held in (0, 0, 1, 1, 2, 3, 4, 6))
_SHARED = 64  # one member in so many is the same person in every guild


@dataclass(frozen=True)
class Member:
    """One member of a guild, as its exports show them. ``roles`` is a set of bits, one a role."""

    id: int
    name: str
    nickname: str
    bot: bool
    roles: int
    avatar: str

    @property
    def discriminator(self) -> str:
        """Four digits; people have none any more, bots do."""
        return f"{self.id % 9000 + 1000}" if self.bot else "0000"


def member(seed: int, guild: int, number: int, *, renamed: bool = False) -> Member:
    """A guild's member of that number, by the later of two nicknames if ``renamed``."""
    who = ("person", number) if number % _SHARED == 0 else ("member", guild, number)
    about, here = name_key(seed, *who), name_key(seed, "here", guild, number)
    nickname = words.name(about)
    if here & 3 == 0:
        nickname = words.title(here >> 8)
    if renamed and here >> 40 & 63 == 0:
        nickname += " (away)"
    return Member(
        id=standing_id(seed, *who),
        name=words.name(about) + ("_bot" if _is_bot(about) else ""),
        nickname=nickname,
        bot=_is_bot(about),
        roles=_ROLES[here >> 16 & 7],
        avatar=f"{about:016x}{name_key(seed, 'avatar', about):016x}",
    )


def _is_bot(about: int) -> bool:
    return about >> 50 & 127 == 0


class Crowd:
    """The authors of a guild's messages, dealt out in order; ``size`` members so far."""

    def __init__(self, seed: int, guild: int) -> None:
        self._key = (seed, guild)
        self._spread = Spread(seed, "messages of an author", guild)
        self._generation = 0
        self._who = np.empty(0, np.int64)
        self._counts = np.empty(0, np.int64)
        self._next = 0
        self.size = 0

    def write(self, count: int, expected: int) -> np.ndarray:
        """The members' numbers that write ``count`` messages of a day, in random order.

        ``expected`` messages, these among them, are still to come in this guild: new people come
        in such numbers that everybody gets to write what the corpus's table says.
        """
        taken: list[np.ndarray] = []
        left = count
        while left:
            if self._next == len(self._who):
                self._deal(min(max(expected, left), _GENERATION))
            upto = int(np.searchsorted(np.cumsum(self._counts[self._next :]), left, side="left"))
            end = min(self._next + upto + 1, len(self._who))
            counts = self._counts[self._next : end].copy()
            over = max(int(counts.sum()) - left, 0)
            counts[-1] -= over
            taken.append(np.repeat(self._who[self._next : end], counts))
            left -= int(counts.sum())
            self._next = end
            if over:
                self._next -= 1
                self._counts[self._next] = over
        found = np.concatenate(taken)
        return found[Draws(*self._key, "mixed", self._generation, self._next).order(count)]

    def _deal(self, messages: int) -> None:
        """Bring new people, with what each writes in runs of a day, in random order."""
        table = tables.known()["messages_per_author"]
        totals = np.empty(0, np.int64)
        while totals.sum() < messages:
            totals = np.concatenate((totals, table.at(self._spread.raw(messages // 16 + 1))))
        people = int(np.searchsorted(np.cumsum(totals), messages)) + 1
        totals = totals[:people]
        runs = -(-totals // _RUN)
        who = np.repeat(np.arange(people), runs)
        counts = np.full(len(who), _RUN)
        last = np.cumsum(runs) - 1
        counts[last] = totals - (runs - 1) * _RUN
        self._generation += 1
        order = Draws(*self._key, "dealt", self._generation).order(len(who))
        self._who, self._counts, self._next = who[order] + self.size, counts[order], 0
        self.size += people
