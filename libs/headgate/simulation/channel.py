"""One channel's exports, written day by day: what each delivery holds of each day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
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
        damaged = self._file(folder, channel.damage) if channel.damage else None
        for number, day in enumerate(self._days()):
            authors = self._guild.crowd.write(len(day), expected)
            expected -= len(day)
            work = _Work(day, authors, *self._composed(day, number, authors.tolist()))
            is_new = number >= len(channel.days)
            if later is not None:
                self._put_both(first, later, work, is_new=is_new)
                continue
            if damaged is not None:
                self._put_once(damaged, work, cut=number == len(channel.days) - 1)
            self._put_once(first, work)
        return [file.close() for file in (first, later, damaged) if file is not None]

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
        at = {"first": FIRST_EXPORT, "later": later}.get(delivery, later + 10 * DAY)
        micros = (at + 3 * _HOUR) * 1000 + self._channel.number * 7_308_622
        second = render.stamps(np.array([micros // 1_000_000 * 1000]), 0)[0][:19]
        zone = render.zone(self._guild.offset)
        return ExportFile(
            folder / delivery,
            delivery,
            self._header,
            f"{second}.{micros % 1_000_000:06d}{zone}",
            self._forms,
            damage=delivery if delivery in faults.OF_FILES else "",
        )

    def _put_once(self, file: ExportFile, work: _Work, *, cut: bool = False) -> None:
        """Write a day that no later export tells of, with faults where faults are wanted.

        ``cut``: it is the last one, so that its last message may be cut off.
        """
        count, account = len(work.day), file.account
        readable, known = np.ones(count, np.bool_), np.zeros(count, np.bool_)
        texts = work.lines.texts(self._forms.message)
        wanted = self._plan.wanted.per_million if self._channel.faulty else 0
        for at, kind in faults.chosen(count, wanted, work.day.draws):
            texts[at] = kind.put(texts[at], texts[at - 1])
            account.fault(kind.name, account.messages + at + 1)
            readable[at] = kind.readable
            if kind.name == "repeat":
                known[at] = True
                work.repeat(at)
        if cut and self._channel.damage == "cut_tail":
            readable[-1] = False
        file.add(texts)
        self._count(file, work, readable, known)

    def _put_both(self, first: ExportFile, later: ExportFile, work: _Work, *, is_new: bool) -> None:
        """Write a day into the first export, unless it is new, and changed into the later one."""
        fate, nothing = days.fate(work.day), np.zeros(len(work.day), np.bool_)
        if not is_new:
            self._put(first, work, ~fate.late, nothing)
        edited = self._composer.later(work.lines, work.day, work.authors.tolist(), fate.edited)
        changed = replace(work, lines=edited)
        if is_new:
            later.account.new += len(work.day)
            self._put(later, changed, ~nothing, nothing)
            return
        later.account.late += int(fate.late.sum())
        later.account.edited += int(fate.edited.sum())
        later.account.deleted += int(fate.deleted.sum())
        self._put(later, changed, ~fate.deleted, ~fate.late)

    def _put(self, file: ExportFile, work: _Work, kept: np.ndarray, known: np.ndarray) -> None:
        """Write the kept messages of a day; the known ones were delivered before."""
        texts = work.lines.texts(self._forms.message)
        file.add([texts[at] for at in np.flatnonzero(kept).tolist()])
        self._count(file, work, kept, known & kept)

    def _count(
        self, file: ExportFile, work: _Work, readable: np.ndarray, known: np.ndarray
    ) -> None:
        """Count what stands in the readable messages of a day, and who wrote them."""
        account, extras = file.account, work.extras
        account.reactions += int(extras.reactions[readable].sum())
        account.attachments += int(extras.attachments[readable].sum())
        account.reactions_again += int(extras.reactions[known].sum())
        account.attachments_again += int(extras.attachments[known].sum())
        later = account.delivery == "later"
        wrote = np.unique(work.authors[readable])
        renamed = np.array([later and self._guild.later.differs(n) for n in wrote.tolist()], bool)
        self._seen.mark(account.delivery, self._guild.number, wrote[~renamed], renamed=False)
        self._seen.mark(account.delivery, self._guild.number, wrote[renamed], renamed=True)


@dataclass(frozen=True)
class _Work:
    """A day as it is written: by whom, as what text, with what inside."""

    day: Day
    authors: np.ndarray
    lines: Lines
    extras: Extras

    def repeat(self, at: int) -> None:
        """Let a message carry, and be written by, what the one before it does."""
        for what in (self.authors, self.extras.reactions, self.extras.attachments):
            what[at] = what[at - 1]
