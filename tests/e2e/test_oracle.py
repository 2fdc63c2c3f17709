"""The independent account itself, on cases that were worked out by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.e2e import oracle, oracle_conversations

NOON = dt.datetime(2026, 5, 6, 12, tzinfo=dt.UTC)  # a Wednesday
Row = dict[str, Any]


def message(number: int, author: str, minutes: float | None, **values: Any) -> Row:
    """A message of Discord, so many minutes after noon."""
    sent = None if minutes is None else NOON + dt.timedelta(minutes=minutes)
    usual = {
        "message_id": f"discord:{number}", "platform": "discord", "community_id": "discord:1",
        "channel_id": "discord:2", "author_id": f"discord:{author}",
        "sent_date": (sent or NOON).date(), "sent_at": sent, "is_action": False,
        "content": "hello", "reply_to_message_id": None, "is_annotated": True,
        "source_file": "discord:2", "source_line": number,
    }  # fmt: skip
    return usual | values


def answer(number: int, author: str, minutes: float | None, to: int, **values: Any) -> Row:
    return message(number, author, minutes, reply_to_message_id=f"discord:{to}", **values)


def told(silver: list[Row]) -> dict[str, list[str]]:
    """The messages of each conversation, by numbers."""
    return {
        c["conversation_id"].removeprefix("discord:"): [
            m.removeprefix("discord:") for m in c["message_ids"]
        ]
        for c in oracle_conversations.conversations(silver)
    }


def rows(tables: dict[str, oracle.Table], dataset: str) -> list[Row]:
    names, *found = tables[dataset]
    return [dict(zip(names, row, strict=True)) for row in found]


def test_whoever_goes_on_within_ten_minutes_goes_on() -> None:
    assert told([message(1, "a", 0), message(2, "a", 10)]) == {"1": ["1", "2"]}
    late = 10 + 1 / 60
    assert told([message(1, "a", 0), message(2, "a", late)]) == {"1": ["1"], "2": ["2"]}
    assert told([message(1, "a", 0), message(2, "a", -1)]) == {"1": ["1"], "2": ["2"]}
    assert told([message(1, "a", 0), message(2, "b", 1)]) == {"1": ["1"], "2": ["2"]}
    elsewhere = message(2, "a", 1, channel_id="discord:9")
    assert told([message(1, "a", 0), elsewhere]) == {"1": ["1"], "2": ["2"]}
    # What has no time is nobody's last word, and goes on from none.
    untimed = message(2, "a", None)
    assert told([message(1, "a", 0), untimed, message(3, "a", 9)]) == {"1": ["1", "3"], "2": ["2"]}


def test_an_answer_belongs_where_it_answers_and_only_there() -> None:
    said = [message(1, "a", 0), message(2, "b", 1)]
    assert told([*said, answer(3, "b", 2, to=1)]) == {"1": ["1", "3"], "2": ["2"]}
    # What is answered is not here, comes later, or is of another community: then it may go on.
    for missing in (99, 4):
        both = [*said, answer(3, "b", 2, to=missing), message(4, "c", 3)]
        assert told(both) == {"1": ["1"], "2": ["2", "3"], "4": ["4"]}
    foreign = message(1, "a", 0, community_id="discord:7", channel_id="discord:8")
    assert told([foreign, said[1], answer(3, "b", 2, to=1)]) == {"1": ["1"], "2": ["2", "3"]}


def test_a_conversation_is_what_hangs_together() -> None:
    silver = [
        message(1, "a", 0),
        message(2, "a", 1, is_annotated=False),
        answer(3, "b", 5, to=2),
        message(4, "b", 6),
        answer(5, "c", 60, to=4),
        answer(6, "a", 61, to=1),
    ]
    (found,) = oracle_conversations.conversations(silver[::-1])
    assert found == {
        "conversation_id": "discord:1", "platform": "discord", "community_id": "discord:1",
        "channel_id": "discord:2", "starter_id": "discord:a", "started_date": NOON.date(),
        "started_at": NOON, "last_date": NOON.date(), "last_at": NOON + dt.timedelta(minutes=61),
        "messages": 6, "participants": 3, "replies": 3, "depth": 2, "is_annotated": False,
        "first_answer_message_id": "discord:3", "first_answer_author_id": "discord:b",
        "first_answer_at": NOON + dt.timedelta(minutes=5),
        "message_ids": [f"discord:{n}" for n in range(1, 7)],
    }  # fmt: skip


def test_how_soon_somebody_answers() -> None:
    silver = [
        message(1, "a", 0), answer(2, "b", 3, to=1),
        message(3, "c", 0), answer(4, "b", 14.5, to=3),
        message(5, "d", 0),
        message(6, "e", 0, is_annotated=False), answer(7, "b", 700, to=6),
        message(8, "f", None), answer(9, "b", 400, to=8),
    ]  # fmt: skip
    (found,) = oracle_conversations.responses(oracle_conversations.conversations(silver))
    assert found == {
        "community_id": "discord:1", "channel_id": "discord:2", "started_date": NOON.date(),
        "platform": "discord", "conversations": 5, "annotated_conversations": 4, "answered": 3,
        "unanswered": 1, "unanswered_share": 0.25, "timed_answers": 2,
        "median_minutes_to_first_answer": 8.75, "messages": 9, "participants_average": 1.8,
    }  # fmt: skip


def test_who_came_back_and_how_a_community_does() -> None:
    week = 7 * 24 * 60
    silver = [
        message(1, "a", -3 * 24 * 60), message(2, "a", 0), message(3, "b", 0),
        message(4, "b", 1), message(5, "b", week), message(6, "c", week),
    ]  # fmt: skip
    profile = {"guild_id": "1", "user_id": "b", "name": "bo", "nickname": None, "is_bot": False}
    profiles = [
        profile | {"exported_at": NOON, "guild_id": "2", "nickname": "no"},
        profile | {"exported_at": NOON},
        profile | {"exported_at": NOON - dt.timedelta(1), "nickname": "older"},
        profile | {"exported_at": NOON, "user_id": "z", "nickname": "zed"},
    ]
    tables = oracle.gold(others=silver, users=profiles)

    users = {r["user_id"]: r for r in rows(tables, oracle.USERS)}
    assert users.keys() == {f"discord:{n}" for n in "abcz"}
    monday, before = dt.date(2026, 5, 4), dt.date(2026, 4, 27)
    assert {u[-1]: r["cohort_week"] for u, r in users.items()} == {
        "a": before, "b": monday, "c": dt.date(2026, 5, 11), "z": None,
    }  # fmt: skip
    assert {u[-1]: r["name"] for u, r in users.items()} == {
        "a": None, "b": "bo", "c": None, "z": "zed",
    }  # fmt: skip
    assert [tuple(r.values())[1:] for r in rows(tables, oracle.RETENTION)] == [
        (before, 0, 1, 1, 1.0),
        (before, 1, 1, 1, 1.0),
        (monday, 0, 1, 1, 1.0),
        (monday, 1, 1, 1, 1.0),
        (dt.date(2026, 5, 11), 0, 1, 1, 1.0),
    ]
    names = ("messages", "authors", "new_authors", "conversations", "messages_per_author")
    assert [tuple(r[n] for n in names) for r in rows(tables, oracle.HEALTH)] == [
        (1, 1, 1, 1, 1.0),
        (3, 2, 1, 2, 1.5),
        (2, 2, 1, 2, 1.0),
    ]


def test_where_people_talk() -> None:
    silver = [
        message(1, "a", 0),
        message(2, "a", 0, channel_id="irc:#help", platform="irc", community_id="irc:ubuntu"),
    ]
    known = {"guild_id": "1", "type": "0", "topic": None, "parent_id": None}
    told = [
        known | {"channel_id": "2", "name": "tea", "parent_id": "5"},
        known | {"channel_id": "3", "name": "silent", "topic": "Hush"},
    ]
    found = [
        tuple(r.values())[2:8]
        for r in rows(oracle.gold(others=silver, channels=told), oracle.CHANNELS)
    ]
    assert found == [
        ("discord:1", "tea", "0", None, "discord:5", True),
        ("discord:1", "silent", "0", "Hush", None, True),
        ("irc:ubuntu", "#help", None, None, None, False),
    ]
