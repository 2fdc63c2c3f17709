"""An app over a fresh store, and clients of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from headgate.lineage.server.application import create_app
from headgate.lineage.store.opening import Store, open_store


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with nothing in it, made once: making its tables takes longer than most tests."""
    path = tmp_path_factory.mktemp("store") / "lineage.db"
    open_store(path).close()
    return path


@pytest.fixture
def store(tmp_path: Path, empty: Path) -> Iterator[Store]:
    opened = open_store(shutil.copy(empty, tmp_path / "lineage.db"))
    yield opened
    opened.close()


@pytest.fixture
def serve(store: Store) -> Iterator[Callable[..., TestClient]]:
    """Serves the store, open to its own machine unless told otherwise, and gives a client."""
    with ExitStack() as stack:

        def start(**options: Any) -> TestClient:
            app = create_app(store, **{"loopback": True, **options})
            client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
            return stack.enter_context(client)

        yield start


@pytest.fixture
def client(serve: Callable[..., TestClient]) -> TestClient:
    return serve()
