"""An independent account of conversations: who goes on from what, and how soon somebody answers.

Plain Python, importing nothing of ours; from what the tables are defined as, and not from the code.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]
PAUSE = timedelta(minutes=10)


def conversations(silver: Iterable[Row]) -> list[Row]:
    """silver.chat.conversations: one row a conversation."""
    in_order = sorted(silver, key=_place)
    present = {m["message_id"]: m for m in in_order}
    # What a message goes on from stands before it, so one pass in order meets that first.
    members: dict[str, list[Row]] = {}
    start_of: dict[str, str] = {}
    answers_until: dict[str, int] = {}
    newest: dict[tuple[str, ...], Row] = {}
    answers: set[str] = set()
    for message in in_order:
        me = message["message_id"]
        place = tuple(message[n] for n in ("community_id", "channel_id", "author_id"))
        goes_on_from = None
        if target := _answered(message, present):
            answers.add(me)
            goes_on_from = target["message_id"]
        elif _goes_on(message, newest.get(place)):
            goes_on_from = newest[place]["message_id"]
        if message["sent_at"]:
            newest[place] = message
        start_of[me] = start_of[goes_on_from] if goes_on_from else me
        answers_until[me] = (answers_until[goes_on_from] if goes_on_from else 0) + (me in answers)
        members.setdefault(start_of[me], []).append(message)
    return [_conversation(found, answers, answers_until) for found in members.values()]


def _place(message: Row) -> tuple[Any, ...]:
    """Where a message stands in the order of a channel."""
    return tuple(message[n] for n in ("sent_date", "source_file", "source_line", "message_id"))


def _answered(message: Row, present: dict[str, Row]) -> Row | None:
    """The earlier message of the same community that this one answers."""
    target = present.get(message["reply_to_message_id"])
    if target is None or target["community_id"] != message["community_id"]:
        return None
    return target if _place(target) < _place(message) else None


def _goes_on(message: Row, before: Row | None) -> bool:
    """Whether a message carries on what its author said before in the channel."""
    if before is None or message["sent_at"] is None:
        return False
    return timedelta() <= message["sent_at"] - before["sent_at"] <= PAUSE


def _conversation(found: list[Row], answers: set[str], answers_until: dict[str, int]) -> Row:
    """The row of one conversation, of its messages in order."""
    root = found[0]
    ids = [m["message_id"] for m in found]
    reaction: Row = next((m for m in found if m["author_id"] != root["author_id"]), {})
    return {
        "conversation_id": root["message_id"],
        "platform": root["platform"],
        "community_id": root["community_id"],
        "channel_id": root["channel_id"],
        "starter_id": root["author_id"],
        "started_date": root["sent_date"],
        "started_at": root["sent_at"],
        "last_date": max(m["sent_date"] for m in found),
        "last_at": max((m["sent_at"] for m in found if m["sent_at"]), default=None),
        "messages": len(found),
        "participants": len({m["author_id"] for m in found}),
        "replies": len(answers.intersection(ids)),
        "depth": max(answers_until[i] for i in ids),
        "is_annotated": all(m["is_annotated"] for m in found),
        "first_answer_message_id": reaction.get("message_id"),
        "first_answer_author_id": reaction.get("author_id"),
        "first_answer_at": reaction.get("sent_at"),
        "message_ids": ids,
    }


def responses(conversations: Iterable[Row]) -> list[Row]:
    """gold.community.fct_conversation_response: one row a channel and day of beginning."""
    begun: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for one in conversations:
        begun[one["community_id"], one["channel_id"], one["started_date"]].append(one)
    return [
        {
            "community_id": community,
            "channel_id": channel,
            "started_date": day,
            "platform": found[0]["platform"],
            "conversations": len(found),
            **answered(found),
            **_pace(found),
            "messages": sum(c["messages"] for c in found),
            "participants_average": sum(c["participants"] for c in found) / len(found),
        }
        for (community, channel, day), found in begun.items()
    ]


def answered(conversations: Iterable[Row]) -> Row:
    """How many of them were answered, of those of which it is known."""
    known = [c for c in conversations if c["is_annotated"]]
    silent = sum(c["first_answer_message_id"] is None for c in known)
    return {
        "annotated_conversations": len(known),
        "answered": len(known) - silent,
        "unanswered": silent,
        "unanswered_share": silent / len(known) if known else None,
    }


def _pace(conversations: Iterable[Row]) -> Row:
    """How soon the first answer came, in the middle of those of which it is known."""
    waits = sorted(
        (_second(c["first_answer_at"]) - _second(c["started_at"])) / 60.0
        for c in conversations
        if c["is_annotated"] and c["first_answer_at"] and c["started_at"]
    )
    middle = None
    if waits:
        # Half-way between the two in the middle, which are one if the count is odd.
        low, high = waits[(len(waits) - 1) // 2], waits[len(waits) // 2]
        middle = low + (high - low) * 0.5
    return {"timed_answers": len(waits), "median_minutes_to_first_answer": middle}


def _second(instant: datetime) -> int:
    """Seconds as a clock shows them, so that parts of one do not count."""
    return math.floor(instant.timestamp())
