"""The whole real corpus again: taken once, it changes nothing, and costs nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.orchestration.project import Project
from tests.conftest import make_project
from tests.e2e import oracle, released

BRONZE = "bronze.irc.messages"
pytestmark = pytest.mark.xdist_group("corpus")


def headgate(project: Project, *arguments: str, code: int = 0) -> str:
    """What the command prints, as a user would run it."""
    done = subprocess.run(
        [sys.executable, "-m", "headgate.cli.main", *arguments],
        env={**os.environ, "HEADGATE_ROOT": str(project.settings.root)},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory, irc_corpus: Path) -> Project:
    """A project into which the corpus was taken, once for all of these tests."""
    project = make_project(tmp_path_factory.mktemp("corpus") / "project")
    headgate(project, "run", "--source", f"{BRONZE}={irc_corpus}")
    return project


def test_every_curated_table_is_what_an_independent_account_says(
    curated: Project, corpus_account: dict[str, oracle.Table]
) -> None:
    released.agrees(curated, corpus_account)


def test_a_second_run_changes_nothing_and_imports_no_dbt(
    curated: Project, irc_corpus: Path
) -> None:
    project, source = curated, f"{BRONZE}={irc_corpus}"
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
