"""What several of these tests compare with, worked out once."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from headgate.cli.main import invoke
from headgate.core import json as hjson
from tests.conftest import make_project
from tests.e2e import oracle

#: The tour is taken on a small demo; what the README says of the large one is counted apart.
DEMO = "headgate demo --messages 6000"


@pytest.fixture(scope="session")
def corpus_account(irc_corpus: Path) -> dict[str, oracle.Table]:
    """Every curated table that the real IRC corpus must give."""
    return oracle.gold(irc_corpus)


class Shell:
    """Runs commands in a project's folder as a person would, with `headgate` on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HEADGATE_ROOT": str(self.folder),
        }
        self.environment.pop("HEADGATE_REAL_DATA", None)

    def run(self, command: str) -> tuple[int, str]:
        """Exit code and stdout; nothing may go wrong with a stack trace."""
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    def ask(self, query: str, *more: str) -> object:
        """The first value of an answer, asked here: a process of its own has nothing to add to it."""
        told = StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(told):
            patch.setenv("HEADGATE_ROOT", str(self.folder))
            assert invoke(["sql", query, "--json", *more]) == 0
        return next(iter(hjson.loads(told.getvalue())[0].values()))


@pytest.fixture(scope="session")
def after_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which `headgate demo` was run once; each test gets a copy."""
    project = make_project(tmp_path_factory.mktemp("demo") / "project")
    code, told = Shell(project.settings.root).run(DEMO)
    assert code == 0, told
    assert "Every fault was found, and nothing else." in told
    return project.settings.root
