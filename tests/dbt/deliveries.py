"""Seeded changes to bronze tables, as real deliveries make them: late, edited, moved, deleted."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable
from typing import Any

from tests.dbt.lakehouse import Lakehouse, Line, Post, channel, line, post, profile

#: Days of four weeks, on both sides of the change from a 12-hour to a 24-hour clock.
DAYS = [dt.date(2007, 10, 17) + dt.timedelta(days=n) for n in (0, 1, 2, 7, 8, 9, 15, 21)]
FILES = ["log/a.txt", "log/b.txt", "log/c.txt"]
#: The channels of Discord that people write in, and their guilds.
GUILDS = {"1": "1", "2": "1", "8": "9"}
#: Numbers of messages lie this far apart, so that late ones fit between.
STEP = 3
#: At noon and around midnight, so that people go on with what they said, just so or just not.
NOON, MIDNIGHT = [(12, 0), (12, 5), (12, 10), (12, 11), (12, 20)], [(0, 0), (0, 5), (23, 55)]
#: Not too often at midnight: a log that passed it many times would run over by weeks.
CLOCKS = [*NOON * 3, *MIDNIGHT]


def some_line(chance: random.Random, file: str, number: int, date: dt.date) -> Line:
    """A line of any kind, valid by its contract."""
    kind = chance.choices(["message", "action", "system"], [8, 1, 2])[0]
    spoken = kind != "system"
    answers = chance.sample(range(number), min(number, chance.randint(0, 2)))
    hours, minutes = chance.choice(CLOCKS)
    return line(
        file, number, date, type=kind, channel=chance.choice(["#ubuntu", "#help"]),
        author=chance.choice(["u_1", "u_2", "u_3", "u_4"]) if spoken else None,
        time=f"{hours:02}:{minutes:02}" if spoken else None,
        text=chance.choice(["hello", "", "see https://example.org now", "größer ☃  twice"]),
        reply_to=chance.choice([None, answers, answers]),
    )  # fmt: skip


def some_post(chance: random.Random, number: int, told: int) -> Post:
    """A message of Discord of any kind, valid by its contract.

    Some answer others, of any day and community, of which ``told`` numbers may be there: or may
    come later, or never.
    """
    kind = chance.choices(["Default", "Reply", "19", "ChannelPinnedMessage"], [5, 5, 1, 1])[0]
    where, day = chance.choice("112228"), chance.choice(DAYS)
    hours, minutes = chance.choice(CLOCKS)
    instant = dt.datetime(day.year, day.month, day.day, hours, minutes, tzinfo=dt.UTC)
    answered = chance.randrange(max(told, 1))  # a message does not answer itself
    return post(
        str(number), instant + dt.timedelta(microseconds=chance.choice([0, 0, 1, 999_999])),
        type=kind, author_id=chance.choice("3456"), channel_id=where, guild_id=GUILDS[where],
        content=chance.choice(["hello", "", "see https://example.org now"]),
        reference_message_id=str(answered) if answered != number and kind != "Default" else None,
    )  # fmt: skip


class Deliveries:
    """Seeded changes to the bronze tables of a house."""

    def __init__(self, house: Lakehouse, seed: int) -> None:
        self.house, self.chance = house, random.Random(seed)
        self.told = 0

    def append(self) -> None:
        """New lines at the end of logs, some on new days."""
        lines = []
        for file in self.chance.sample(FILES, 2):
            after = max(self._numbers(file), default=-1)
            date = self.chance.choice(DAYS)
            count = self.chance.randint(1, 12)
            lines += [some_line(self.chance, file, after + 1 + i, date) for i in range(count)]
        self.house.put(lines)

    def late(self) -> None:
        """Lines that fill gaps on a day that was built already."""
        file = self.chance.choice(FILES)
        known = self._numbers(file)
        gaps = sorted(set(range(max(known, default=0) + 3)) - set(known))
        self.house.put(
            [some_line(self.chance, file, n, self.chance.choice(DAYS)) for n in gaps[:4]]
        )

    def edit(self) -> None:
        """Known lines, said otherwise."""
        keys = self._some(self.house.lines, 5)
        self.house.put([some_line(self.chance, *k, self.house.lines[k]["date"]) for k in keys])

    def move(self) -> None:
        """Known lines that turn out to be of another day: both days are touched."""
        keys = self._some(self.house.lines, 4)
        self.house.put([{**self.house.lines[k], "date": self.chance.choice(DAYS)} for k in keys])

    def delete(self) -> None:
        """Lines that go, now and then a whole day."""
        keys = self._some(self.house.lines, 6)
        if self.chance.random() < 0.3:
            day = self.house.lines[keys[0]]["date"]
            keys = [k for k, r in self.house.lines.items() if r["date"] == day]
        if len(keys) < len(self.house.lines):
            self.house.delete(keys)

    def compact(self) -> None:
        """The same rows in other files: nothing changed."""
        self.house.compact()

    def export(self) -> None:
        """New messages of Discord, some of which answer what is there, was there or never was."""
        numbers = [self.told + STEP * n for n in range(self.chance.randint(1, 12))]
        self.told = numbers[-1] + STEP
        self.house.put_posts([some_post(self.chance, n, self.told) for n in numbers])

    def export_late(self) -> None:
        """Messages that others answered already, or known ones with other words, author or day."""
        missing = sorted({str(n) for n in range(self.told)} - set(self.house.posts), key=int)
        ids = self._some(missing, 3) + self._some(self.house.posts, 3)
        self.house.put_posts([some_post(self.chance, int(i), int(i)) for i in ids])

    def join(self) -> None:
        """A late message that answers one conversation and is answered by another."""
        posts = self.house.posts
        waiting = [
            i for i, p in posts.items()
            if p["type"] in {"Reply", "19"} and p["reference_message_id"] not in {None, *posts}
        ]  # fmt: skip
        for follower in (posts[i] for i in self._some(waiting, 2)):
            number, guild = follower["reference_message_id"], follower["guild_id"]
            earlier = [
                i for i, p in posts.items()
                if p["guild_id"] == guild and p["sent_at"] <= follower["sent_at"]
            ]  # fmt: skip
            (first,) = self._some(earlier, 1)
            self.house.put_posts(
                [
                    post(
                        number, posts[first]["sent_at"], type="Reply", author_id="7",
                        guild_id=guild, channel_id=follower["channel_id"],
                        reference_message_id=first,
                    )
                ]
            )  # fmt: skip

    def go_on(self) -> None:
        """Somebody said more after what is there, or before what they went on with, just in time."""
        minutes = [0, 4, 9.99, 10, 10.01, 15, 20]
        more = []
        for number in self._some([i for i in self.house.posts if int(i) % STEP == 0], 6):
            before, wait = self.house.posts[number], self.chance.choice(minutes)
            more.append(
                post(
                    str(int(number) + self.chance.choice(range(1, STEP))),
                    before["sent_at"] + dt.timedelta(minutes=wait),
                    **{n: before[n] for n in ("author_id", "channel_id", "guild_id")},
                )
            )
        self.house.put_posts(more)

    def export_without(self) -> None:
        """Messages that were deleted, among them some that others answer."""
        ids = self._some(self.house.posts, 6)
        if len(ids) < len(self.house.posts):
            self.house.delete_posts(ids)

    def forget_debut(self) -> None:
        """All that somebody wrote on their first day goes: they are of a later week, or of none."""
        posts = self.house.posts.values()
        for author in self._some({p["author_id"]: 1 for p in posts}, 1):
            first = min(p["sent_at"].date() for p in posts if p["author_id"] == author)
            ids = [
                i for i, p in self.house.posts.items()
                if p["author_id"] == author and p["sent_at"].date() == first
            ]  # fmt: skip
            if len(ids) < len(posts):
                self.house.delete_posts(ids)

    def shift(self) -> None:
        """Somebody wrote on another day than was thought, neither their first nor their last.

        They wrote as much, and on as many days, but perhaps in another week.
        """
        posts = self.house.posts
        for author in self._some({p["author_id"]: 1 for p in posts.values()}, 2):
            days = {p["sent_at"].date() for p in posts.values() if p["author_id"] == author}
            between = self._some(days - {min(days), max(days)}, 1)
            free = [d for d in DAYS if min(days) < d < max(days) and d not in days]
            for day, other in zip(between, self._some(free, 1), strict=False):
                self.house.put_posts(
                    [
                        {**p, "sent_at": p["sent_at"] + (other - day)}
                        for p in posts.values()
                        if p["author_id"] == author and p["sent_at"].date() == day
                    ]
                )

    def meet(self) -> None:
        """Accounts and channels that an export knows, new ones and under new names."""
        choose = self.chance.choice
        who = {(choose("19"), choose("34567")) for _ in range(3)}
        self.house.put_users(
            [
                profile(
                    guild, user, nickname=choose([None, "Bo", "Cy"]), is_bot=choose([True, False]),
                    exported_at=dt.datetime(2026, 1, choose([1, 2]), tzinfo=dt.UTC),
                )
                for guild, user in sorted(who)
            ]
        )  # fmt: skip
        self.house.put_channels(
            [
                channel(
                    where, guild_id=GUILDS.get(where, "1"), name=choose(["tea", "cake"]),
                    parent_id=choose([None, "5"]), topic=choose([None, "What is it for?"]),
                )
                for where in self.chance.sample([*GUILDS, "4"], 2)
            ]
        )  # fmt: skip

    def forget(self) -> None:
        """Accounts and channels that are there no more, though their messages may be."""
        if users := self._some(self.house.users, 2):
            self.house.delete_users(users)
        if self.chance.random() < 0.5 and (channels := self._some(self.house.channels, 2)):
            self.house.delete_channels(channels)

    def any(self) -> None:
        """One change."""
        ways: dict[Callable[[], None], int] = {
            self.append: 3, self.late: 2, self.edit: 3, self.move: 2, self.delete: 2,
            self.compact: 1, self.export: 3, self.export_late: 3, self.join: 3, self.go_on: 4,
            self.export_without: 3, self.forget_debut: 2, self.shift: 2, self.meet: 2, self.forget: 2,
        }  # fmt: skip
        self.chance.choices(list(ways), list(ways.values()))[0]()

    def _numbers(self, file: str) -> list[int]:
        return sorted(n for f, n in self.house.lines if f == file)

    def _some(self, known: Iterable[Any], most: int) -> list[Any]:
        """One to so many of what is known, if anything is."""
        found = sorted(known)
        return self.chance.sample(found, min(len(found), self.chance.randint(1, most)))
