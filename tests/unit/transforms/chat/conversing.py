"""Messages of a small chat, and their conversations by a plain account of what those are."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

Message = dict[str, Any]
Row = dict[str, Any]
START = dt.datetime(2010, 3, 1, 12, tzinfo=dt.UTC)

MESSAGES = pl.Schema(
    {
        "message_id": pl.String(), "platform": pl.String(), "community_id": pl.String(),
        "channel_id": pl.String(), "author_id": pl.String(), "sent_date": pl.Date(),
        "sent_at": pl.Datetime("us", "UTC"), "reply_to_message_id": pl.String(),
        "is_annotated": pl.Boolean(), "content": pl.String(), "source_file": pl.String(),
        "source_line": pl.Int64(),
    }
)  # fmt: skip
CONVERSATIONS = pl.Schema(
    {
        "conversation_id": pl.String(), "platform": pl.String(), "community_id": pl.String(),
        "channel_id": pl.String(), "starter_id": pl.String(), "started_date": pl.Date(),
        "started_at": pl.Datetime("us", "UTC"), "last_date": pl.Date(),
        "last_at": pl.Datetime("us", "UTC"), "messages": pl.Int64(), "participants": pl.Int64(),
        "replies": pl.Int64(), "depth": pl.Int64(), "is_annotated": pl.Boolean(),
        "first_answer_message_id": pl.String(), "first_answer_author_id": pl.String(),
        "first_answer_at": pl.Datetime("us", "UTC"), "message_ids": pl.List(pl.String()),
    }
)  # fmt: skip


def message(name: str, line: int, **values: Any) -> Message:
    """A message, one minute a line after the start, unless ``values`` say otherwise."""
    usual = {
        "message_id": name, "platform": "irc", "community_id": "c", "channel_id": "#a",
        "author_id": "ann", "sent_date": START.date(), "sent_at": START + dt.timedelta(minutes=line),
        "reply_to_message_id": None, "is_annotated": True, "content": "hello",
        "source_file": "log", "source_line": line,
    }  # fmt: skip
    return usual | values


def frame(messages: Iterable[Message]) -> pl.DataFrame:
    """Messages as a frame."""
    return pl.DataFrame(list(messages), schema=MESSAGES)


def account(messages: Iterable[Message]) -> list[Row]:
    """All conversations, message by message, each tree walked from its root."""
    ordered = sorted(messages, key=place)
    children: dict[str, list[tuple[Message, bool]]] = {}
    roots = []
    for number, one in enumerate(ordered):
        parent, is_reply = _parent(one, ordered[:number])
        if parent is None:
            roots.append(one)
        else:
            children.setdefault(parent["message_id"], []).append((one, is_reply))
    return [_conversation(root, children) for root in roots]


def place(one: Message) -> tuple[Any, ...]:
    """Where a message stands in the order of a channel."""
    return one["sent_date"], one["source_file"], one["source_line"], one["message_id"]


def _parent(one: Message, earlier: list[Message]) -> tuple[Message | None, bool]:
    for other in earlier:
        if (
            other["message_id"] == one["reply_to_message_id"]
            and other["community_id"] == one["community_id"]
        ):
            return other, True
    if one["sent_at"] is not None:
        for other in reversed(earlier):
            same = all(other[c] == one[c] for c in ("author_id", "channel_id", "community_id"))
            if same and other["sent_at"] is not None:
                minutes = (one["sent_at"] - other["sent_at"]) / dt.timedelta(minutes=1)
                return (other, False) if 0 <= minutes <= 10 else (None, False)
    return None, False


def _conversation(root: Message, children: Mapping[str, list[tuple[Message, bool]]]) -> Row:
    found, replies, deepest = [], 0, 0
    waiting = [(root, 0)]
    while waiting:
        one, depth = waiting.pop()
        found.append(one)
        deepest = max(deepest, depth)
        for child, is_reply in children.get(one["message_id"], ()):
            replies += is_reply
            waiting.append((child, depth + is_reply))
    found.sort(key=place)
    answer = next((m for m in found if m["author_id"] != root["author_id"]), None)
    times = [m["sent_at"] for m in found if m["sent_at"] is not None]
    return {
        "conversation_id": root["message_id"],
        "platform": root["platform"],
        "community_id": root["community_id"],
        "channel_id": root["channel_id"],
        "starter_id": root["author_id"],
        "started_date": root["sent_date"],
        "started_at": root["sent_at"],
        "last_date": max(m["sent_date"] for m in found),
        "last_at": max(times, default=None),
        "messages": len(found),
        "participants": len({m["author_id"] for m in found}),
        "replies": replies,
        "depth": deepest,
        "is_annotated": all(m["is_annotated"] for m in found),
        "first_answer_message_id": answer and answer["message_id"],
        "first_answer_author_id": answer and answer["author_id"],
        "first_answer_at": answer and answer["sent_at"],
        "message_ids": [m["message_id"] for m in found],
    }


class Chat:
    """Seeded messages with replies of every kind, which come, go and are edited."""

    def __init__(self, seed: int, names: int = 60) -> None:
        self.chance = random.Random(seed)
        self.names = [f"m{n:02}" for n in range(names)]
        self.messages: dict[str, Message] = {}

    def some_message(self, name: str) -> Message:
        """Any message of that name; it may answer what comes later, is elsewhere, or never was."""
        chance = self.chance
        # Minutes are few, so that times are equal or fall back; some messages run past their day.
        at = START + dt.timedelta(
            days=chance.choice([0, 0, 0, 7, 9, 20]), minutes=chance.randint(0, 40)
        )
        answered = chance.choice([None, None, chance.choice(self.names), "never"])
        return message(
            name, chance.randint(0, 30),
            sent_date=at.date() - dt.timedelta(days=chance.choice([0, 0, 0, 0, 1, 7])),
            sent_at=chance.choice([at, at, at, at, None]),
            author_id=chance.choice(["ann", "ben", "cat"]),
            channel_id=chance.choice(["#a", "#a", "#b"]),
            community_id=chance.choice(["c", "c", "c", "c", "d"]),
            source_file=chance.choice(["log", "olg"]),
            reply_to_message_id=answered if answered != name else None,
            is_annotated=chance.random() < 0.8,
        )  # fmt: skip

    def deliver(self) -> None:
        """Some messages come, are edited, or go."""
        for name in self.chance.sample(self.names, self.chance.choice([1, 1, 2, 5, 15])):
            old = self.messages.pop(name, None)
            if old is None or self.chance.random() < 0.4:
                self.messages[name] = self.some_message(name)
            elif self.chance.random() < 0.5:
                column = self.chance.choice([*MESSAGES][1:])
                # The contract ties a message's day to its time.
                columns = {"sent_date", "sent_at"} if column.startswith("sent_") else {column}
                other = self.some_message(name)
                self.messages[name] = old | {c: other[c] for c in columns}
