"""One Spark for all tests that need one: a local session, started once and stopped at the end."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from headgate.core import settings
from headgate.lake.engines.spark import session


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A ``SparkSession`` with Delta, of two threads."""
    found = dataclasses.replace(settings.load(), spark_master="local[2]")
    started = session.connect(found)
    started.sparkContext.setLogLevel("ERROR")
    yield started
    started.stop()
