"""Incremental equals full refresh, after any appends, edits, late rows, moves and deletes."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.lake.content import content_hash
from tests.conftest import make_project
from tests.dbt.lakehouse import (
    BRONZE,
    DAILY,
    DISCORD,
    MESSAGES,
    SILVER,
    Key,
    Lakehouse,
    Line,
    Post,
    line,
    post,
)
from tests.e2e import oracle, oracle_discord

#: Days on both sides of the change from a 12-hour to a 24-hour clock.
DAYS = [dt.date(2007, 10, 20) + dt.timedelta(days=n) for n in range(8)]
FILES = ["log/a.txt", "log/b.txt", "log/c.txt"]


def some_line(chance: random.Random, file: str, number: int, date: dt.date) -> Line:
    """A line of any kind, valid by its contract."""
    kind = chance.choices(["message", "action", "system"], [8, 1, 2])[0]
    spoken = kind != "system"
    answers = chance.sample(range(number), min(number, chance.randint(0, 2)))
    return line(
        file, number, date, type=kind, channel=chance.choice(["#ubuntu", "#help"]),
        author=chance.choice(["u_1", "u_2", "u_3"]) if spoken else None,
        time=f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}" if spoken else None,
        text=chance.choice(["hello", "", "see https://example.org now", "größer ☃  twice"]),
        reply_to=chance.choice([None, answers, answers]),
    )  # fmt: skip


def some_post(chance: random.Random, number: int, known: list[str]) -> Post:
    """A message of Discord of any kind, valid by its contract; some answer others of any day."""
    kind = chance.choices(["Default", "Reply", "19", "ChannelPinnedMessage"], [5, 4, 1, 1])[0]
    day = chance.choice(DAYS)
    return post(
        str(number),
        dt.datetime(day.year, day.month, day.day, chance.randrange(24), 59, 59, 999_000, dt.UTC),
        type=kind, author_id=chance.choice("345"), channel_id=chance.choice("12"),
        content=chance.choice(["hello", "", "see https://example.org now"]),
        reference_message_id=chance.choice([*known, "404"]) if kind != "Default" else None,
    )  # fmt: skip


class Deliveries:
    """Seeded changes to the bronze tables."""

    def __init__(self, house: Lakehouse, seed: int) -> None:
        self.house, self.chance = house, random.Random(seed)
        self.told = 0

    def _numbers(self, file: str) -> list[int]:
        return sorted(n for f, n in self.house.lines if f == file)

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
        self.house.put(
            [some_line(self.chance, f, n, self.house.lines[f, n]["date"]) for f, n in self._some(5)]
        )

    def move(self) -> None:
        """Known lines that turn out to be of another day: both days are touched."""
        self.house.put(
            [{**self.house.lines[k], "date": self.chance.choice(DAYS)} for k in self._some(4)]
        )

    def delete(self) -> None:
        """Lines that go, now and then a whole day."""
        keys = self._some(6)
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
        known = [str(n) for n in range(self.told)]
        count = self.chance.randint(1, 12)
        self.house.put_posts(
            [some_post(self.chance, self.told + n, known) for n in range(count)],
        )
        self.told += count

    def export_late(self) -> None:
        """A message that others answered already, or an earlier one with other words and author."""
        missing = sorted({str(n) for n in range(self.told)} - set(self.house.posts))
        ids = self.chance.sample(missing, min(len(missing), 3)) + self._some_posts(3)
        self.house.put_posts([some_post(self.chance, int(i), []) for i in ids])

    def export_without(self) -> None:
        """Messages that were deleted, among them some that others answer."""
        ids = self._some_posts(6)
        if len(ids) < len(self.house.posts):
            self.house.delete_posts(ids)

    def _some_posts(self, most: int) -> list[str]:
        known = sorted(self.house.posts)
        return self.chance.sample(known, min(len(known), self.chance.randint(1, most)))

    def _some(self, most: int) -> list[Key]:
        known = sorted(self.house.lines)
        return self.chance.sample(known, min(len(known), self.chance.randint(1, most)))

    def any(self) -> None:
        """One change."""
        ways: list[Callable[[], None]] = [
            self.append, self.late, self.edit, self.move, self.delete, self.compact,
            self.export, self.export_late, self.export_without,
        ]  # fmt: skip
        self.chance.choices(ways, [3, 2, 3, 2, 2, 1, 3, 3, 3])[0]()


def independent(house: Lakehouse, folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """The tables that the lines must give, by the account that knows nothing of ours."""
    path = folder / "lines.jsonl"
    path.write_text(
        "".join(json.dumps(r, default=str) + "\n" for r in house.lines.values()), "utf-8"
    )
    return oracle.gold(path, others=oracle_discord.silver(house.posts.values()))


@pytest.mark.parametrize("seed", range(3))
def test_incremental_equals_full_refresh(house: Lakehouse, tmp_path: Path, seed: int) -> None:
    deliveries = Deliveries(house, seed)
    for _ in range(3):
        deliveries.append()
    if seed:
        deliveries.export()  # else Discord comes to tables that were built without it
    assert house.build().ok
    if not seed:
        deliveries.export()

    for _ in range(4):
        for _ in range(deliveries.chance.randint(1, 3)):
            deliveries.any()
        result = house.build()
        assert result.ok, result.failed
        for dataset, rows in independent(house, tmp_path).items():
            if house.table(dataset) is None:
                continue
            assert house.rows(dataset) == rows, dataset
            table = house.table(dataset)
            assert table is not None and table.meta is not None
            assert table.meta.mode == "merge", "it was to be an incremental build"

    full = Lakehouse(make_project(tmp_path / "full"))
    full.put(list(house.lines.values()))
    full.put_posts(list(house.posts.values()))
    assert full.build().ok
    for dataset in (SILVER, MESSAGES, DAILY):
        one, other = house.table(dataset), full.table(dataset)
        assert one is not None and other is not None
        assert content_hash(house.context.session.con, one) == content_hash(
            full.context.session.con, other
        )
    full.close()


def test_the_cost_follows_the_change(house: Lakehouse) -> None:
    house.put([line("log/a.txt", n, DAYS[n % 8]) for n in range(80)])
    house.build()
    before = len(house.context.outcomes)

    house.put([line("log/a.txt", 80, DAYS[3], text="one more")])
    assert house.build().ok

    read = {o.dataset: o.read for o in house.context.outcomes[before:]}
    assert read == {SILVER: 11, MESSAGES: 11, DAILY: 1}


def test_nothing_changed_gives_a_version_that_says_so(house: Lakehouse) -> None:
    house.put([line("log/a.txt", n, DAYS[0]) for n in range(3)])
    house.build()
    rows = house.rows(DAILY)

    house.compact()
    assert house.build().ok

    bronze, silver = house.table(BRONZE), house.table(SILVER)
    assert bronze is not None and silver is not None and silver.meta is not None
    assert silver.meta.inputs == {BRONZE: bronze.version}, f"{DISCORD} is not there yet"
    assert silver.meta.read == 0
    assert house.rows(DAILY) == rows


def test_changed_code_is_built_anew(house: Lakehouse) -> None:
    house.put([line("log/a.txt", n, DAYS[n]) for n in range(3)])
    house.build()
    sql = next((house.project.settings.dbt_path / "models").rglob("fct_messages.sql"))
    sql.write_text(sql.read_text().replace("length(messages.content)", "cast(7 as bigint)", 1))
    house.put([line("log/a.txt", 3, DAYS[3], text="")])

    assert house.build().ok

    table = house.table(MESSAGES)
    assert table is not None and table.meta is not None and table.meta.mode == "replace"
    names, *rows = house.rows(MESSAGES)
    assert {row[names.index("characters")] for row in rows} == {7}


def test_an_input_without_changed_makes_a_full_build(house: Lakehouse) -> None:
    """Else what a model takes from a table that it reads as a whole would go stale."""
    models = house.project.settings.dbt_path / "models" / "marts" / "community"
    sql = models / "fct_channel_activity_daily.sql"
    text = sql.read_text().replace("count(*) as messages", "{{ every }} as messages", 1)
    every = "(select count(*) from {{ ref('int_chat__messages') }})"
    sql.write_text(text.replace("{{ every }}", every))
    house.put([line("log/a.txt", n, DAYS[n]) for n in range(3)])
    house.build()

    house.put([line("log/a.txt", 3, DAYS[2])])
    result = house.build("int_chat__messages", "fct_messages", "fct_channel_activity_daily")

    names, *rows = house.rows(DAILY)
    assert {row[names.index("messages")] for row in rows} == {4}, result.failed


def test_a_reply_follows_what_it_answers_to_whatever_day(house: Lakehouse) -> None:
    """Late, edited or deleted: the days of the answers are computed anew, and no others."""
    noon = [dt.datetime(2026, 5, day, 12, tzinfo=dt.UTC) for day in range(1, 5)]
    house.put_posts(
        [
            post("20", noon[2], type="Reply", reference_message_id="10"),
            post("30", noon[3], type="Default"),
        ]
    )
    house.build()
    assert _replies(house) == {"discord:20": (None, None)}

    before = len(house.context.outcomes)
    house.put_posts([post("10", noon[0], author_id="7")])
    assert house.build().ok
    assert _replies(house) == {"discord:20": ("discord:7", 2 * 24 * 60)}
    read = {o.dataset: o.read for o in house.context.outcomes[before:]}
    assert read == {SILVER: 1, MESSAGES: 2, DAILY: 2}

    house.delete_posts(["10"])
    assert house.build().ok
    assert _replies(house) == {"discord:20": (None, None)}


def _replies(house: Lakehouse) -> dict[str, tuple[str | None, int | None]]:
    """Whom each reply answers, and how many minutes later."""
    names, *rows = house.rows(MESSAGES)
    facts = [dict(zip(names, row, strict=True)) for row in rows]
    return {
        f["message_id"]: (f["reply_to_author_id"], f["minutes_to_reply"])
        for f in facts
        if f["is_reply"]
    }
