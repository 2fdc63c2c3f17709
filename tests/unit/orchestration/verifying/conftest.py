"""One lake with a past, built once; each test tampers with it in its place and puts it back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.orchestration.project import Project
from tests.unit.orchestration.verifying import lakes


@pytest.fixture(scope="session")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("verifying")
    lakes.small(folder / "project")
    shutil.copytree(folder / "project", folder / "as_it_was")
    return folder / "project", folder / "as_it_was"


@pytest.fixture
def lake_project(_kept: tuple[Path, Path]) -> Iterator[Project]:
    """A project with :func:`lakes.small`; its catalogue names its place, so there it stays."""
    place, as_it_was = _kept
    yield Project.open(place)
    shutil.rmtree(place)
    shutil.copytree(as_it_was, place)
