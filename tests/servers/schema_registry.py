"""A real schema registry for tests: Apicurio, asked in the words of Confluent's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.servers.kafka_broker import free_ports

APP = REPOSITORY / ".tools" / "registry" / "app"
PATIENCE = 180.0
_JVM = ("-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class SchemaRegistry:
    """A registry that keeps schemas in memory, at ``url``."""

    def __init__(self, folder: Path) -> None:
        self._port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self._port}/apis/ccompat/v7"
        self._log = folder / "registry.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        home = os.environ.get("JAVA_HOME")
        jar = next(APP.glob("*-runner.jar"))
        told = {"APICURIO_STORAGE_KIND": "sql", "QUARKUS_HTTP_HOST": "127.0.0.1"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [f"{home}/bin/java" if home else "java", *_JVM, "-jar", str(jar)],
                env={**os.environ, **told, "QUARKUS_HTTP_PORT": str(self._port)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()[-3000:]
            assert time.monotonic() < end, "the registry does not start"
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            self.ask("/subjects")
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def ask(self, path: str, body: Any = None) -> Any:
        """What it answers."""
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def register(
        self, subject: str, kind: str, text: str, references: list[dict[str, Any]] | None = None
    ) -> int:
        """Register a schema; its id."""
        body = {"schema": text, "schemaType": kind, "references": references or []}
        return int(self.ask(f"/subjects/{subject}/versions", body)["id"])


@pytest.fixture(scope="session")
def schema_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchemaRegistry]:
    """The registry that all tests share."""
    subprocess.run([REPOSITORY / "tests" / "servers" / "registry" / "fetch.sh"], check=True)
    registry = SchemaRegistry(tmp_path_factory.mktemp("registry"))
    registry.start()
    try:
        yield registry
    finally:
        registry.stop()
