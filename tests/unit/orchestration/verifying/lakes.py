"""A lake with a past: deliveries, edits, refusals, replay, waivers, changed contracts, rollback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headgate.orchestration import auditing, rebuilding, replay, rollback
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from headgate.quality import quarantine
from tests.conftest import make_project

BRONZE = "bronze.irc.messages"
SILVER = "silver.chat.messages"
GOLD = "gold.community.fct_messages"
CONTRACT = Path("data_contracts/irc/bronze_messages/contract.odcs.yaml")


def line(number: int, **changes: Any) -> dict[str, Any]:
    """One line of a channel's log."""
    return {
        "file": "logs/2019-05-04.txt", "line": number, "channel": "#harbour",
        "time": f"09:{number % 60:02d}", "author": f"u_{number % 7}", "type": "message",
        "text": f"line {number}", "date": "2019-05-04", **changes,
    }  # fmt: skip


def deliver(project: Project, name: str, lines: list[dict[str, Any]], *more: str) -> None:
    """Write a file of these lines (and ``more`` as they are) and take it in."""
    path = project.settings.root / name
    path.write_text("".join(json.dumps(one) + "\n" for one in lines) + "".join(more))
    run(project, sources={BRONZE: [str(path)]}, select=[BRONZE, SILVER, GOLD])


def edit(project: Project, old: str, new: str) -> Project:
    """The project with another contract of the lines."""
    path = project.settings.root / CONTRACT
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return Project.open(project.settings.root)


def small(folder: Path) -> Project:
    """Two runs over three tables, with quarantined rows, one of them waived, and a refusal."""
    project = make_project(folder)
    first = [line(n) for n in range(60)] + [line(100, type="shout"), line(101, type="whisper")]
    deliver(project, "first.jsonl", first, "{oops\n")
    again = [line(n, text="edited") for n in range(5)] + [line(n) for n in range(200, 230)]
    deliver(project, "second.jsonl", [*again, line(300, type="shout")])
    deliver(project, "hopeless.jsonl", [line(n, channel="no sign") for n in range(400, 410)])
    contract = project.contracts[BRONZE]
    row = quarantine.list_rows(project.lake, contract, reason="type.accepted", limit=1)[0]
    quarantine.waive(project.lake, contract, by="ana", why="known", ids=[row.id])
    return project


def eventful(folder: Path) -> Project:
    """:func:`small`, then a looser contract and a replay, a new column, a tighter rule and an audit, a
    rebuild, and a rollback."""
    project = small(folder)
    project = edit(project, "[message, action, system, unparsed]", "[message, action, system, unparsed, shout]")  # fmt: skip
    replay.replay(project, BRONZE)
    project = edit(
        project,
        "      - name: reply_to\n",
        "      - name: mood\n        logicalType: string\n        classification: internal\n"
        "        description: How it sounds.\n      - name: reply_to\n",
    )
    deliver(
        project,
        "third.jsonl",
        [line(n, mood="calm") for n in range(230, 240)] + [line(240, text="x" * 40)],
    )
    project = edit(project, "{maxLength: 512}", "{maxLength: 30}")
    run(project, select=[BRONZE])
    auditing.settle(project, BRONZE)
    rebuilding.rebuild(project, BRONZE)
    rollback.rollback(project, 2)
    deliver(project, "fourth.jsonl", [line(n, text="end") for n in range(500, 505)])
    return project
