"""A lake whose newest release tells of eight weeks of chat, for DAGs that read it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from headgate.core import json as hjson
from headgate.orchestration.project import Project
from headgate.orchestration.run import run

IRC = "bronze.irc.messages"
DAYS = "gold.community.community_health_daily"
DIGEST = "bronze.community.weekly_digest"
#: A Monday.
FIRST = dt.date(2024, 1, 1)


def lines(week: int, count: int, said: str = "hello") -> list[dict[str, object]]:
    """Log lines of one week, on its Tuesday and Thursday; two thirds on Thursday."""
    found = []
    for number in range(count):
        day = FIRST + dt.timedelta(weeks=week, days=1 if number % 3 == 0 else 3)
        found.append({
            "file": f"#ubuntu-{day}.txt", "line": number, "channel": "#ubuntu", "time": "10:00",
            "author": f"u_{number % 4}", "type": "message", "text": said, "reply_to": None,
            "date": str(day),
        })  # fmt: skip
    return found


def deliver(project: Project, weeks: dict[int, int], name: str = "first") -> None:
    """Take so many lines in each week, build what the digest reads, and release it."""
    path = Path(project.settings.root / f"{name}.jsonl")
    path.write_text("".join(hjson.dumps(r) + "\n" for w, n in weeks.items() for r in lines(w, n)))
    report = run(project, sources={IRC: [str(path)]}, select=[f"+{DAYS}"])
    assert not report.problems and DAYS in report.released, report
