"""A small lake for tests of reports: a delivery with hostile values in it, and one that is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from tests.conftest import make_project

DATASET = "bronze.irc.messages"
#: What a page must show as text, and never run or follow.
HOSTILE = "<img src=x onerror=alert(1)><script>document.title='taken over'</script>"
OUTSIDE = "<link rel=stylesheet href=https://evil.example/a.css>"
PERSONAL = "u_" + "secret" * 40


def record(line: int, **changes: Any) -> dict[str, Any]:
    """One line of a log."""
    return {
        "file": "logs/2019-05-04.txt", "line": line, "channel": "#harbour", "time": "09:14",
        "author": "u_1", "type": "message", "text": "the gate is open", "date": "2019-05-04",
        **changes,
    }  # fmt: skip


def judged_lake(folder: Path) -> Project:
    """A project in ``folder`` whose lake judged two batches of one dataset."""
    project = make_project(folder)
    partly = [record(i) for i in range(60)] + [
        record(100, type=HOSTILE),
        record(101, type=OUTSIDE),
        record(102, author=PERSONAL),
    ]
    hopeless = [record(200 + i, channel="no sign") for i in range(10)]
    for name, records in (("partly.jsonl", partly), ("hopeless.jsonl", hopeless)):
        text = "".join(json.dumps(r) + "\n" for r in records)
        (folder / name).write_text(text + ("{oops\n" if name == "partly.jsonl" else ""))
        run(project, sources={DATASET: [str(folder / name)]}, select=[DATASET])
    return project
