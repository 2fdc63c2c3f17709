"""Seeded chat: whole days of IRC channel logs in the shape of bronze.irc.messages, without a fault."""

from __future__ import annotations

import random
from typing import Any

from headgate.core import ids

#: Channel and day of each log, and how many lines it has.
LOGS = (
    ("#harbour", "2019-05-04", 1400),
    ("#harbour", "2019-05-05", 1600),
    ("#workshop", "2019-05-05", 1200),
)
_PEOPLE = 60
_THINGS = ("kernel", "printer", "boot loader", "sound card", "firewall", "desktop", "terminal",
           "package", "mirror", "backup", "router", "keyboard", "partition", "driver")  # fmt: skip
_DOES = ("freezes", "won't start", "is slow", "works now", "needs an update", "lost its settings",
         "asks for a password", "shows nothing", "is fine here", "crashed twice")  # fmt: skip
_WHEN = ("since this morning", "after the upgrade", "on my laptop", "every other day",
         "when I plug it in", "only over ssh", "with the new version")  # fmt: skip
_ANSWERS = ("try removing it and installing it again", "look into the log first",
            "that was mended last week", "which version is it?", 'did you read "the manual"?',
            "it's a known problem", "restart the service", "paste the error somewhere")  # fmt: skip
_OPENERS = ("my {thing} {does} {when}", "does anybody know why the {thing} {does}?",
            "the {thing} {does}, any idea?", "how do I move a {thing} to another disk?",
            "thanks, that helped", "good morning", "is there a guide for the {thing}?")  # fmt: skip


def person(number: int) -> str:
    """The pseudonym of the person of that number, in the corpus's own form."""
    return "u_" + ids.digest(f"demo {number}")[:10]


def log_name(channel: str, date: str) -> str:
    """What the log of a channel's day is called."""
    return f"demo/{channel.lstrip('#')}/{date}.log"


def log(channel: str, date: str, lines: int) -> list[dict[str, Any]]:
    """One channel's day as records in line order; the same arguments give the same records."""
    source = random.Random(f"{channel} {date}")  # noqa: S311 (chat, not cryptography)
    found: list[dict[str, Any]] = []
    for number in range(lines):
        minute = number * 1439 // lines
        record: dict[str, Any] = {
            "file": log_name(channel, date),
            "line": number,
            "channel": channel,
            "time": f"{minute // 60:02d}:{minute % 60:02d}",
            "author": person(int(source.triangular(0, _PEOPLE, 4))),
            "type": "message",
            "text": "",
        }
        _fill(record, found, source)
        record["date"] = date
        found.append(record)
    return found


def _fill(record: dict[str, Any], before: list[dict[str, Any]], source: random.Random) -> None:
    """Let the line be a notice of the server, an action, an answer, or something new."""
    kind = source.random()
    if kind < 0.10:
        verb = source.choice(("has joined", "has left"))
        record.update(time=None, author=None, type="system")
        record["text"] = f"{person(source.randrange(_PEOPLE))} {verb} {record['channel']}"
    elif kind < 0.13:
        record.update(type="action", text=f"{source.choice(('waves', 'sighs', 'nods'))} slowly")
    elif kind < 0.45 and before:
        asked = source.choice(before[-20:])
        to = f"{asked['author']}: " if asked["author"] else ""
        record.update(text=to + source.choice(_ANSWERS), reply_to=[asked["line"]])
    else:
        words = {"thing": _THINGS, "does": _DOES, "when": _WHEN}
        chosen = {k: source.choice(v) for k, v in words.items()}
        record["text"] = source.choice(_OPENERS).format(**chosen)
