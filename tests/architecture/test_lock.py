"""The lock is fresh, and a lock that is not would be noticed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "requirements" / "lock.py", "--check", root]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text("utf-8")
    return dict(re.findall(r"(?m)^([^ #=]+)==(\S+) ;.*python_full_version < '3.12'", text)) | dict(
        re.findall(r"(?m)^([^ #=]+)==(\S+) ; sys_platform", text)
    )


def test_the_lock_is_fresh() -> None:
    assert check(ROOT).returncode == 0, check(ROOT).stderr


def test_a_changed_dependency_makes_it_stale(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    assert "duckdb==" in text
    (tmp_path / "pyproject.toml").write_text(text.replace("duckdb==", "duckdb>="))
    done = check(tmp_path)
    assert done.returncode == 1
    assert "requirements/core.txt" in done.stderr
    assert "make lock" in done.stderr


def test_tool_configuration_does_not_make_it_stale(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    (tmp_path / "pyproject.toml").write_text(text.replace("line-length = 100", "line-length = 99"))
    assert check(tmp_path).returncode == 0


def test_no_two_footprints_disagree() -> None:
    everything = pins("all.txt")
    assert len(everything) > 150
    for name in ("core.txt", "dev.txt"):
        found = pins(name)
        assert len(found) > 60
        assert {k: v for k, v in found.items() if everything.get(k) != v} == {}


def test_the_core_is_small() -> None:
    core = pins("core.txt")
    assert "duckdb" in core
    for heavy in ("great-expectations", "pandas", "apache-airflow", "pyspark", "pytest"):
        assert heavy not in core


def test_every_pin_has_a_hash() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        blocks = re.split(r"(?m)^(?=[^ #\n])", path.read_text("utf-8"))
        pinned = [b for b in blocks if "==" in b.split("\n")[0]]
        assert pinned, path
        assert [b.split("\n")[0] for b in pinned if "--hash=sha256:" not in b] == []
