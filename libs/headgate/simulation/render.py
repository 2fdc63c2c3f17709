"""A day's messages as JSON text: the hot loop, in which most messages fill one template."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from headgate.simulation.draws import Draws
from headgate.simulation.forms import Forms
from headgate.simulation.people import Member, member
from headgate.simulation.plan import DAY, standing_id
from headgate.simulation.words import ESCAPES, Babble

#: Names and colours of a guild's roles.
_ROLES = (
    *(("Member", "#3498DB"), ("Helper", None), ("Regular", "#2ECC71"), ("Early bird", None)),
    *(("Announcements", None), ("Moderator", "#E74C3C")),
)
_MOST_CACHED = 20_000


@dataclass
class Lines:
    """The changing parts of a day's messages, each a list in their order."""

    identities: list[int]
    kinds: list[str]
    stamps: list[str]
    edited: list[str]
    pinned: list[str]
    contents: list[str]
    authors: list[str]
    tails: list[str]

    def texts(self, form: str) -> list[str]:
        """The JSON text of each message."""
        return [
            form % parts
            for parts in zip(
                self.identities, self.kinds, self.stamps, self.edited, self.pinned,
                self.contents, self.authors, self.tails, strict=True,
            )
        ]  # fmt: skip


def zone(offset: int) -> str:
    """An offset (milliseconds ahead of UTC) as timestamps write it."""
    sign, minutes = ("-" if offset < 0 else "+"), abs(offset) // 60_000
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


@cache
def _clock() -> list[str]:
    return [f"T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400)]


@cache
def _fractions() -> list[str]:
    """As .NET writes them: no zeros at the end, and nothing for a whole second."""
    return [f".{ms:03d}".rstrip("0") if ms else "" for ms in range(1000)]


def stamps(times: np.ndarray, offset: int) -> list[str]:
    """Local times (milliseconds since 1970) as the exporter writes timestamps."""
    days, within = np.divmod(times, DAY)
    clock, fractions, suffix = _clock(), _fractions(), zone(offset)
    dates = days.astype("datetime64[D]").astype(str).tolist()
    return [
        date + clock[ms // 1000] + fractions[ms % 1000] + suffix
        for date, ms in zip(dates, within.tolist(), strict=True)
    ]


def contents(babble: Babble, lengths: np.ndarray, draws: Draws) -> list[str]:
    """Texts of these lengths (code points), as they stand between a JSON text's quotes."""
    count = len(lengths)
    starts = babble.starts[draws.below(count, len(babble.starts))].tolist()
    found = [babble.of(s, n) for s, n in zip(starts, lengths.tolist(), strict=True)]
    rich = np.flatnonzero(draws.chance(count, 60_000) & (lengths >= 8)).tolist()
    for at, raw in zip(rich, draws.raw(len(rich)).tolist(), strict=True):
        text = found[at]
        place = 1 + (raw >> 8) % (len(text) - 2)
        found[at] = text[:place] + ESCAPES[raw % len(ESCAPES)] + text[place + 1 :]
    return found


class Faces:
    """The members of one guild in one delivery, and their author objects; a bounded cache."""

    def __init__(self, seed: int, guild: int, *, renamed: bool) -> None:
        self._seed, self._guild, self._renamed = seed, guild, renamed
        self._members: dict[int, Member] = {}
        self._written: dict[tuple[int, int], str] = {}
        self._roles = [
            (standing_id(seed, "role", guild, i), name, colour)
            for i, (name, colour) in enumerate(_ROLES)
        ]

    def member(self, number: int) -> Member:
        """The member of that number."""
        found = self._members.get(number)
        if found is None:
            if len(self._members) > _MOST_CACHED:
                self._members.clear()
                self._written.clear()
            found = member(self._seed, self._guild, number, renamed=self._renamed)
            self._members[number] = found
        return found

    def differs(self, number: int) -> bool:
        """Whether the member goes by another nickname than in the first delivery."""
        return self._renamed and self.member(number) != member(self._seed, self._guild, number)

    def author(self, number: int, forms: Forms) -> str:
        """The author object of a member, by the given templates."""
        key = (number, id(forms))
        found = self._written.get(key)
        if found is None:
            found = self._written[key] = self._author(self.member(number), forms)
        return found

    def _author(self, who: Member, forms: Forms) -> str:
        held = [role for i, role in enumerate(self._roles) if who.roles >> i & 1]
        colours = [f'"{colour}"' for _, _, colour in held if colour]
        roles = [
            forms.role % (own, name, f'"{colour}"' if colour else "null", position)
            for position, (own, name, colour) in enumerate(held, 1)
        ]
        avatar = f"https://cdn.discordapp.com/avatars/{who.id}/{who.avatar}.png?size=512"
        return forms.author % (
            who.id,
            who.name,
            who.discriminator,
            who.nickname,
            colours[-1] if colours else "null",
            "true" if who.bot else "false",
            forms.array(roles, 4),
            avatar,
        )
