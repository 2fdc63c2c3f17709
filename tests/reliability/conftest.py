"""What tests of kills and of what gives out share: a warm process with a small project."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.harness.kills import Bench
from tests.reliability.harness.warm import Warm


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A folder in memory where there is one: what is tried here is no power cut."""
    memory = Path("/dev/shm")
    within = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="headgate-kills-", dir=within) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def bench(place: Path) -> Iterator[Bench]:
    """The warm process; it takes a while to make, so whatever uses it runs in one worker."""
    with Warm() as warm:
        yield Bench(warm, place / "short")
