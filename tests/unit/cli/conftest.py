"""What the tests of commands share: a lake that holds two releases, and commands that answer in JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import invoke
from headgate.core import json as hjson
from headgate.orchestration.project import Project
from tests.conftest import make_project

#: Runs a command with --json; gives what it printed.
Answer = Callable[..., Any]
DATASET = "bronze.irc.messages"


def record(line: int) -> dict[str, Any]:
    """A line of a channel's log, in the shape of the corpus."""
    return {
        "file": "logs/harbour.log",
        "line": line,
        "channel": "#harbour",
        "time": f"{line // 60:02d}:{line % 60:02d}",
        "author": f"u_{line % 7:010x}",
        "type": "message",
        "text": f"did anybody look at number {line}?",
        "date": "2019-05-04",
    }


def write(path: Path, count: int, **changes: Any) -> None:
    """A small clean log with two faults at its end: an unreadable line and one without author."""
    records = [{**record(line), **changes} for line in range(count)]
    said = [*map(json.dumps, records), "{oops", json.dumps({**record(1000), "author": None})]
    path.write_text("\n".join(said) + "\n", "utf-8")


@pytest.fixture(scope="session")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose lake holds two releases: ten lines, then thirty."""
    with pytest.MonkeyPatch.context() as patch:
        project = make_project(tmp_path_factory.mktemp("commands") / "project")
        root = project.settings.root
        patch.setenv("HEADGATE_ROOT", str(root))
        for count in (25, 40):
            write(root / "day.jsonl", count)
            assert invoke(["run", "--source", f"{DATASET}={root / 'day.jsonl'}", "--json"]) == 0
    return root


@pytest.fixture
def lake(taken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    root = Path(shutil.copytree(taken, tmp_path / "project"))
    monkeypatch.setenv("HEADGATE_ROOT", str(root))
    return Project.open(root)


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Answer:
    """Run a command with --json; gives what it printed."""
    capsys.readouterr()

    def run(*arguments: str, code: int = 0) -> Any:
        assert invoke([*arguments, "--json"]) == code
        return hjson.loads(capsys.readouterr().out)

    return run
