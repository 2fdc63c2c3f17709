"""A real Kafka for all tests that need one: one node (KRaft), that may be stopped, killed and
started anew with what it has."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

JARS = REPOSITORY / ".tools" / "kafka"
#: Longer than a start takes where others use the machine too.
PATIENCE = 120.0
_JVM = (
    "-Xms256m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{inner}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{inner},SECURED://127.0.0.1:{secured}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SECURED://127.0.0.1:{secured}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL
listener.name.secured.ssl.keystore.type=PEM
listener.name.secured.ssl.keystore.location={pem}
listener.name.secured.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.secured.plain.sasl.jaas.config={plain} required user_{user}="{password}";
listener.name.secured.scram-sha-256.sasl.jaas.config={scram} required;
log.dirs={folder}/log
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
# What is told of years ago is not to be deleted for that.
log.retention.ms=-1
log.segment.bytes=67108864
log.message.timestamp.after.max.ms=9223372036854775807
"""

#: Who may come in by the listener that asks for it.
USER, PASSWORD = "reader", "a-long-p4ssword"
_MODULES = "org.apache.kafka.common.security"


def free_ports(number: int) -> list[int]:
    """Ports that nobody has just now."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        return [found.getsockname()[1] for found in sockets]
    finally:
        for found in sockets:
            found.close()


class Kafka:
    """One node. ``address`` stays the same over stops and starts, as does ``secured``, where TLS is
    spoken (by the authority whose certificate ``authority`` is) and a password asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._port, inner, secured = free_ports(3)
        self.address, self.secured = f"127.0.0.1:{self._port}", f"127.0.0.1:{secured}"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self._properties = folder / "server.properties"
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = folder / "authority.pem"
        told = {"pem": _certified(self.authority), "user": USER, "password": PASSWORD,
                "plain": f"{_MODULES}.plain.PlainLoginModule",
                "scram": f"{_MODULES}.scram.ScramLoginModule"}  # fmt: skip
        self._properties.write_text(
            _PROPERTIES.format(port=self._port, inner=inner, secured=secured, folder=folder, **told)
        )
        subprocess.run(
            [
                *self._java("kafka.tools.StorageTool", "format"),
                "--cluster-id",
                "SGVhZGdhdGUtdGVzdHMtMQ",
                "--config",
                str(self._properties),
                "--add-scram",
                f"SCRAM-SHA-256=[name={USER},password={PASSWORD}]",
            ],
            check=True,
            capture_output=True,
        )

    def _java(self, *words: str) -> list[str]:
        home = os.environ.get("JAVA_HOME")
        java = f"{home}/bin/java" if home else "java"
        return [java, *_JVM, "-cp", f"{JARS}/*", *words]

    @property
    def config(self) -> dict[str, str]:
        """What a client is to be told."""
        return {"bootstrap.servers": self.address}

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert self._process is None
        with (self.folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._properties)),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "broker.log").read_text()[-3000:]
            assert time.monotonic() < end, "Kafka does not start"
            time.sleep(0.1)

    def _answers(self) -> bool:
        from confluent_kafka import KafkaException

        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1):
                pass
            return bool(self.admin().list_topics(timeout=2).brokers)
        except (OSError, KafkaException):
            return False

    def stop(self) -> None:
        """Have it end in its own time."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._process is not None
        return self._process.pid

    def admin(self) -> Any:
        """A client that makes topics and asks about them."""
        import logging

        from confluent_kafka.admin import AdminClient

        quiet = logging.getLogger("tests.kafka")
        quiet.addHandler(logging.NullHandler())
        return AdminClient(self.config, logger=quiet)

    def make_topic(
        self, partitions: int = 1, name: str = "", config: Mapping[str, str] | None = None
    ) -> str:
        """A topic nobody else uses; its name."""
        from confluent_kafka.admin import NewTopic

        topic = name or f"topic-{os.getpid()}-{next(self._numbers)}"
        wanted = NewTopic(topic, partitions, 1, config=dict(config or {}))
        admin = self.admin()  # which has to outlive what it was asked
        admin.create_topics([wanted], operation_timeout=30)[topic].result()
        end = time.monotonic() + PATIENCE
        while topic not in admin.list_topics(timeout=10).topics:
            assert time.monotonic() < end
            time.sleep(0.05)
        return topic

    def produce(self, topic: str, values: Mapping[int, list[Any]] | list[Any], **each: Any) -> None:
        """Put values into a topic, by partition or all into the first, and wait for the broker."""
        from confluent_kafka import Producer

        producer = Producer({**self.config, "linger.ms": 5, "enable.idempotence": True})
        for partition, those in (values if isinstance(values, Mapping) else {0: values}).items():
            for value in those:
                while len(producer) >= 90_000:  # as many as it keeps
                    producer.poll(0.1)
                producer.produce(topic, value, partition=partition, **each)
                producer.poll(0)
        assert producer.flush(60) == 0


def _certified(authority: Path) -> Path:
    """A key and its certificate in one file; the certificate alone is written to ``authority``."""
    import datetime as dt
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kafka for tests")])
    told = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    told = told.public_key(key.public_key()).serial_number(x509.random_serial_number())
    told = told.not_valid_before(now - dt.timedelta(days=1))
    told = told.not_valid_after(now + dt.timedelta(days=30))
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    told = told.add_extension(here, critical=False)
    told = told.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = told.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    authority.write_bytes(certificate)
    pem = authority.with_name("broker.pem")
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem.write_bytes(private + certificate)
    return pem


def running(folder: Path) -> Kafka:
    """A broker that answers, in a folder of its own; whoever asks for it stops it."""
    subprocess.run([REPOSITORY / "tests" / "servers" / "kafka" / "fetch.sh"], check=True)
    broker = Kafka(folder)
    broker.start()
    return broker


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """The broker that all tests share; who stops it starts it again."""
    broker = running(tmp_path_factory.mktemp("kafka"))
    try:
        yield broker
    finally:
        broker.stop()
