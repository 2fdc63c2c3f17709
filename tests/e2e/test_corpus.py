"""The whole real corpus again: taken once, it changes nothing, and costs nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from headgate.orchestration.project import Project

BRONZE = "bronze.irc.messages"


def headgate(project: Project, *arguments: str, code: int = 0) -> str:
    """What the command prints, as a user would run it."""
    done = subprocess.run(
        [sys.executable, "-m", "headgate.cli.main", *arguments],
        env={**os.environ, "HEADGATE_ROOT": str(project.settings.root)},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_a_second_run_changes_nothing_and_imports_no_dbt(
    project: Project, irc_corpus: Path
) -> None:
    source = f"{BRONZE}={irc_corpus}"
    headgate(project, "run", "--source", source)
    before = files_of(project)

    probe = (
        "import sys; from headgate.cli.main import main\n"
        "try: main()\n"
        "finally: print('DBT' if any(m.split('.')[0] == 'dbt' for m in sys.modules) else 'NO-DBT')"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, "run", "--source", source],
        env={**os.environ, "HEADGATE_ROOT": str(project.settings.root)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("NO-DBT")
    assert files_of(project) == before


def files_of(project: Project) -> dict[str, tuple[int, int]]:
    """Every file of the lake with its size and time of change, but for the lock."""
    root = project.lake.root
    return {
        str(p.relative_to(root)): (p.stat().st_size, p.stat().st_mtime_ns)
        for p in sorted(root.rglob("*"))
        if p.is_file() and "_locks" not in p.parts
    }
