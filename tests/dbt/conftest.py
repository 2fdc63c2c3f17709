"""A project in a run, for every dbt test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import make_project
from tests.dbt.lakehouse import Lakehouse


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Lakehouse]:
    """An empty project in a run."""
    house = Lakehouse(make_project(tmp_path / "project"))
    yield house
    house.close()
