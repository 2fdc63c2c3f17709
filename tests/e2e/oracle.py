"""An independent count of the chat spine: plain Python over the file, importing nothing of ours.

It says again, in other words than the SQL, what silver and gold must hold for a clean file.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

SILVER = "silver.chat.messages"
MESSAGES = "gold.community.fct_messages"
DAILY = "gold.community.fct_channel_activity_daily"
CLOCK_HAS_24_HOURS = date(2007, 10, 24)


def gold(*paths: Path, others: Iterable[dict[str, Any]] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Every table that the lines at ``paths`` (JSON lines, perhaps gzipped) must give.

    ``others`` are silver messages of other platforms. Gives dataset to rows as tuples, by key;
    the first row holds the names of the columns.
    """
    logs: dict[tuple[str, str], dict[int, dict[str, Any]]] = defaultdict(dict)
    for line in _lines(paths):
        if line["type"] in {"message", "action"}:
            logs[line["file"], line["date"]][line["line"]] = line
    silver = [*(row for log in logs.values() for row in _messages(log)), *others]
    facts = _facts(silver)
    return {
        SILVER: _table(silver, 1),
        MESSAGES: _table(facts, 1),
        DAILY: _table(_daily(facts), 3),
    }


def _table(rows: list[dict[str, Any]], key: int) -> list[tuple[Any, ...]]:
    if not rows:
        return []
    values = sorted((tuple(row.values()) for row in rows), key=lambda row: row[:key])
    return [tuple(rows[0]), *values]


def _lines(paths: tuple[Path, ...]) -> Iterator[dict[str, Any]]:
    for path in paths:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8", newline="\n") as file:
            for text in file:
                if text.strip():
                    yield json.loads(text)


def _messages(log: dict[int, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The messages of one log, which is one file's lines of one day."""
    nights, before = 0, None
    for number in sorted(log):
        line = log[number]
        day = date.fromisoformat(line["date"])
        hours, minutes = line["time"].split(":")
        clock = timedelta(hours=int(hours), minutes=int(minutes))
        if before is not None and before - clock > timedelta(hours=12):
            nights += 1
        before = clock
        sent_at = None
        if day >= CLOCK_HAS_24_HOURS:
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            sent_at = midnight + timedelta(days=nights) + clock
        answered = [a for a in line.get("reply_to") or [] if a in log]
        yield {
            "message_id": f"irc:{line['file']}:{number}",
            "platform": "irc",
            "community_id": "irc:ubuntu",
            "channel_id": "irc:" + line["channel"],
            "author_id": "irc:" + line["author"],
            "sent_date": day,
            "sent_at": sent_at,
            "is_action": line["type"] == "action",
            "content": line["text"],
            "reply_to_message_id": f"irc:{line['file']}:{max(answered)}" if answered else None,
            "is_annotated": line.get("reply_to") is not None,
            "source_file": line["file"],
            "source_line": number,
        }


def _facts(silver: list[dict[str, Any]]) -> list[dict[str, Any]]:
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
                "has_link": any(s in _ascii_lower(text) for s in ("http://", "https://")),
            }
        )
    return found


def _ascii_lower(text: str) -> str:
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def _daily(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    days: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for fact in facts:
        days[fact["community_id"], fact["channel_id"], fact["sent_date"]].append(fact)
    rows = []
    for (community, channel, day), found in days.items():
        times = [f["sent_at"] for f in found if f["sent_at"]]
        rows.append(
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
                "first_sent_at": min(times, default=None),
                "last_sent_at": max(times, default=None),
            }
        )
    return rows
