"""Composes the messages of a day from its arrays: texts, authors, references, what Discord adds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from headgate.simulation import render
from headgate.simulation.day import Day
from headgate.simulation.extras import Extras, Maker
from headgate.simulation.forms import Forms
from headgate.simulation.guild import Guild
from headgate.simulation.plan import DAY
from headgate.simulation.render import Faces, Lines
from headgate.simulation.words import Babble

_EDITED, _PINNED, _SYSTEM = 30_000, 1_000, 7_000  # of a million messages
#: Messages that Discord writes itself: type and text.
_KINDS = (
    ("GuildMemberJoin", "Joined the server."),
    ("GuildMemberJoin", "Joined the server."),
    ("ChannelPinnedMessage", "Pinned a message."),
    ("UserPremiumGuildSubscription", "Boosted the server!"),
)


class Composer:
    """Composes the days of one channel."""

    def __init__(self, guild: Guild, forms: Forms, maker: Maker, babble: Babble) -> None:
        self._guild, self._forms, self._maker, self._babble = guild, forms, maker, babble

    def first(self, day: Day, identities: list[int], authors: list[int]) -> tuple[Lines, Extras]:
        """The messages as they were when they were new, a few edited since."""
        faces = self._guild.first
        extras = self._maker.of(day, identities, [faces.member(n) for n in authors])
        answers = day.answers.tolist()
        plain, answer = self._forms.plain, self._maker.answer
        edited = np.flatnonzero(day.draws.chance(len(day), _EDITED))
        pinned = day.draws.chance(len(day), _PINNED).tolist()
        lines = Lines(
            identities=identities,
            kinds=["Reply" if a >= 0 else "Default" for a in answers],
            stamps=render.stamps(day.times, self._guild.offset),
            edited=["null"] * len(day),
            pinned=["true" if p else "false" for p in pinned],
            contents=render.contents(self._babble, day.lengths, day.draws),
            authors=self.authors(faces, authors),
            tails=[answer(identities[a]) if a >= 0 else plain for a in answers],
        )
        self._mark_edited(lines, edited, day, 600_000)
        for at, tail in extras.tails.items():
            lines.tails[at] = tail
        for at in extras.forwards:
            lines.kinds[at], lines.contents[at] = "Default", ""
        self._add_system(lines, extras, day)
        return lines, extras

    def later(self, lines: Lines, day: Day, authors: list[int], edited: np.ndarray) -> Lines:
        """The same messages in a later export: the chosen ones edited, some authors renamed."""
        changed = replace(
            lines,
            edited=lines.edited.copy(),
            contents=lines.contents.copy(),
            authors=self.authors(self._guild.later, authors),
        )
        places = np.flatnonzero(edited)
        self._mark_edited(changed, places, day, 20 * DAY)
        texts = render.contents(self._babble, day.lengths[places] + 1, day.draws)
        for at, text in zip(places.tolist(), texts, strict=True):
            changed.contents[at] = text
        return changed

    def authors(self, faces: Faces, numbers: list[int]) -> list[str]:
        """The author objects of members."""
        author, forms = faces.author, self._forms
        return [author(number, forms) for number in numbers]

    def grow_thread(self, lines: Lines, extras: Extras, at: int) -> None:
        """Let a thread grow from a message: the next one tells of it."""
        self._say(lines, extras, at + 1, "ThreadCreated", "Started a thread.")
        thread = lines.identities[at]
        lines.tails[at + 1] = self._maker.reference("null", thread)

    def open_thread(self, lines: Lines, extras: Extras, message: int, channel: int) -> None:
        """Let the first message stand for the one that the thread grew from."""
        self._say(lines, extras, 0, "21", "")
        lines.tails[0] = self._maker.reference(f'"{message}"', channel)

    def _add_system(self, lines: Lines, extras: Extras, day: Day) -> None:
        places = np.flatnonzero(day.draws.chance(len(day), _SYSTEM))
        for at, kind in zip(
            places.tolist(), day.draws.below(len(places), len(_KINDS)).tolist(), strict=True
        ):
            self._say(lines, extras, at, *_KINDS[kind])

    def _say(self, lines: Lines, extras: Extras, at: int, kind: str, text: str) -> None:
        """Make a message one that Discord writes, which carries nothing else."""
        lines.kinds[at], lines.contents[at] = kind, text
        lines.edited[at], lines.pinned[at], lines.tails[at] = "null", "false", self._forms.plain
        extras.reactions[at] = extras.attachments[at] = 0

    def _mark_edited(self, lines: Lines, places: np.ndarray, day: Day, within: int) -> None:
        """Let messages be edited within so many ms after they were written."""
        times = day.times[places] + 1000 + day.draws.below(len(places), within)
        written = render.stamps(times, self._guild.offset)
        for at, stamp in zip(places.tolist(), written, strict=True):
            lines.edited[at] = f'"{stamp}"'
