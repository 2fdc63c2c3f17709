"""Conversations: what follows on what, whole and in part, against a plain account."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from headgate.orchestration.project import Project
from headgate.transforms.chat.affected import REACH
from headgate.transforms.chat.conversations import COLUMNS, TRANSFORM, build
from headgate.transforms.chat.threads import PAUSE
from headgate.transforms.transform import CAME
from tests.conftest import REPOSITORY
from tests.unit.transforms.chat.conversing import (
    CONVERSATIONS,
    START,
    Chat,
    Message,
    account,
    frame,
    message,
)


def conversations(*messages: Message) -> dict[str, list[str]]:
    found = build(frame(messages).lazy()).collect()
    return dict(found.select("conversation_id", "message_ids").iter_rows())


def told(messages: list[Message]) -> pl.DataFrame:
    return pl.DataFrame(account(messages), schema=CONVERSATIONS)


def at(minutes: float) -> dt.datetime:
    return START + dt.timedelta(minutes=minutes)


def test_an_answer_joins_whom_it_answers_across_channels_of_a_community() -> None:
    first = message("a", 0)
    assert conversations(first, message("b", 1, author_id="ben", channel_id="#b",
                                        reply_to_message_id="a")) == {"a": ["a", "b"]}  # fmt: skip
    elsewhere = message("b", 1, author_id="ben", community_id="d", reply_to_message_id="a")
    assert conversations(first, elsewhere) == {"a": ["a"], "b": ["b"]}


@pytest.mark.parametrize(
    ("minutes", "goes_on"), [(0, True), (10, True), (10 + 1e-6, False), (-1, False), (None, False)]
)
def test_an_author_goes_on_within_ten_minutes(minutes: float | None, goes_on: bool) -> None:
    later = message("b", 1, sent_at=None if minutes is None else at(minutes))
    found = conversations(message("a", 0, sent_at=at(0)), later)
    assert found == ({"a": ["a", "b"]} if goes_on else {"a": ["a"], "b": ["b"]})


def test_what_others_said_or_what_has_no_time_does_not_part_an_author_from_what_he_said() -> None:
    found = conversations(
        message("a", 0),
        message("b", 1, author_id="ben"),
        message("c", 2, sent_at=None),
        message("d", 3),
    )
    assert found == {"a": ["a", "d"], "b": ["b"], "c": ["c"]}


def test_an_answer_does_not_continue_unless_what_it_answers_is_not_there() -> None:
    first, other = message("a", 0), message("b", 1, author_id="ben", sent_at=at(1))
    answer = message("c", 2, reply_to_message_id="b")
    assert conversations(first, other, answer) == {"a": ["a"], "b": ["b", "c"]}
    assert conversations(first, answer) == {"a": ["a", "c"]}


def test_two_that_answer_each_other_are_no_circle() -> None:
    found = conversations(
        message("a", 0, author_id="ben", reply_to_message_id="b"),
        message("b", 1, reply_to_message_id="a"),
    )
    assert found == {"a": ["a", "b"]}


def test_depth_counts_replies_and_not_continuations() -> None:
    found = build(
        frame(
            [
                message("a", 0),
                message("b", 1, author_id="ben", reply_to_message_id="a"),
                message("c", 2, author_id="ben"),
                message("d", 3, author_id="cat", reply_to_message_id="c", is_annotated=False),
                message("e", 4, reply_to_message_id="a"),
            ]
        ).lazy()
    ).collect()
    (row,) = found.to_dicts()
    assert (row["depth"], row["replies"], row["messages"], row["participants"]) == (2, 3, 5, 3)
    assert row["is_annotated"] is False
    assert row["first_answer_message_id"] == "b"
    assert row["last_at"] == at(4)


def test_a_long_chain_has_one_root() -> None:
    chain = [
        message(f"m{n:04}", n, author_id=f"u{n % 2}", reply_to_message_id=f"m{n - 1:04}")
        for n in range(1500)
    ]
    (row,) = build(frame(chain).lazy()).collect().to_dicts()
    assert (row["conversation_id"], row["messages"], row["depth"]) == ("m0000", 1500, 1499)


def test_no_message_makes_no_conversation() -> None:
    found = build(frame([]).lazy())
    assert found.collect_schema() == CONVERSATIONS
    assert found.collect().is_empty()


@pytest.mark.parametrize("seed", range(10))
def test_conversations_are_those_of_a_plain_account(seed: int) -> None:
    chat = Chat(seed)
    messages = [chat.some_message(name) for name in chat.names]
    found = build(frame(messages).lazy())
    assert_frame_equal(found.collect(), told(messages))
    assert_frame_equal(found.collect(engine="streaming"), told(messages))


@pytest.mark.parametrize("seed", range(5))
def test_a_part_built_anew_makes_the_whole(seed: int) -> None:
    hold_parts_to_the_whole(seed, deliveries=20)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 160))
def test_a_part_built_anew_makes_the_whole_however_often(seed: int) -> None:
    hold_parts_to_the_whole(seed, deliveries=60)


def hold_parts_to_the_whole(seed: int, deliveries: int) -> None:
    chat = Chat(seed)
    messages = frame([])
    table = build(messages.lazy()).collect()
    for _ in range(deliveries):
        chat.deliver()
        now = frame(chat.messages.values())
        table = rebuilt(table, messages, now)
        messages = now
        assert_frame_equal(table, told(list(chat.messages.values())), check_row_order=False)


def test_the_contract_holds_how_far_a_part_looks() -> None:
    rules = Project.open(REPOSITORY).contracts["silver.chat.messages"].rules
    (rule,) = (r for r in rules if r.id == "sent_at.on_or_after_its_day")
    assert rule.severity in ("quarantine", "fail")
    assert " ".join(str(rule.arguments["sql"]).split()) == (
        "CAST(sent_at AS DATE) >= sent_date AND CAST(sent_at AS DATE) <= sent_date + 7"
    )
    # A message of the last moment of day 7 is continued on day 8, for less than a day.
    assert dt.timedelta(days=8) == REACH
    assert dt.timedelta(days=1) > PAUSE


def test_no_conversation_is_set_aside() -> None:
    # A part is found through the conversations that the table has: all of them must be there.
    rules = Project.open(REPOSITORY).contracts["silver.chat.conversations"].rules
    assert rules
    assert [r.id for r in rules if r.severity == "quarantine"] == []


def rebuilt(table: pl.DataFrame, old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """The table after a build of the part that follows from what changed."""
    assert TRANSFORM.rebuild is not None
    old, new = old.select(COLUMNS), new.select(COLUMNS)
    came = new.join(old, on=COLUMNS, how="anti", nulls_equal=True)
    went = old.join(new, on=COLUMNS, how="anti", nulls_equal=True)
    changes = pl.concat(
        [came.with_columns(pl.lit(True).alias(CAME)), went.with_columns(pl.lit(False).alias(CAME))]
    )
    part = TRANSFORM.rebuild(table.lazy(), [changes.lazy()], new.lazy())
    units, rows = part.units.collect(), part.rows.collect()
    assert units.columns == ["conversation_id"]
    assert rows.join(units, on="conversation_id", how="anti").is_empty()
    return pl.concat([table.join(units, on="conversation_id", how="anti"), rows])
