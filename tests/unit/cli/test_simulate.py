"""`headgate simulate` writes what it says, tells what it put in, and refuses what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli.main import invoke


def test_it_writes_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "exports"
    arguments = ["simulate", "--messages", "2000", "--seed", "3", "--out", str(out)]
    assert invoke([*arguments, "--faults", "0.002"]) == 0
    told = capsys.readouterr().out
    assert "Wrote 2,000 messages" in told
    assert "lone_surrogate" in told
    manifest = json.loads((out / "simulated.json").read_bytes())
    assert manifest["totals"]["messages"] == 2000
    assert invoke([*arguments, "--json", "--minified", "--guilds", "1", "--channels", "2"]) == 0
    wanted = json.loads(capsys.readouterr().out)["wanted"]
    assert (wanted["guilds"], wanted["channels"], wanted["faults"]) == (1, 2, 0.0)
    assert len(list(out.glob("*/*.json"))) == 2


def test_what_cannot_be_is_a_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = invoke(["simulate", "--messages", "5", "--out", str(tmp_path), "--faults", "0.9"])
    assert code == 2
    assert "--faults 0.9" in capsys.readouterr().err
    (tmp_path / "letter.txt").write_text("dear")
    assert invoke(["simulate", "--messages", "5", "--out", str(tmp_path)]) == 2
    assert "letter.txt" in [p.name for p in tmp_path.iterdir()]
