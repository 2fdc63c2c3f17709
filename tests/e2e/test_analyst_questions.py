"""The how-to's five questions: its SQL and its Python run as written, and give the same answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import headgate
from headgate.core import json as hjson
from tests.e2e.conftest import Shell

# One worker runs this file and the README's, so that the demo is made once.
pytestmark = pytest.mark.xdist_group("readme")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "five-questions.md"


def questions() -> list[tuple[str, str, str]]:
    """Title, command and Python of every question; the first block of Python is the preamble."""
    found = re.findall(
        r"^\*\*(.+?)\*\*.*?\n    (headgate sql .+?)\n\n```python\n(.+?)```",
        PAGE.read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    return [(title, command, code) for title, command, code in found]


def preamble() -> str:
    block = re.search(r"```python\n(import.+?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert block
    return block[1]


def test_there_are_five_and_one_on_releases() -> None:
    assert [title.split(".")[0] for title, _, _ in questions()] == [
        "1", "2", "3", "4", "5", "The same answer next month",
    ]  # fmt: skip


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as JSON has them, so that answers of either kind can be compared."""
    return [
        {k: round(v, 9) if isinstance(v, float) else v for k, v in row.items()}
        for row in hjson.loads(hjson.dumps(rows))
    ]


@pytest.mark.parametrize(
    ("title", "command", "code"), questions(), ids=[title for title, _, _ in questions()]
)
def test_both_ways_give_the_same_answer(
    after_demo: Path, monkeypatch: pytest.MonkeyPatch, title: str, command: str, code: str
) -> None:
    monkeypatch.setenv("HEADGATE_ROOT", str(after_demo))
    exit_code, told = Shell(after_demo).run(f"{command} --json")
    assert exit_code == 0, told
    by_sql = hjson.loads(told)
    names: dict[str, Any] = {}
    exec(preamble() + code, names)
    assert names["read"] is headgate.read
    by_python = names["answer"].to_dicts()
    assert by_sql, f"{title}: nobody learns anything from no rows"
    assert plain(by_python) == plain(by_sql)
