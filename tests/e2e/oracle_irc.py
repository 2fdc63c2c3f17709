"""An independent reading of IRC logs: plain Python over the lines, importing nothing of ours.

It says again, in other words than the SQL, which messages clean lines are.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

Row = dict[str, Any]
CLOCK_HAS_24_HOURS = date(2007, 10, 24)


def silver(paths: tuple[Path, ...]) -> list[Row]:
    """The messages that the lines at ``paths`` (JSON lines, perhaps gzipped) are."""
    logs: dict[tuple[str, str], dict[int, Row]] = defaultdict(dict)
    for line in _lines(paths):
        if line["type"] in {"message", "action"}:
            logs[line["file"], line["date"]][line["line"]] = line
    return [row for log in logs.values() for row in _messages(log)]


def _lines(paths: tuple[Path, ...]) -> Iterator[Row]:
    for path in paths:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8", newline="\n") as file:
            for text in file:
                if text.strip():
                    yield json.loads(text)


def _messages(log: dict[int, Row]) -> Iterator[Row]:
    """The messages of one log, which is one file's lines of one day."""
    nights, before = 0, None
    day = date.fromisoformat(next(iter(log.values()))["date"])
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    for number in sorted(log):
        line = log[number]
        hours, minutes = line["time"].split(":")
        clock = timedelta(hours=int(hours), minutes=int(minutes))
        if before is not None and before - clock > timedelta(hours=12):
            nights += 1
        before = clock
        sent_at = None
        if day >= CLOCK_HAS_24_HOURS:
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
