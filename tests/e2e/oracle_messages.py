"""An independent count of messages: their facts, and how lively channels and people were by day.

Plain Python, importing nothing of ours; from what the tables are defined as, and not from the SQL.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

Row = dict[str, Any]
#: Only the letters of ASCII have another case in an address.
LOWER = {n: n + 32 for n in range(ord("A"), ord("Z") + 1)}


def facts(silver: list[Row]) -> list[Row]:
    """gold.community.fct_messages: one row a message."""
    by_id = {m["message_id"]: m for m in silver}
    found = []
    for message in silver:
        answered = by_id.get(message["reply_to_message_id"])
        pace = None
        if answered and answered["sent_at"] and message["sent_at"]:
            gone_by = message["sent_at"] - answered["sent_at"]
            pace = abs(gone_by) // timedelta(minutes=1) * (1 if gone_by > timedelta() else -1)
        text = message["content"]
        names = ("message_id", "platform", "community_id", "channel_id", "author_id", "sent_date",
                 "sent_at", "is_action", "is_annotated")  # fmt: skip
        found.append(
            {name: message[name] for name in names}
            | {
                "is_reply": message["reply_to_message_id"] is not None,
                "reply_to_message_id": message["reply_to_message_id"],
                "reply_to_author_id": answered["author_id"] if answered else None,
                "minutes_to_reply": pace,
                "characters": len(text),
                "words": len([word for word in text.split(" ") if word]),
                "has_link": _has_link(text),
            }
        )
    return found


def _has_link(text: str) -> bool:
    lower = text.translate(LOWER)
    return "http://" in lower or "https://" in lower


def by_channel(facts: Iterable[Row]) -> list[Row]:
    """gold.community.fct_channel_activity_daily: one row a channel and day."""
    return [
        {
            "community_id": community,
            "channel_id": channel,
            "sent_date": day,
            "messages": len(found),
            "actions": sum(f["is_action"] for f in found),
            "authors": len({f["author_id"] for f in found}),
            "annotated_messages": sum(f["is_annotated"] for f in found),
            "replies": sum(f["is_reply"] for f in found),
            "characters": sum(f["characters"] for f in found),
            "links": sum(f["has_link"] for f in found),
            **_span(found),
        }
        for (community, channel, day), found in _grouped(facts, "channel_id").items()
    ]


def by_user(facts: Iterable[Row]) -> list[Row]:
    """gold.community.fct_user_activity_daily: one row an author and day in a community."""
    return [
        {
            "community_id": community,
            "user_id": user,
            "sent_date": day,
            "platform": user.partition(":")[0],
            "messages": len(found),
            "actions": sum(f["is_action"] for f in found),
            "channels": len({f["channel_id"] for f in found}),
            "annotated_messages": sum(f["is_annotated"] for f in found),
            "replies": sum(f["is_reply"] for f in found),
            "characters": sum(f["characters"] for f in found),
            "words": sum(f["words"] for f in found),
            "links": sum(f["has_link"] for f in found),
            **_span(found),
        }
        for (community, user, day), found in _grouped(facts, "author_id").items()
    ]


def _grouped(facts: Iterable[Row], by: str) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for fact in facts:
        found[fact["community_id"], fact[by], fact["sent_date"]].append(fact)
    return found


def _span(facts: list[Row]) -> Row:
    times = [f["sent_at"] for f in facts if f["sent_at"]]
    return {"first_sent_at": min(times, default=None), "last_sent_at": max(times, default=None)}
