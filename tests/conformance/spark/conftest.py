"""Both engines with the same rows: what stands on one is asked of the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headgate.core import settings
from headgate.lake.engines.spark.connection import SparkConnection
from tests.servers.spark_engine import spark as spark

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them need Spark, and share one."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.servers)
            item.add_marker(pytest.mark.xdist_group("spark"))


@pytest.fixture(scope="session")
def engine(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkConnection]:
    """The gate's connection to Spark."""
    folder = tmp_path_factory.mktemp("conformance")
    found = dataclasses.replace(settings.load(), spill_folder=folder)
    with SparkConnection(found, spark) as connection:
        yield connection
