"""One channel's exports, written day by day: what each delivery holds of each day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from headgate.simulation import day as days
from headgate.simulation import faults, render
from headgate.simulation.compose import Composer
from headgate.simulation.day import Day
from headgate.simulation.draws import Draws
from headgate.simulation.extras import Extras, Maker, Place
from headgate.simulation.files import ExportFile
from headgate.simulation.forms import forms
from headgate.simulation.guild import Guild
from headgate.simulation.manifest import Seen, Written
from headgate.simulation.plan import DAY, FIRST_EXPORT, Channel, Plan
from headgate.simulation.render import Lines
from headgate.simulation.words import Babble

_HOUR = 3_600_000
_MISCOUNT = 7


class ChannelWriter:
    """Writes the files of one channel of ``guild``, after those of its parent."""

    def __init__(
        self, plan: Plan, guild: Guild, channel: Channel, babble: Babble, seen: Seen
    ) -> None:
        self._plan, self._guild, self._channel, self._seen = plan, guild, channel, seen
        self._seed = plan.wanted.seed
        self._forms = forms(old=channel.old, minified=plan.wanted.minified)
        self._header = guild.header(channel, self._opening())
        guild.names[channel.place] = (self._header.channel_id, self._header.name)
        place = Place(self._seed, guild.number, guild.id, self._header.channel_id)
        maker = Maker(self._forms, place)
        self._composer = Composer(guild, self._forms, maker, babble)
        self._has_thread = any(
            c.kind == "thread" and c.parent == channel.place and sum(c.days)
            for c in plan.of(guild.number)
        )

    def write(self, folder: Path, expected: int) -> list[Written]:
        """Write all its files; ``expected`` messages are still to come in the guild."""
        channel = self._channel
        first = self._file(folder, "first")
        later = self._file(folder, "later") if channel.later else None
        again = self._file(folder, "refused") if channel.miscounted else None
        for number, day in enumerate(self._days()):
            is_new = number >= len(channel.days)
            everything = np.ones(len(day), np.bool_)
            authors = self._guild.crowd.write(len(day), expected)
            expected -= len(day)
            lines, extras = self._composed(day, number, authors.tolist())
            fate = days.fate(day)
            if not is_new:
                kept = everything if later is None else ~fate.late
                last = number == len(channel.days) - 1
                self._put(first, lines, extras, authors, kept, day, cut=channel.cut and last)
            if again is not None:
                self._put(again, lines, extras, authors, everything, day)
            if later is not None:
                lines = self._composer.later(lines, day, authors.tolist(), fate.edited)
                kept = everything if is_new else ~fate.deleted
                self._put(later, lines, extras, authors, kept, day)
                later.account.new += len(day) if is_new else 0
                if not is_new:
                    later.account.late += int(fate.late.sum())
                    later.account.edited += int(fate.edited.sum())
                    later.account.deleted += int(fate.deleted.sum())
        return [file.close() for file in (first, later, again) if file is not None]

    def _days(self) -> Iterator[Day]:
        """Its days in order."""
        channel = self._channel
        if channel.threaded:
            if sum(channel.days):
                yield self._thread_day()
            return
        start = FIRST_EXPORT - len(channel.days) * DAY
        for k, count in enumerate(channel.days + channel.new_days):
            # No day is both before and after the first export.
            at = start + (k + (k >= len(channel.days))) * DAY
            yield days.of(count, at, Draws(self._seed, "day", channel.number, k))

    def _thread_day(self) -> Day:
        """All of a thread's messages: within a week of the message it grew from."""
        draws = Draws(self._seed, "thread day", self._channel.number)
        start = FIRST_EXPORT - 20 * DAY + draws.one(DAY)
        anchor = self._guild.anchor(self._channel)
        if anchor is not None:
            start = anchor[1]
        span = min(7 * DAY, FIRST_EXPORT + 2 * _HOUR - start)
        return days.of(sum(self._channel.days), start + 1, draws, span=span)

    def _opening(self) -> int | None:
        """A post has the id of the message that opens it."""
        if self._channel.kind != "post" or not sum(self._channel.days):
            return None
        day = self._thread_day()
        return int(day.ids(self._guild.offset, self._channel.number)[0])

    def _composed(self, day: Day, number: int, authors: list[int]) -> tuple[Lines, Extras]:
        guild, channel = self._guild, self._channel
        identities = day.ids(guild.offset, channel.number).tolist()
        lines, extras = self._composer.first(day, identities, authors)
        if self._has_thread and number == (len(channel.days) - 1) // 2 and len(day) > 2:
            at = len(day) // 3
            self._composer.grow_thread(lines, extras, at)
            guild.anchors[channel.place] = (identities[at], int(day.times[at]))
        if guild.anchor(channel) is not None and channel.parent is not None:
            message, _ = guild.anchors[channel.parent]
            self._composer.open_thread(lines, extras, message, guild.names[channel.parent][0])
        return lines, extras

    def _file(self, folder: Path, delivery: str) -> ExportFile:
        """A file of a delivery; the exports of one are made seconds after another."""
        later = self._plan.later_export
        at = {"first": FIRST_EXPORT, "later": later, "refused": later + 10 * DAY}[delivery]
        micros = (at + 3 * _HOUR) * 1000 + self._channel.number * 7_308_622
        second = render.stamps(np.array([micros // 1_000_000 * 1000]), 0)[0][:19]
        zone = render.zone(self._guild.offset)
        return ExportFile(
            folder / delivery,
            delivery,
            self._header,
            f"{second}.{micros % 1_000_000:06d}{zone}",
            self._forms,
            cut=self._channel.cut,
            miscount=_MISCOUNT if delivery == "refused" else 0,
        )

    def _put(
        self,
        file: ExportFile,
        lines: Lines,
        extras: Extras,
        authors: np.ndarray,
        kept: np.ndarray,
        day: Day,
        *,
        cut: bool = False,
    ) -> None:
        """Write the kept messages of a day into a file, with faults where faults are wanted."""
        texts = lines.texts(self._forms.message)
        readable = kept.copy()
        channel, account = self._channel, file.account
        wanted = self._plan.wanted.per_million
        if wanted and not (channel.threaded or channel.later or account.delivery != "first"):
            before = account.messages
            for at, kind in faults.chosen(len(day), wanted, day.draws):
                texts[at] = kind.put(texts[at], texts[at - 1])
                account.fault(kind.name, before + at + 1)
                readable[at] = kind.readable
                if kind.name == "repeat":
                    extras.reactions[at] = extras.reactions[at - 1]
                    extras.attachments[at] = extras.attachments[at - 1]
                    authors[at] = authors[at - 1]
        if cut:
            readable[-1] = False
        file.add([texts[at] for at in np.flatnonzero(kept).tolist()])
        account.reactions += int(extras.reactions[readable].sum())
        account.attachments += int(extras.attachments[readable].sum())
        later = account.delivery == "later"
        wrote = np.unique(authors[readable])
        differing = [later and self._guild.later.differs(n) for n in wrote.tolist()]
        marks = np.array(differing, np.bool_)
        self._seen.mark(self._guild.number, wrote[~marks], renamed=False)
        self._seen.mark(self._guild.number, wrote[marks], renamed=True)
