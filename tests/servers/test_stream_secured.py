"""A stream from a broker that speaks TLS and asks for a password: set in headgate.toml, the password in
the environment; what is set wrong is said soon, and nothing shows the password."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.core.errors import HeadgateError
from headgate.ingest.streams.kafka import KafkaSource
from headgate.orchestration.project import Project
from tests.servers.kafka_broker import PASSWORD, USER, Kafka
from tests.servers.stream_process import Stream, message, taken_once

pytestmark = pytest.mark.servers


def secured(project: Project, kafka: Kafka, mechanism: str) -> Project:
    """The project, told how to be let in; whoever starts it sets the password."""
    (project.settings.root / "headgate.toml").write_text(
        f'lake = "lake"\n[kafka]\n"bootstrap.servers" = "{kafka.secured}"\n'
        f'"security.protocol" = "SASL_SSL"\n"sasl.mechanism" = "{mechanism}"\n'
        f'"sasl.username" = "{USER}"\n"sasl.password" = "${{KAFKA_PASSWORD}}"\n'
        f'"ssl.ca.location" = "{kafka.authority}"\n',
        encoding="utf-8",
    )
    return Project.open(project.settings.root)


def test_messages_come_over_tls_with_a_password(
    project: Project, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = kafka.make_topic(partitions=2)
    for number, mechanism in enumerate(("PLAIN", "SCRAM-SHA-256"), start=1):
        kafka.produce(topic, {p: [message(n) for n in range(50)] for p in range(2)})
        monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)
        stream = Stream(secured(project, kafka, mechanism), topic, "--once")
        assert stream.ended() == 0, stream.said
        taken_once(project, topic, {0: 50 * number, 1: 50 * number})
    monkeypatch.setenv("KAFKA_PASSWORD", "wrong-" + PASSWORD)
    stream = Stream(project, topic, "--once")
    assert stream.ended(60) == 1
    assert "SASL authentication error" in stream.said and "sasl.password" in stream.said
    written = [p for p in Path(project.settings.root).rglob("*") if p.is_file()]
    assert not [p for p in written if PASSWORD.encode() in p.read_bytes()]


@pytest.mark.parametrize(
    ("other", "said", "remedy"),
    [
        ({"sasl.password": "wrong"}, "invalid credentials", "sasl.password"),
        ({"sasl.mechanism": "SCRAM-SHA-512"}, "Unsupported SASL mechanism", "sasl.mechanism"),
        ({"ssl.ca.location": ""}, "certificate verify failed", "ssl.ca.location"),
    ],
)
def test_what_is_set_wrong_is_said_soon(
    kafka: Kafka, other: dict[str, str], said: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate.ingest.streams.kafka.PATIENCE", 600.0)  # longer than is waited
    config = {
        "bootstrap.servers": kafka.secured, "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-256", "sasl.username": USER, "sasl.password": PASSWORD,
        "ssl.ca.location": str(kafka.authority),
    } | other  # fmt: skip
    source = KafkaSource("any", {k: v for k, v in config.items() if v})
    try:
        with pytest.raises(HeadgateError, match=said) as told:
            source.partitions()
        assert remedy in told.value.remedy
    finally:
        source.close()
