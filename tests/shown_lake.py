"""A small lake for tests of the portal: three deliveries, one of them refused, and all that follows.

1. Chat of IRC (some rows refused, some hostile) and of Discord: curated, and released.
2. IRC that is refused whole, and more Discord: released.
3. IRC under a changed contract: released.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from tests.conftest import make_project

IRC = "bronze.irc.messages"
DISCORD = "bronze.chat.messages"
USERS = "bronze.chat.users"
#: Who owns the datasets of chat.
OWNER = "chat-platform"
#: What a page must show as text, and never run or follow.
HOSTILE = "<img src=x onerror=alert(1)><script>document.title='taken over'</script>"
#: Of a personal column, in a refused row: nobody sees it whom its contract does not name.
PERSONAL = "u_" + "secret" * 40
#: What two people said, of whom a published row speaks; personal too.
SAID = "the gate of pier nine is open"
#: The contract's text before and after the change.
CHANGED = ("version: 1.0.0", "version: 1.1.0")
WIDER = ("logicalTypeOptions: {maxLength: 512}", "logicalTypeOptions: {maxLength: 600}")


def line(number: int, day: int = 4, **changes: Any) -> dict[str, Any]:
    """One line of a log."""
    return {
        "file": f"logs/2019-05-{day:02}.txt", "line": number, "channel": "#harbour",
        "time": f"09:{number % 60:02}", "author": f"u_{number % 5}", "type": "message",
        "text": SAID if number % 7 else "is it?", "date": f"2019-05-{day:02}",
        "reply_to": [number - 1] if number else [], **changes,
    }  # fmt: skip


def export(*numbers: int) -> dict[str, Any]:
    """A Discord export of these messages."""
    messages = [
        {"id": str(100 + n), "type": "Default",
         "timestamp": f"2024-01-{1 + n // 10:02}T10:{n % 60:02}:00+00:00",
         "timestampEdited": None, "callEndedTimestamp": None, "isPinned": False,
         "content": f"hello {n}",
         "author": {"id": str(7 + n % 3), "name": f"name{n % 3}", "discriminator": "0000",
                    "nickname": f"nick{n % 3}", "color": None, "isBot": False, "roles": [],
                    "avatarUrl": ""},
         "attachments": [], "embeds": [], "stickers": [], "reactions": [], "mentions": []}
        for n in numbers
    ]  # fmt: skip
    return {
        "guild": {"id": "1", "name": "Harbour", "iconUrl": ""},
        "channel": {"id": "2", "type": "GuildTextChat", "categoryId": "3", "category": "talk",
                    "name": "quay", "topic": None},
        "dateRange": {"after": None, "before": None},
        "exportedAt": f"2024-01-{2 + max(numbers) // 10:02}T00:00:00+00:00",
        "messages": messages, "messageCount": len(messages),
    }  # fmt: skip


def shown_lake(folder: Path) -> Project:
    """A project in ``folder`` whose lake has seen all of it."""
    project = make_project(folder)
    first = [line(n) for n in range(40)] + [
        line(50, type=HOSTILE),
        line(51, type="<link rel=stylesheet href=https://evil.example/a.css>"),
        line(52, author=PERSONAL),
    ]
    _deliver(project, "first", first, list(range(12)), torn="{oops\n")
    hopeless = [line(200 + n, day=5, channel="no sign") for n in range(10)]
    _deliver(project, "second", hopeless, list(range(12, 30)))
    contract = folder / "data_contracts" / "irc" / "bronze_messages" / "contract.odcs.yaml"
    text = contract.read_text("utf-8")
    for before, after in (CHANGED, WIDER):
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    contract.write_text(text, "utf-8")
    project = Project.open(folder)
    _deliver(project, "third", [line(n, day=6) for n in range(25)], [])
    return project


def _deliver(
    project: Project, name: str, lines: list[dict[str, Any]], messages: list[int], torn: str = ""
) -> None:
    irc = project.settings.root / f"{name}.jsonl"
    irc.write_text("".join(json.dumps(one) + "\n" for one in lines) + torn, "utf-8")
    sources = {IRC: [str(irc)]}
    if messages:
        discord = project.settings.root / f"{name}.json"
        discord.write_text(json.dumps(export(*messages)), "utf-8")
        sources |= {DISCORD: [str(discord)], USERS: [str(discord)]}
    run(project, sources=sources)
