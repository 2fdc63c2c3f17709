"""What few messages carry: reactions, attachments, mentions, embeds, stickers, forwards, pins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headgate.simulation import words
from headgate.simulation.day import Day
from headgate.simulation.forms import Forms
from headgate.simulation.people import Member
from headgate.simulation.plan import DAY, snowflake, standing_id

#: Of a million messages, how many have reactions, attachments and so on.
RATES = {
    "reactions": 60_000,
    "attachments": 40_000,
    "mentions": 50_000,
    "embeds": 10_000,
    "stickers": 5_000,
    "emojis": 6_000,
    "forward": 1_000,
    "astray": 10_000,  # answers to a message that the export does not hold
}
_CDN = "https://cdn.discordapp.com"
_UNICODE = ("\\uD83D\\uDC4D", "❤️", "\\uD83D\\uDE02", "✅", "\\uD83C\\uDF89", "\\uD83D\\uDC40")
_CUSTOM = 8
_FILES = (
    ("photo", "png"),
    ("screen shot", "jpg"),
    ("log", "txt"),
    ("clip", "mp4"),
    ("größe", "csv"),
)


@dataclass(frozen=True)
class Place:
    """Where a day's messages stand: what their references and links name."""

    seed: int
    guild: int
    guild_id: int
    channel_id: int


@dataclass
class Extras:
    """The tails of those messages of a day that have something, by their place in the day.

    ``reactions`` and ``attachments`` count the records inside each message; ``forwards`` are the
    places of forwarded messages, which have no text of their own.
    """

    tails: dict[int, str]
    forwards: list[int]
    reactions: np.ndarray
    attachments: np.ndarray


class Maker:
    """Makes the extras of one file's messages; ``forms`` are those of its version."""

    def __init__(self, forms: Forms, place: Place) -> None:
        self._forms = forms
        self._place = place
        # Older versions do not say what a reference is, and know no forwarding.
        self._typed = '"type"' in forms.reference

    def of(self, day: Day, identities: list[int], members: list[Member]) -> Extras:
        """The extras of a day whose messages have these ids and authors."""
        count = len(day)
        has = {name: day.draws.chance(count, rate) for name, rate in RATES.items()}
        details = day.draws.raw(count).tolist()
        found = Extras({}, [], np.zeros(count, np.int64), np.zeros(count, np.int64))
        answers = day.answers.tolist()
        for at in np.flatnonzero(np.logical_or.reduce(list(has.values()))).tolist():
            detail = details[at]
            mine = {name for name in has if has[name][at]}
            arrays = self._arrays(mine, detail, identities[at], members)
            found.reactions[at] = len(arrays.get("reactions", ()))
            found.attachments[at] = len(arrays.get("attachments", ()))
            emojis = [self._emoji(detail >> 20)] if "emojis" in mine else []
            answered = answers[at]
            astray = snowflake(int(day.times[at]) - 30 * DAY, detail & 0x3FFFFF)
            if "forward" in mine and self._typed:
                found.forwards.append(at)
                tail = self._forward(arrays, astray, emojis)
            elif answered >= 0:
                to = astray if "astray" in mine else identities[answered]
                tail = self._tail(arrays, emojis, reference=f'"{to}"')
            else:
                tail = self._tail(arrays, emojis)
            found.tails[at] = tail
        return found

    def _arrays(
        self, mine: set[str], detail: int, message: int, members: list[Member]
    ) -> dict[str, list[str]]:
        """What stands in a message's arrays, by their names."""
        arrays: dict[str, list[str]] = {}
        if "reactions" in mine:
            arrays["reactions"] = self._reactions(detail)
        if "attachments" in mine:
            arrays["attachments"] = self._attachments(detail, message)
        if "mentions" in mine:
            arrays["mentions"] = [self._mention(members[detail % len(members)])]
        if "embeds" in mine:
            arrays["embeds"] = [self._embed(detail)]
        if "stickers" in mine:
            arrays["stickers"] = [self._sticker(detail)]
        return arrays

    def reference(self, message: str, channel: int) -> str:
        """The tail of a message that refers to a message (JSON text) of a channel."""
        return self._tail({}, [], reference=message, channel=channel)

    def answer(self, message: int) -> str:
        """The tail of an answer to a message of the same channel, and nothing else."""
        return self._forms.answer % (message, self._place.channel_id, self._place.guild_id)

    def _tail(
        self,
        arrays: dict[str, list[str]],
        emojis: list[str],
        *,
        reference: str = "",
        channel: int = 0,
        forwarded: str = "",
    ) -> str:
        forms = self._forms
        values = [
            forms.array(arrays.get(name, []), 3)
            for name in ("attachments", "embeds", "stickers", "reactions", "mentions")
        ]
        if reference:
            where = (reference, channel or self._place.channel_id, self._place.guild_id)
            kind = "Forward" if forwarded else "Default"
            values.append(forms.reference % ((kind, *where) if self._typed else where))
        if forwarded:
            values.append(forwarded)
        chosen = forms.forwarding if forwarded else forms.referring if reference else forms.tail
        if '"inlineEmojis"' in chosen:
            values.append(forms.array(emojis, 3))
        return chosen % tuple(values)

    def _forward(self, arrays: dict[str, list[str]], message: int, emojis: list[str]) -> str:
        text = self._forms.forwarded % ("2024-02-01T09:00:00.5+00:00", "what was said elsewhere")
        return self._tail(arrays, emojis, reference=f'"{message}"', forwarded=text)

    def _reactions(self, detail: int) -> list[str]:
        """One to three different emojis, with their counts."""
        count = 1 + (detail >> 3 & 7 == 0) + (detail >> 6 & 31 == 0)
        first = detail >> 12
        return [
            self._forms.reaction
            % (*self._emoji_values(first + n), 1 + (detail >> 40 + n & 15) ** 2 // 24)
            for n in range(count)
        ]

    def _emoji(self, number: int) -> str:
        return self._forms.emoji % self._emoji_values(number)

    def _emoji_values(self, number: int) -> tuple[str | int, str, str, str]:
        """Id, name, whether it moves, and picture: two in three are of Unicode."""
        choice = number % (2 * _CUSTOM + len(_UNICODE))
        if choice >= _CUSTOM:
            which = choice % len(_UNICODE)
            return ("", _UNICODE[which], "false", f"{_CDN}/twemoji/{which}.svg")
        own = standing_id(self._place.seed, "emoji", self._place.guild, choice)
        moves = choice == 1
        suffix = "gif" if moves else "png"
        return (
            own,
            f"emoji_{choice}",
            "true" if moves else "false",
            f"{_CDN}/emojis/{own}.{suffix}",
        )

    def _attachments(self, detail: int, message: int) -> list[str]:
        """One attachment, seldom two; uploaded just before the message was sent."""
        found = []
        for n in range(1 + (detail >> 10 & 15 == 0)):
            stem, suffix = _FILES[(detail >> 14 + n) % len(_FILES)]
            own = message - (1500 + n << 22)
            url = f"{_CDN}/attachments/{self._place.channel_id}/{own}/{n}.{suffix}"
            size = 1 + (detail >> 20 + n) % 8_000_000
            found.append(self._forms.attachment % (own, url, f"{stem}.{suffix}", size))
        return found

    def _mention(self, member: Member) -> str:
        who = (member.id, member.name, member.discriminator, member.nickname)
        return self._forms.mention % who

    def _embed(self, detail: int) -> str:
        title = words.title(detail >> 5)
        return self._forms.embed % (
            title,
            "https://example.org/page",
            "It says more.",
            "one",
            "two",
        )

    def _sticker(self, detail: int) -> str:
        which = detail % 4
        own = standing_id(self._place.seed, "sticker", which)
        return self._forms.sticker % (own, f"sticker_{which}", f"{_CDN}/stickers/{own}.png")
