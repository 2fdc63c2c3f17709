"""What a stream on Spark has to reach: registries of schemas, a broker that speaks TLS, one that goes away."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import fastavro
import pytest

from headgate.core.errors import HeadgateError
from headgate.orchestration.project import Project
from tests.servers.kafka_broker import PASSWORD, USER, Kafka
from tests.servers.schema_registry import SchemaRegistry
from tests.servers.stream_process import Stream, message, taken_once
from tests.servers.test_codecs import head, written
from tests.servers.test_stream_spark import accounts, held, project_on, take, until
from tests.servers.test_stream_spark import both as both

pytestmark = pytest.mark.servers

_TEXTS = ("message_id", "channel_id", "author_id", "text")
_AT = {"type": "long", "logicalType": "timestamp-micros"}
AVRO = {"type": "record", "name": "Said", "fields": [
    *({"name": n, "type": "string"} for n in _TEXTS), {"name": "sent_at", "type": _AT},
    {"name": "edited_at", "type": ["null", _AT]}, {"name": "sequence", "type": "long"},
    {"name": "unknown", "type": {"type": "array", "items": "double"}},
]}  # fmt: skip
PROTO = """
syntax = "proto3";
import "google/protobuf/timestamp.proto";
message Said {
  string message_id = 1; string channel_id = 2; string author_id = 3; string text = 4;
  google.protobuf.Timestamp sent_at = 5; google.protobuf.Timestamp edited_at = 6;
  int64 sequence = 7; repeated double unknown = 8;
}
"""


def row(number: int, **other: Any) -> dict[str, Any]:
    at = dt.datetime(2026, 1, 5, 10, 0, 0, number, tzinfo=dt.UTC)
    return {n: f"{n}-{number}" for n in _TEXTS} | {
        **{"sent_at": at, "edited_at": None, "sequence": number, "unknown": [number / 2]},
        **other,
    }


ROWS = [
    *(row(n) for n in range(60)), row(60, sequence=-1), row(61, message_id=""),
    row(62, edited_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
]  # fmt: skip


def in_avro(registry: SchemaRegistry) -> list[bytes | None]:
    """The rows, and what is none: cut off, of an unknown schema, of no registry."""
    number = registry.register("said-avro", "AVRO", json.dumps(AVRO))
    told: list[bytes | None] = [written(number, fastavro.parse_schema(AVRO), r) for r in ROWS]
    assert told[0] is not None
    return [*told, told[0][:-1], head(2**30) + b"x", b"{}", None]


def in_protobuf(registry: SchemaRegistry) -> list[bytes | None]:
    """The rows, and what is none."""
    from google.protobuf import descriptor_pool, message_factory, timestamp_pb2

    from headgate.ingest.streams.codecs.protofile import descriptor

    number = registry.register("said-proto", "PROTOBUF", PROTO)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(descriptor("said.proto", PROTO).SerializeToString())
    said = message_factory.GetMessageClass(pool.FindMessageTypeByName("Said"))
    told = [head(number) + b"\0" + said(**r).SerializeToString() for r in ROWS]
    return [*told, told[0] + b"\xff", head(2**30) + b"x", b"{}", None]


def coded(project: Project, codec: str, registry: SchemaRegistry) -> Project:
    """The project, whose stream's messages are coded so."""
    root = project.settings.root
    contract = root / "data_contracts" / "live" / "bronze_messages" / "contract.odcs.yaml"
    contract.write_text(contract.read_text().replace("codec: json", f"codec: {codec}"))
    with (root / "headgate.toml").open("a") as out:
        out.write(f'[schema_registry]\nurl = "{registry.url}"\n')
    return Project.open(root)


@pytest.mark.parametrize("codec", ["avro", "protobuf"])
def test_tasks_ask_the_registry_and_make_what_the_light_consumer_makes(
    both: tuple[Project, Project], kafka: Kafka, schema_registry: SchemaRegistry, codec: str
) -> None:
    topic = kafka.make_topic(partitions=2)
    values = (in_avro if codec == "avro" else in_protobuf)(schema_registry)
    kafka.produce(topic, {0: values, 1: values[::-1]})
    light, distributed = (coded(p, codec, schema_registry) for p in both)
    one, other = take(light, topic), take(distributed, topic)
    counted = (2 * len(values), 120, 2 * (len(values) - 60))
    assert (one.messages, one.rows, one.quarantined) == counted
    assert (other.messages, other.rows, other.quarantined) == counted
    assert held(light) == held(distributed)
    assert accounts(light) == accounts(distributed)


def test_spark_comes_in_over_tls_with_a_password(
    tmp_path: Path, kafka: Kafka, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = kafka.make_topic()
    kafka.produce(topic, [message(n) for n in range(100)])
    project = project_on(tmp_path / "p", kafka, "spark")
    path = project.settings.root / "headgate.toml"
    told = path.read_text().replace(kafka.address, kafka.secured)
    path.write_text(
        told + '"security.protocol" = "SASL_SSL"\n"sasl.mechanism" = "SCRAM-SHA-256"\n'
        f'"sasl.username" = "{USER}"\n"sasl.password" = "${{KAFKA_PASSWORD}}"\n'
        f'"ssl.ca.location" = "{kafka.authority}"\n'
    )
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)
    assert take(project, topic).rows == 100
    taken_once(project, topic, {0: 100})
    monkeypatch.setenv("KAFKA_PASSWORD", "wrong")
    with pytest.raises(HeadgateError, match="invalid credentials"):
        take(project, topic)


@pytest.mark.long
def test_a_broker_that_is_killed_in_the_middle_loses_and_doubles_nothing(
    tmp_path: Path, kafka: Kafka
) -> None:
    project = project_on(tmp_path / "p", kafka, "spark")
    topic = kafka.make_topic(partitions=2)
    several = {p: [*(message(n) for n in range(2_000)), b"bad"] for p in range(2)}
    kafka.produce(topic, several)
    stream = Stream(project, topic, "--commit-messages", "500")
    try:
        for times in (1, 2):
            before = (times - 1) * 4_002
            until(stream, lambda told, before=before: told["messages"] > before)
            kafka.kill()
            time.sleep(10)
            kafka.start()
            kafka.produce(topic, several)
            until(stream, lambda told, times=times: told["messages"] == (times + 1) * 4_002)
        until(stream, lambda told: not told["trouble"] and not told["lag"])
        assert stream.end() == 0, stream.said
    finally:
        stream.kill()
    assert '"trouble":"Kafka' in stream.said
    codes = taken_once(project, topic, {0: 6_003, 1: 6_003})
    assert codes["malformed_json"] == 6
