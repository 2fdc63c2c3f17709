"""A cluster as a whole: started in order, known to be ready, watched, and stopped without a rest."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.errors import LakeError, UsageError
from headgate.orchestration.spark_cluster import daemons
from headgate.orchestration.spark_cluster.daemons import Daemon

#: How long a cluster may take to be there, in seconds; a machine with other work takes its time.
_READY = 120.0
_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dspark.port.maxRetries=0"


@dataclass(frozen=True)
class Place:
    """Where a process of the cluster runs: its address, and a command that runs others there."""

    host: str = "127.0.0.1"
    before: tuple[str, ...] = ()


class Cluster:
    """A master, workers, and at wish a Connect server; usable as a context.

    Args:
        workers: where each of them runs.
        master: where the master and the Connect server run.
        port, page: where the master listens and shows its page.
        cores, memory: what each worker lends.
        connect: what a Connect server is told, by Spark's names; None: there is none.
        connect_port: where it listens.
    """

    def __init__(
        self,
        workers: Sequence[Place] = (Place(), Place()),
        *,
        master: Place = Place(),
        port: int = 7077,
        page: int = 8080,
        cores: int = 1,
        memory: str = "1g",
        connect: Mapping[str, str] | None = None,
        connect_port: int = 15_002,
    ) -> None:
        self.address = f"spark://{master.host}:{port}"
        self.page = f"http://{master.host}:{page}"
        self.remote = f"sc://{master.host}:{connect_port}" if connect is not None else ""
        self._place, self._ports = master, [port, page]
        self._page = page
        self._connect, self._connect_port = connect, connect_port
        if connect is not None:
            self._ports.append(connect_port)
        self.folder = Path(tempfile.mkdtemp(prefix="headgate-spark-"))
        self._master = Daemon(
            "master", daemons.master(master.host, port, page), self.folder, master.before
        )
        self.workers = [
            Daemon(
                f"worker-{number}",
                daemons.worker(place.host, self.address, cores, memory, self.folder / "work"),
                self.folder,
                place.before,
            )
            for number, place in enumerate(workers, start=1)
        ]
        self._server: Daemon | None = None

    def __enter__(self) -> Cluster:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def daemons(self) -> list[Daemon]:
        """All its processes."""
        return [self._master, *self.workers, *([self._server] if self._server else [])]

    def start(self) -> None:
        """Start it and wait until every part is there.

        Raises:
            UsageError: somebody else listens at one of its ports.
            LakeError: a part did not start, or not in time.
        """
        for port in self._ports:
            self._demand_free(port)
        environment = {"SPARK_DAEMON_JAVA_OPTS": _JVM, "SPARK_LOCAL_DIRS": str(self.folder)}
        self._master.start(environment)
        self._wait("the master", lambda: self.state() is not None)
        for each in self.workers:
            each.start(environment)
        self._wait("the workers", lambda: self.alive_workers() == len(self.workers))
        if self._connect is not None:
            self._server = Daemon(
                "connect", daemons.connect_server(self.address, self._properties()), self.folder,
                self._place.before,
            )  # fmt: skip
            # It is a daemon and a driver; as the former it is given its memory.
            memory = self._connect.get("spark.driver.memory", "1g")
            self._server.start(
                {"SPARK_LOCAL_DIRS": str(self.folder), "SPARK_DAEMON_MEMORY": memory}
            )
            self._wait("the Connect server", lambda: self._listens(self._connect_port))

    def state(self) -> dict[str, Any] | None:
        """What the master says of itself (its page's JSON); None: it does not answer."""
        connection = http.client.HTTPConnection(self._place.host, self._page, timeout=5)
        try:
            connection.request("GET", "/json/")
            found = hjson.loads(connection.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return found if isinstance(found, dict) else None

    def alive_workers(self) -> int:
        """How many workers the master knows to live."""
        return int((self.state() or {}).get("aliveworkers", 0))

    def dead(self) -> Daemon | None:
        """A part that ended without being told to."""
        return next((d for d in self.daemons if d.ended() is not None), None)

    def stop(self) -> None:
        """End all of it; nothing is left, neither processes nor files."""
        for each in reversed(self.daemons):
            each.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _properties(self) -> Path:
        """The Connect server's own configuration, for nobody else to read: it may hold secrets."""
        told = {
            # A server that waits for questions leaves the workers to others.
            "spark.dynamicAllocation.enabled": "true",
            "spark.dynamicAllocation.shuffleTracking.enabled": "true",
            "spark.dynamicAllocation.executorIdleTimeout": "30s",
            **(self._connect or {}),
            "spark.connect.grpc.binding.address": self._place.host,
            "spark.connect.grpc.binding.port": str(self._connect_port),
            "spark.driver.host": self._place.host,
            "spark.driver.bindAddress": self._place.host,
            "spark.port.maxRetries": "16",
        }
        path = self.folder / "connect.conf"
        text = "".join(f"{name} {_escaped(value)}\n" for name, value in told.items())
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)
        return path

    def _wait(self, what: str, ready: Any) -> None:
        until = clock.monotonic() + _READY
        while not ready():
            gone = self.dead()
            if gone is not None:
                raise LakeError(f"the cluster's {gone.name} ended: {gone.why()}")
            if clock.monotonic() > until:
                raise LakeError(f"{what} did not start within {_READY:.0f} s.")
            clock.sleep(0.2)

    def _demand_free(self, port: int) -> None:
        if self._listens(port):
            raise UsageError(
                f"somebody listens at {self._place.host}:{port} already.",
                remedy="Choose another port, or stop who does.",
            )

    def _listens(self, port: int) -> bool:
        with socket.socket() as tried:
            tried.settimeout(2.0)
            return tried.connect_ex((self._place.host, port)) == 0


def _escaped(value: str) -> str:
    """A value as a Java properties file has it."""
    return value.replace("\\", "\\\\").replace("\n", "\\n")
