"""What programs and people are given: JSON holds any value, a table says each in words."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from headgate.cli import output
from headgate.core import json as hjson


@dataclass(frozen=True)
class Thing:
    """Anything that a command may print."""

    name: str
    at: dt.datetime
    parts: tuple[int, ...]


AT = dt.datetime(2024, 5, 1, 9, 30, tzinfo=dt.UTC)


def test_anything_has_a_json_form() -> None:
    value = {
        "thing": Thing("a", AT, (1, 2)),
        1: decimal.Decimal("1.50"),
        "when": AT,
        "nan": math.nan,
        "bytes": b"caf\xe9",
        "path": Path("a/b"),
        "set": {3, 1, 2},
        "error": ValueError("x"),
    }
    found = hjson.loads(hjson.dumps(output.plain(value)))
    assert found == {
        "thing": {"name": "a", "at": "2024-05-01T09:30:00.000000Z", "parts": [1, 2]},
        "1": "1.50",
        "when": "2024-05-01T09:30:00.000000Z",
        "nan": "nan",
        "bytes": "caf\\xe9",
        "path": "a/b",
        "set": [1, 2, 3],
        "error": "x",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), ("", "-"), (0, "0"), (1234567, "1,234,567"), (True, "yes"), (False, "no"),
     (1.005, "1.00"), (AT, "2024-05-01 09:30:00"), (["a", "b"], "a, b"), ("[red]", "[red]")],
)  # fmt: skip
def test_a_cell_says_its_value(value: object, text: str) -> None:
    assert output.cell(value) == text


def test_a_table_keeps_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("name", "rows"), [("[bold]not markup[/bold]", 1000)])
    told = capsys.readouterr().out
    assert "[bold]not markup[/bold]" in told
    assert "1,000" in told


def test_a_path_is_told_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert output.near(tmp_path / "a" / "b.yaml") == "a/b.yaml"
    assert output.near("/elsewhere/b.yaml") == "/elsewhere/b.yaml"


def test_a_narrow_terminal_gets_paragraphs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = ("dataset", "read", "published", "quarantined", "verdict")
    rows = [("gold.community.fct_channel_activity_daily", 12345, 12000, 345, "published")]
    monkeypatch.setattr(output, "PIPE_WIDTH", 100)
    output.table(columns, rows)
    wide = capsys.readouterr().out
    monkeypatch.setattr(output, "PIPE_WIDTH", 50)
    output.table(columns, rows)
    narrow = capsys.readouterr().out
    for told, limit in ((wide, 100), (narrow, 50)):
        assert max(map(len, told.splitlines())) <= limit
        for word in (*columns[1:], "12,345", "345", rows[0][0]):
            assert word in told, "a word was broken"
    assert "  read: 12,345" in narrow
    assert "read:" not in wide


def test_long_text_is_folded_before_anything_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "PIPE_WIDTH", 60)
    output.table(("id", "rows", "meaning"), [("a1", 7, "word " * 30)])
    told = capsys.readouterr().out
    assert told.count("word") == 30
    assert max(len(line.rstrip()) for line in told.splitlines()) <= 60
