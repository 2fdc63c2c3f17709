"""What ``[kafka]`` says is said to Spark's client too, in its own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.core.errors import SettingError
from headgate.lake.engines.spark.kafka_client import options

WHERE = {"bootstrap.servers": "one:9092,two:9092"}


def test_only_committed_messages_are_read_and_nothing_can_change_that() -> None:
    told = options({**WHERE, "isolation.level": "read_uncommitted"})
    assert told["kafka.bootstrap.servers"] == "one:9092,two:9092"
    assert told["kafka.isolation.level"] == "read_committed"


def test_what_tunes_the_other_client_alone_is_left_out() -> None:
    tuned = {"queued.min.messages": "9", "group.id": "x", "enable.auto.commit": "true",
             "auto.offset.reset": "latest", "message.max.bytes": "7"}  # fmt: skip
    assert options({**WHERE, **tuned}) == options(WHERE)


def test_names_that_differ_are_translated() -> None:
    told = options(
        {**WHERE, "fetch.wait.max.ms": "7", "client.id": "me", "sasl.mechanisms": "PLAIN"}
    )
    assert told["kafka.fetch.max.wait.ms"] == "7"
    assert told["kafka.client.id"] == "me"
    assert told["kafka.sasl.mechanism"] == "PLAIN"


@pytest.mark.parametrize(
    ("mechanism", "module"),
    [("PLAIN", "plain.PlainLoginModule"), ("SCRAM-SHA-512", "scram.ScramLoginModule")],
)
def test_a_login_is_said_as_java_wants_it(mechanism: str, module: str) -> None:
    told = options(
        {**WHERE, "sasl.mechanism": mechanism, "sasl.username": 'a"b', "sasl.password": "c\\d"}
    )
    assert told["kafka.sasl.jaas.config"] == (
        f'org.apache.kafka.common.security.{module} required username="a\\"b" password="c\\\\d";'
    )
    assert "kafka.sasl.password" not in told


def test_a_login_that_cannot_be_said_is_refused() -> None:
    with pytest.raises(SettingError, match="PLAIN or SCRAM"):
        options({**WHERE, "sasl.mechanism": "OAUTHBEARER", "sasl.username": "a"})


def test_certificates_travel_as_text(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text(f"-----{name}-----")
    told = options(
        {**WHERE, "ssl.ca.location": str(tmp_path / "ca"),
         "ssl.certificate.location": str(tmp_path / "cert"),
         "ssl.key.location": str(tmp_path / "key"), "ssl.key.password": "secret"}
    )  # fmt: skip
    assert told["kafka.ssl.truststore.certificates"] == "-----ca-----"
    assert told["kafka.ssl.keystore.certificate.chain"] == "-----cert-----"
    assert told["kafka.ssl.keystore.key"] == "-----key-----"
    assert told["kafka.ssl.key.password"] == "secret"
    with pytest.raises(SettingError, match="names no file"):
        options({**WHERE, "ssl.ca.location": str(tmp_path / "gone")})


def test_somebody_must_say_where_it_is() -> None:
    with pytest.raises(SettingError, match="nothing says where Kafka is"):
        options({})
