"""Incremental equals full refresh, after any appends, edits, late rows, moves and deletes."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from headgate.lake.content import content_hash
from tests.conftest import make_project
from tests.dbt.deliveries import DAYS, Deliveries
from tests.dbt.lakehouse import BRONZE, DAILY, DISCORD, MESSAGES, SILVER, Lakehouse, line, post
from tests.e2e import oracle, oracle_discord


def independent(house: Lakehouse, folder: Path) -> dict[str, oracle.Table]:
    """The tables that bronze must give, by the account that knows nothing of ours."""
    path = folder / "lines.jsonl"
    path.write_text(
        "".join(json.dumps(r, default=str) + "\n" for r in house.lines.values()), "utf-8"
    )
    return oracle.gold(
        path, others=oracle_discord.silver(house.posts.values()),
        users=house.users.values(), channels=house.channels.values(),
    )  # fmt: skip


def check(house: Lakehouse, folder: Path) -> None:
    """Every curated table is what the account says."""
    assert set(oracle.KEYS) == {c.id for c in house.project.contracts.curated} - oracle.STREAMED
    for dataset, (names, *rows) in independent(house, folder).items():
        assert house.rows(dataset, names) == rows, dataset


def commits(house: Lakehouse) -> dict[str, tuple[int, str]]:
    """Of every curated table its version, and whether that was a merge or a replacement."""
    found = {}
    for dataset in oracle.KEYS:
        table = house.table(dataset)
        assert table is not None and table.meta is not None
        found[dataset] = (table.version, table.meta.mode)
    return found


def settle(house: Lakehouse, folder: Path, *, anew: frozenset[str] = frozenset()) -> set[str]:
    """Build what is stale, only ``anew`` in full, and check it; gives what was built."""
    before = commits(house)
    assert house.curate() == []
    check(house, folder)
    built = {d: mode for d, (version, mode) in commits(house).items() if before[d][0] != version}
    # Where most messages changed, conversations are better put together from all of them.
    assert {d for d, mode in built.items() if mode != "merge"} - {oracle.CONVERSATIONS} == anew
    return set(built)


def equals_full_build(house: Lakehouse, folder: Path) -> None:
    """A house of the same contracts, code and bronze rows gives the same when built at once."""
    full = Lakehouse(make_project(folder))
    try:
        for part in ("data_contracts", "dbt_project"):
            shutil.rmtree(folder / part)
            shutil.copytree(house.project.settings.root / part, folder / part)
        full.reopen()
        full.put(list(house.lines.values()))
        full.put_posts(list(house.posts.values()))
        full.put_users(list(house.users.values()))
        full.put_channels(list(house.channels.values()))
        assert full.curate() == []
        for dataset in oracle.KEYS:
            one, other = house.table(dataset), full.table(dataset)
            assert one is not None and other is not None
            assert content_hash(house.context.session.con, one) == content_hash(
                full.context.session.con, other
            ), dataset
    finally:
        full.close()


@pytest.mark.parametrize(
    "seed", [*range(2), *(pytest.param(n, marks=pytest.mark.long) for n in range(2, 40))]
)
def test_incremental_equals_full_refresh(house: Lakehouse, tmp_path: Path, seed: int) -> None:
    deliveries = Deliveries(house, seed)
    joins = [deliveries.export, deliveries.meet]
    for _ in range(3):
        deliveries.append()
    if seed:
        for way in joins:  # else Discord comes to tables that were built without it
            way()
    assert house.curate() == []
    check(house, tmp_path)
    if not seed:
        for way in joins:
            way()

    for _ in range(4):
        for _ in range(deliveries.chance.randint(1, 4)):
            deliveries.any()
        settle(house, tmp_path)

    equals_full_build(house, tmp_path / "full")


Document = dict[str, Any]


def amend(house: Lakehouse, dataset: str, change: Callable[[Document], None]) -> None:
    """Change a contract, and go on in another run."""
    path = house.project.contracts[dataset].path
    document = yaml.safe_load(path.read_text("utf-8"))
    change(document)
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    house.reopen()


def test_contracts_and_code_may_change_on_the_way(house: Lakehouse, tmp_path: Path) -> None:
    """What they change is built anew, what reads it goes on incrementally, the rest stays."""
    deliveries = Deliveries(house, 7)
    for way in (deliveries.append, deliveries.append, deliveries.export, deliveries.meet):
        way()
    assert house.curate() == []
    check(house, tmp_path)

    def describe(document: Document) -> None:
        document["description"]["usage"] = "Said in other words."

    amend(house, oracle.USERS, describe)
    assert settle(house, tmp_path) == set()

    def tighten(document: Document) -> None:
        (column,) = (p for p in document["schema"][0]["properties"] if p["name"] == "characters")
        column["logicalTypeOptions"] = {"minimum": 0, "maximum": 1_000_000}

    amend(house, oracle.USERS_DAILY, tighten)
    deliveries.edit()
    built = settle(house, tmp_path, anew=frozenset({oracle.USERS_DAILY}))
    assert built > {SILVER, MESSAGES, oracle.USERS, oracle.HEALTH}

    def widen(document: Document) -> None:
        new = {"name": "letters", "logicalType": "integer", "classification": "internal",
               "description": "Letters of its name."}  # fmt: skip
        document["schema"][0]["properties"].append(new)

    sql = next((house.project.settings.dbt_path / "models").rglob("dim_channels.sql"))
    text = sql.read_text("utf-8")
    assert text.count("    last_active_date\nfrom channels") == 1
    sql.write_text(
        text.replace(
            "    last_active_date\nfrom channels",
            "    last_active_date,\n    length(channel_id) as letters\nfrom channels",
        ),
        "utf-8",
    )
    amend(house, oracle.CHANNELS, widen)
    assert settle(house, tmp_path, anew=frozenset({oracle.CHANNELS})) == {oracle.CHANNELS}

    deliveries.export_late()
    deliveries.join()
    deliveries.meet()
    settle(house, tmp_path)
    found = house.rows(oracle.CHANNELS, ("channel_id", "letters"))
    assert found and all(len(name) == letters for name, letters in found)
    equals_full_build(house, tmp_path / "full")


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


def test_days_on_which_nothing_changed_follow_those_that_did(
    house: Lakehouse, tmp_path: Path
) -> None:
    """Whoever loses their first day was new on another one; whoever moves a day comes back then."""
    days = {n: dt.datetime(2026, 5, n, 12, tzinfo=dt.UTC) for n in (4, 5, 12, 19, 27)}
    house.put_posts(
        [
            *(post(f"1{n}", at, author_id="1") for n, at in days.items() if n != 19),
            *(post(f"2{n}", at, author_id="2") for n, at in days.items()),
        ]
    )
    assert house.curate() == []
    check(house, tmp_path)

    house.put_posts([post("112", days[19], author_id="1")])
    settle(house, tmp_path)
    assert _came_back(house) == {0: 2, 1: 1, 2: 2, 3: 2}

    house.delete_posts(["24", "25"])
    settle(house, tmp_path)
    assert _new_authors(house) == {4: 1, 5: 0, 12: 1, 19: 0, 27: 0}


def _came_back(house: Lakehouse) -> dict[int, int]:
    """How many of the only cohort wrote so many weeks after."""
    return dict(house.rows(oracle.RETENTION, ("weeks_after", "active_users")))


def _new_authors(house: Lakehouse) -> dict[int, int]:
    """How many wrote for the first time, by the day of the month."""
    return {day.day: n for day, n in house.rows(oracle.HEALTH, ("sent_date", "new_authors"))}


def test_a_late_message_joins_two_conversations_until_it_goes(house: Lakehouse) -> None:
    noon = [dt.datetime(2026, 5, day, 12, tzinfo=dt.UTC) for day in range(1, 5)]
    others = [post(str(n), noon[3], author_id=str(n)) for n in range(40, 60)]
    house.put_posts(
        [
            post("10", noon[0], author_id="7"),
            post("30", noon[2], author_id="8", type="Reply", reference_message_id="20"),
            *others,
        ]
    )
    assert house.curate() == []
    assert _conversations(house) == {"10": ["10"], "30": ["30"]}

    before = len(house.context.outcomes)
    house.put_posts([post("20", noon[1], type="Reply", reference_message_id="10")])
    assert house.curate() == []
    assert _conversations(house) == {"10": ["10", "20", "30"]}
    read = {o.dataset: o.read for o in house.context.outcomes[before:]}
    assert read[oracle.CONVERSATIONS] == 1, "the others are not put together again"

    house.delete_posts(["20"])
    assert house.curate() == []
    assert _conversations(house) == {"10": ["10"], "30": ["30"]}


def _conversations(house: Lakehouse) -> dict[str, list[str]]:
    """The messages of each conversation of several days, by numbers."""
    return {
        name.removeprefix("discord:"): [i.removeprefix("discord:") for i in ids]
        for name, day, ids in house.rows(
            oracle.CONVERSATIONS, ("conversation_id", "started_date", "message_ids")
        )
        if day < dt.date(2026, 5, 4)
    }
