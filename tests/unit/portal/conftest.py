"""The portal over a small lake: as an admin, as anybody else, and over a lake of a test's own.

The lake is built once for all tests of a session, whatever number of processes runs them.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from headgate.orchestration import lineage_store
from headgate.orchestration.project import Project
from headgate.portal import opening
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.application import create_app
from tests.shown_lake import shown_lake

#: Gives a client of a portal: as which role, and for which owners' datasets.
AsRole = Callable[..., TestClient]


@pytest.fixture(scope="session")
def shown_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the small lake. No test may change it: ask for ``own_project``."""
    base = tmp_path_factory.getbasetemp()
    # With xdist each process has a folder below the session's.
    shared = base.parent if base.name.startswith("popen-") else base
    folder = shared / "shown"
    with (shared / "shown.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            project = shown_lake(folder)
            lineage_store.open_for(project).close()
            (folder / "whole").touch()
    return folder


@pytest.fixture(scope="session")
def shown(shown_folder: Path) -> Project:
    """The small lake, to be read alone."""
    return Project.open(shown_folder)


@pytest.fixture
def own_project(shown_folder: Path, tmp_path: Path) -> Project:
    """A copy of it that a test may change."""
    shutil.copytree(shown_folder, tmp_path / "own")
    return Project.open(tmp_path / "own")


@pytest.fixture
def serve() -> Iterator[Callable[..., TestClient]]:
    """``serve(project, role=…, teams=…)``: a portal of that project, to be asked as somebody."""
    with ExitStack() as ends:
        yield lambda project, **who: ends.enter_context(_served(project, ends, **who))


@pytest.fixture(scope="session")
def as_role(shown: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsRole]:
    """``as_role(Role.VIEWER, teams=())``: the portal over the small lake, as somebody of that role."""
    made: dict[Any, TestClient] = {}
    store = tmp_path_factory.mktemp("portal") / "portal.db"
    with ExitStack() as ends:

        def client(role: Role = Role.ADMIN, teams: Any = ()) -> TestClient:
            key = (role, frozenset(teams))
            if key not in made:
                made[key] = ends.enter_context(_served(shown, ends, *key, store=store))
            made[key].cookies.clear()
            return made[key]

        yield client


@pytest.fixture
def portal(as_role: AsRole) -> TestClient:
    """The portal over the small lake, as an admin. Its records are those of all tests of the process."""
    return as_role(Role.ADMIN)


def _served(
    project: Project,
    ends: ExitStack,
    role: Role = Role.ADMIN,
    teams: Any = (),
    store: Path | None = None,
) -> TestClient:
    who = Person(f"local:{role}", role, frozenset(teams))
    parts = ends.enter_context(opening.opened(project, records_at=store))
    app = create_app(parts, local=who)
    return TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000))
