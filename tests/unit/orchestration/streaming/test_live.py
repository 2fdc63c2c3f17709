"""Windows that are kept up to date: what is open as of now, what is closed as it was, and the check."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from headgate.core import clock, ids
from headgate.core.errors import LakeBusyError, UsageError
from headgate.lake.commit import commit
from headgate.lake.engines.duckdb import connect
from headgate.lake.lake import BRIEF
from headgate.lake.stage import stage
from headgate.orchestration import run
from headgate.orchestration.project import Project
from headgate.orchestration.streaming import live, live_check, stream
from headgate.orchestration.streaming.live_state import model_of
from headgate.orchestration.streaming.plan import Plan
from tests.e2e import oracle_velocity
from tests.unit.orchestration.streaming.listed_source import Listed, event

DATASET, STREAM = "gold.chat.channel_velocity", "bronze.live.messages"
NOON = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)
WATERMARK = dt.timedelta(minutes=10)
#: Of a message: what it says now. Of a window: its row.
Row = dict[str, Any]
Windows = dict[tuple[Any, ...], Row]


class Account:
    """What the windows must be after each turn, in plain Python."""

    def __init__(self) -> None:
        self.messages: dict[str, Row] = {}
        self.table: Windows = {}
        self.closed: dt.datetime | None = None

    def put(self, name: str, sent_at: dt.datetime, **values: Any) -> Row:
        """Something is said, or edited."""
        usual = {"channel_id": "c", "author_id": "ann", "reply_to_message_id": None}
        before = self.messages.get(name, usual)
        self.messages[name] = before | values | {"sent_at": sent_at}
        return {k: v for k, v in self.messages[name].items() if k != "sent_at"}

    def windows(self) -> Windows:
        """What a run must give."""
        prefixed = [
            {**m, "channel_id": f"live:{m['channel_id']}", "is_annotated": True}
            for m in self.messages.values()
        ]
        return {tuple(row.values())[:3]: row for row in oracle_velocity.windows(prefixed)}

    def turn(self) -> None:
        """What is open is as a run would have it; what is closed stays."""
        now = self.windows()
        closed = {k for k in now.keys() | self.table.keys() if self._is_closed(k)}
        self.table = {k: r for k, r in now.items() if k not in closed} | {
            k: r for k, r in self.table.items() if k in closed
        }
        newest = max(m["sent_at"] for m in self.messages.values()) - WATERMARK
        self.closed = max(self.closed or newest, newest)

    def run(self) -> None:
        """A run counts everything."""
        self.table = self.windows()
        self.closed = max(m["sent_at"] for m in self.messages.values()) - WATERMARK

    def _is_closed(self, key: tuple[Any, ...]) -> bool:
        return self.closed is not None and key[2] + dt.timedelta(minutes=key[1]) <= self.closed


class House:
    """A project, a topic, and the account of both."""

    def __init__(self, project: Project) -> None:
        self.project, self.source, self.account = project, Listed(), Account()
        self.model = model_of(project, DATASET)

    def say(self, name: str, minutes: float, edited: float | None = None, **values: Any) -> None:
        """A message comes; ``edited`` so many minutes after noon."""
        at = NOON + dt.timedelta(minutes=minutes)
        told = self.account.put(name, at, **values)
        when = None if edited is None else (NOON + dt.timedelta(minutes=edited)).isoformat()
        self.source.values.append(event(name, at, edited_at=when, **told))

    def turn(self) -> live.Refreshed:
        """Take what came, and one turn."""
        stream.consume(self.project, STREAM, self.source, Plan(once=True, tidy_seconds=0))
        found = live.refresh(self.project, self.model)
        self.account.turn()
        return found

    def run(self) -> None:
        """A run."""
        assert run.run(self.project, select=[f"{STREAM}+"]).problems == ()
        self.account.run()

    def table(self) -> Windows:
        """The windows as readers see them."""
        newest = self.project.releases.newest()
        assert newest is not None
        snapshot = self.project.lake.snapshot(DATASET, newest.versions[DATASET])
        assert snapshot is not None
        with connect(self.project.settings) as con:
            found = con.execute(f"FROM {snapshot.relation()}").fetchall()
            names = list(snapshot.columns)
        rows = (dict(zip(names, row, strict=True)) for row in found)
        own = [n for n in names if not n.startswith("_")]
        return {tuple(r[n] for n in own[:3]): {n: r[n] for n in own} for r in rows}

    def agrees(self) -> live_check.Agreement:
        """The table is what the account says, and the check tells how that differs from a run."""
        assert self.table() == self.account.table
        found, whole = live_check.check(self.project, DATASET), self.account.windows()
        assert found.explained
        assert found.missing == len(whole.keys() - self.account.table.keys())
        assert found.extra == len(self.account.table.keys() - whole.keys())
        both = whole.keys() & self.account.table.keys()
        assert found.different == sum(whole[k] != self.account.table[k] for k in both)
        assert found.equal == len(both) - found.different
        return found


@pytest.fixture
def house(project: Project) -> Iterator[House]:
    return House(project)


def test_what_is_late_waits_for_a_run_and_the_check_says_how_much_it_is(house: House) -> None:
    for minute in range(20):
        house.say(f"m{minute}", minute)
    assert house.turn().whole
    house.account.run()
    assert house.agrees().equal == 20 + 4 + 1

    house.say("in time", 9.5, author_id="bob")
    house.say("m30", 30)
    found = house.turn()
    assert not found.whole and found.late == {1: 0, 5: 0, 60: 0}
    house.agrees()

    # Windows before 12:20 are closed: it is late for its minute, and in time for its hour.
    house.say("late", 5.5, author_id="cy")
    house.say("m19", 19, edited=31, text="another wording changes no figure")
    found = house.turn()
    assert found.late == {1: 1, 5: 1, 60: 0} and found.late_windows == 2
    told = house.agrees()
    assert (told.different, told.missing, told.late) == (2, 0, {1: 1, 5: 1, 60: 0})

    house.say("yesterday", -24 * 60)
    assert house.turn().late == {1: 1, 5: 1, 60: 1}
    told = house.agrees()
    assert (told.different, told.missing, told.late) == (2, 3, {1: 2, 5: 2, 60: 1})
    assert told.turns == 3

    house.run()
    assert house.agrees().equal == len(house.account.windows())
    assert house.agrees().late == {}


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, 20))]
)
def test_windows_are_as_the_account_has_them_whatever_comes(house: House, seed: int) -> None:
    chance = random.Random(seed)
    for turn in range(6):
        for number in range(30):
            now = turn * 6 + number / 5
            name = f"m{chance.randint(0, 40)}" if number % 5 == 0 else f"m{turn * 100 + number}"
            known = house.account.messages.get(name)
            for _ in range(chance.choice([1, 1, 2])):
                answered = chance.choice([None, "other"])
                if known:  # an edit, which may come long after
                    sent = (known["sent_at"] - NOON) / dt.timedelta(minutes=1)
                    house.say(name, sent, edited=now + 200, reply_to_message_id=answered)
                else:
                    house.say(
                        name, now - chance.choice([0, 0, 0, 3, 15, 75]), channel_id=chance.choice("cd"),
                        author_id=chance.choice(["ann", "bob", "cy"]), reply_to_message_id=answered,
                    )  # fmt: skip
                    break
        found = house.turn()
        if found.whole:
            house.account.run()
        house.agrees()
    house.run()
    assert house.agrees().different == 0


def test_what_no_late_row_explains_is_a_finding(house: House) -> None:
    house.say("a", 0)
    house.say("b", 1, author_id="bob")
    house.turn()
    base = house.project.lake.snapshot(DATASET)
    assert base is not None and base.meta is not None
    contract = house.project.contracts[DATASET]
    with connect(house.project.settings) as con:
        files = stage(
            con,
            f"SELECT * REPLACE (CASE WHEN window_minutes = 5 THEN 3 ELSE messages END AS messages)"
            f" FROM {base.relation()}",
            contract.table_columns, house.project.lake.staging("test"), house.project.settings,
        )  # fmt: skip
    meta = dataclasses.replace(base.meta, batch_id=ids.new_id())
    commit(house.project.lake, DATASET, base=base, columns=contract.table_columns, add=files,
           remove=base.files, meta=meta, key=contract.key)  # fmt: skip
    found = live_check.check(house.project, DATASET)
    assert (found.different, found.unexplained, found.explained) == (1, 1, False)
    assert found.examples[0].after == {"messages": 2}


def test_what_no_stream_feeds_waits_for_a_run(house: House) -> None:
    # The log of the example has messages of the same hour.
    hour = (dt.datetime(2009, 5, 4, 9, tzinfo=dt.UTC) - NOON) / dt.timedelta(minutes=1)
    house.say("a", hour)
    house.turn()
    house.run()
    source = house.project.settings.root / "irc.jsonl"
    source.write_bytes(
        (house.project.contracts["bronze.irc.messages"].examples_path / "valid.jsonl").read_bytes()
    )
    run.run(house.project, sources={"bronze.irc.messages": [str(source)]},
            select=["bronze.irc.messages", "silver.chat.messages"])  # fmt: skip
    house.say("b", hour + 2)
    house.turn()
    assert {k[0] for k in house.table()} == {"live:c"}
    assert live_check.check(house.project, DATASET).equal == 4
    assert run.run(house.project, select=[DATASET]).problems == ()
    assert {k[0] for k in house.table()} > {"live:c"}
    assert live_check.check(house.project, DATASET).explained


def test_a_run_waits_for_a_turn_and_a_turn_leaves_a_run_alone(house: House) -> None:
    lake = house.project.lake
    house.say("a", 0)
    stream.consume(house.project, STREAM, house.source, Plan(once=True, tidy_seconds=0))
    with lake.run_lock("r", "run"), pytest.raises(LakeBusyError):
        live.refresh(house.project, house.model)

    held, let_go = threading.Event(), threading.Event()

    def turn() -> None:
        with lake.run_lock("t", f"{BRIEF} {DATASET}"):
            held.set()
            let_go.wait(60)

    holder = threading.Thread(target=turn)
    holder.start()
    assert held.wait(60)
    threading.Timer(0.3, let_go.set).start()
    with lake.run_lock("r", "run"):
        assert let_go.is_set()
    holder.join()


def test_only_what_a_stream_leads_to_is_kept_up_to_date(project: Project) -> None:
    with pytest.raises(UsageError, match=r"no headgate\.live"):
        model_of(project, "gold.community.fct_messages")
    found = model_of(project, DATASET)
    assert found.streams == (STREAM,)
    assert found.before == found.fed == ("silver.live.messages",)


def test_the_watermark_never_passes_the_clock(house: House) -> None:
    with clock.frozen(NOON + dt.timedelta(minutes=5)):
        house.say("a", 0)
        house.say("of the future", 60 * 24)
        house.turn()
        house.say("b", 1)
        found = house.turn()
    assert found.late == {1: 0, 5: 0, 60: 0}
    assert found.watermark == "2026-05-04T11:55:00.000000Z"
