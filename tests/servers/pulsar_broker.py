"""A real Apache Pulsar for all tests that need one: a standalone broker with its own storage."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.servers.kafka_broker import free_ports

JARS = REPOSITORY / ".tools" / "pulsar"
PATIENCE = 240.0
_JVM = (
    *("-Xmx512m", "-XX:MaxDirectMemorySize=512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-Dpulsar.allocator.exit_on_oom=true", "-Dio.netty.tryReflectionSetAccessible=true"),
    *("--add-opens=java.base/java.nio=ALL-UNNAMED", "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED"),
    *("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",),
    *("--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.util=ALL-UNNAMED"),
    *("--add-opens=java.management/sun.management=ALL-UNNAMED",),
    *("--add-opens=java.base/jdk.internal.platform=ALL-UNNAMED",),
)
_CONF = """
clusterName=standalone
brokerServicePort={port}
webServicePort={web}
bindAddress=127.0.0.1
advertisedAddress=127.0.0.1
managedLedgerDefaultEnsembleSize=1
managedLedgerDefaultWriteQuorum=1
managedLedgerDefaultAckQuorum=1
allowAutoTopicCreation=false
# What nobody has subscribed to is kept all the same.
defaultRetentionTimeInMinutes=-1
defaultRetentionSizeInMB=-1
functionsWorkerEnabled=false
loadManagerClassName=org.apache.pulsar.broker.loadbalance.NoopLoadManager
journalMaxGroupWaitMSec=1
diskUsageThreshold=0.999
diskUsageWarnThreshold=0.998
diskUsageLwmThreshold=0.99
"""


class Pulsar:
    """One broker. ``address`` stays the same over stops and starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        port, self._web = free_ports(2)
        self.address = f"pulsar://127.0.0.1:{port}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "standalone.conf").write_text(_CONF.format(port=port, web=self._web))
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)

    @property
    def config(self) -> dict[str, str]:
        """What a source is to be told."""
        return {"service_url": self.address}

    def start(self) -> None:
        """Start it, and wait until it answers."""
        home = os.environ.get("JAVA_HOME")
        words = ["org.apache.pulsar.PulsarStandaloneStarter", "--no-functions-worker"]
        words += ["--no-stream-storage", "--config", str(self.folder / "standalone.conf")]
        with (self.folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [f"{home}/bin/java" if home else "java", *_JVM, "-cp", f"{JARS}/*", *words],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "broker.log").read_text()[-3000:]
            assert time.monotonic() < end, "Pulsar does not start"
            time.sleep(0.3)

    def _answers(self) -> bool:
        try:
            return "public/default" in self.ask("GET", "namespaces/public")
        except OSError:
            return False

    def ask(self, how: str, path: str, body: bytes | None = None) -> str:
        """What its administration answers."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._web}/admin/v2/{path}",
            data=body,
            method=how,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: str = answer.read().decode()
            return found

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def make_topic(self, partitions: int = 0) -> str:
        """A topic nobody else uses (0: one without partitions); its name."""
        name = f"topic-{os.getpid()}-{next(self._numbers)}"
        path = f"persistent/public/default/{name}"
        if partitions:
            self.ask("PUT", f"{path}/partitions", str(partitions).encode())
        else:
            self.ask("PUT", path)
        return f"persistent://public/default/{name}"

    def produce(self, topic: str, values: list[bytes], *, batch: bool, **each: Any) -> None:
        """Put values into a topic in order, and wait for the broker."""
        import logging

        import pulsar

        quiet = logging.getLogger("tests.pulsar")
        quiet.propagate = False
        client = pulsar.Client(self.address, logger=quiet)
        try:
            producer = client.create_producer(
                topic, batching_enabled=batch, batching_max_publish_delay_ms=20
            )
            for value in values:
                producer.send_async(value, lambda *_: None, **each)
            producer.flush()
        finally:
            client.close()


@pytest.fixture(scope="session")
def pulsar_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulsar]:
    """The broker that all tests share."""
    subprocess.run([REPOSITORY / "tests" / "servers" / "pulsar" / "fetch.sh"], check=True)
    broker = Pulsar(tmp_path_factory.mktemp("pulsar"))
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
