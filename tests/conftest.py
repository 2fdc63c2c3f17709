"""Fixtures that every suite may use: a project of one's own, and real data."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.core import secrets
from headgate.core import settings as core_settings
from headgate.orchestration.project import Project

REPOSITORY = Path(__file__).resolve().parent.parent
# Airflow makes its home when it is imported, whoever does that; each process has one of its own.
os.environ["AIRFLOW_HOME"] = str(Path(tempfile.gettempdir(), f"headgate-airflow-{os.getpid()}"))
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)


@pytest.fixture(autouse=True)
def _begin_as_a_new_process() -> Iterator[None]:
    """What a command leaves behind in its process: the lake that it was to work in, and secrets."""
    yield
    core_settings.choose_lake()
    secrets.forget()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; without it the test fails in CI and is skipped elsewhere."""
    where = core_settings.load(REPOSITORY).real_data_path
    if not where.is_dir():
        told = f"no real data at {where} (setting HEADGATE_REAL_DATA): not tried on real data"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    return where


@pytest.fixture(scope="session")
def irc_corpus(real_data: Path) -> Path:
    """The real IRC corpus: 220,463 lines, gzipped."""
    return real_data / "irc_ubuntu" / "train.messages.jsonl.gz"


def make_project(folder: Path) -> Project:
    """A Headgate project of the repository's contracts and models, with a lake of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(REPOSITORY / "data_contracts", folder / "data_contracts")
    shutil.copytree(
        REPOSITORY / "dbt_project",
        folder / "dbt_project",
        ignore=shutil.ignore_patterns("target", "logs", "_contracts", ".user.yml"),
    )
    (folder / "headgate.toml").write_text('lake = "lake"\n')
    return Project.open(folder)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A fresh project in a folder of its own; HEADGATE_ROOT points there."""
    monkeypatch.setenv("HEADGATE_ROOT", str(tmp_path / "project"))
    return make_project(tmp_path / "project")
