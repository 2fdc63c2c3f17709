"""Kafka as a source: from where it is told to, nothing twice, nothing skipped without a word."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from headgate.core import clients
from headgate.core.errors import SettingError
from headgate.ingest.streams.kafka import KafkaSource
from headgate.ingest.streams.source import OLDEST, LostError, Messages, SourceError
from tests.servers.kafka_broker import Kafka, running

PATIENCE = 60.0


def all_of(source: KafkaSource, ends: dict[int, int]) -> list[Messages]:
    """Polls until every partition has come to its end."""
    found: list[Messages] = []
    at: dict[int, int] = {}
    end = time.monotonic() + PATIENCE
    while at != ends:
        found.append(source.poll(1000, 0.2))
        at |= found[-1].next
        assert time.monotonic() < end, (at, ends)
    return found


def values(those: list[Messages], partition: int) -> list[Any]:
    return [v for m in those for p, v in zip(m.partitions, m.values, strict=True) if p == partition]


def test_gives_each_message_with_its_place(kafka: Kafka) -> None:
    topic = kafka.make_topic(partitions=2)
    kafka.produce(topic, {0: [b"a", None, b""]}, key=b"k", timestamp=1234, headers={"h": b"v"})
    kafka.produce(topic, {1: [b"b"]})
    source = KafkaSource(topic, kafka.config, headers=True)
    assert source.partitions() == (0, 1)
    assert source.assign({0: OLDEST, 1: 0}) == {0: 0, 1: 0}
    found = all_of(source, {0: 3, 1: 1})
    assert values(found, 0) == [b"a", None, b""] and values(found, 1) == [b"b"]
    first = next(m for m in found if 0 in m.partitions)
    at = list(first.partitions).index(0)
    assert first.keys[at] == b"k" and first.timestamps[at] == 1234
    assert first.headers[at] == [("h", b"v")]
    assert source.ends() == {0: 3, 1: 1} and source.trouble == ""
    # From the middle, and what was fetched before does not come again.
    assert source.assign({0: 2}) == {0: 2}
    assert values(all_of(source, {0: 3}), 0) == [b""]
    source.close()
    source.close()


def test_what_was_taken_back_never_comes_and_the_end_is_known_all_the_same(kafka: Kafka) -> None:
    from confluent_kafka import Producer

    topic = kafka.make_topic()
    producer = Producer({**kafka.config, "transactional.id": topic})
    producer.init_transactions(60)
    for number, value in enumerate((b"kept", b"taken back", b"kept too")):
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.flush(60)  # so that the broker has it, and is told to forget it
        producer.commit_transaction() if number != 1 else producer.abort_transaction()
    source = KafkaSource(topic, kafka.config)
    source.assign({0: OLDEST})
    found = all_of(source, {0: 6})  # three messages, three records of the broker's own
    assert values(found, 0) == [b"kept", b"kept too"]
    assert [o for m in found for o in m.offsets] == [0, 4]
    assert source.ends() == {0: 6}
    source.close()


def test_messages_that_are_gone_are_told_and_not_skipped(kafka: Kafka) -> None:
    from confluent_kafka import TopicPartition

    topic = kafka.make_topic()
    kafka.produce(topic, [b"x"] * 10)
    admin = kafka.admin()
    admin.delete_records([TopicPartition(topic, 0, 6)])
    source = KafkaSource(topic, kafka.config)
    end = time.monotonic() + PATIENCE
    while source.assign({0: OLDEST}) != {0: 6}:
        assert time.monotonic() < end
    assert len(values(all_of(source, {0: 10}), 0)) == 4
    for position in (3, 99):  # one that was deleted, and one that never was
        source.assign({0: position})
        with pytest.raises(LostError, match="it has 6 to 9"):
            all_of(source, {0: 100})
    source.close()


def test_another_topic_of_the_same_name_is_another_one(kafka: Kafka) -> None:
    topic = kafka.make_topic()
    source = KafkaSource(topic, kafka.config)
    first = source.identity()
    assert first == source.identity()
    source.close()
    admin = kafka.admin()
    admin.delete_topics([topic])[topic].result()
    end = time.monotonic() + PATIENCE
    while topic in admin.list_topics(timeout=10).topics:
        assert time.monotonic() < end
        time.sleep(0.1)
    kafka.make_topic(name=topic)
    source = KafkaSource(topic, kafka.config)
    assert source.identity() != first
    source.close()


def test_a_topic_that_is_not_there_is_an_error_and_is_not_made(kafka: Kafka) -> None:
    source = KafkaSource("nobody-made-this", kafka.config)
    for ask in (source.partitions, source.identity):
        with pytest.raises(SourceError, match="nobody-made-this"):
            ask()
    source.close()
    assert "nobody-made-this" not in kafka.admin().list_topics(timeout=10).topics


def test_memory_is_bounded_when_nobody_polls(kafka: Kafka) -> None:
    topic = kafka.make_topic()
    kafka.produce(topic, [b"x" * 100_000] * 400)
    config = {**kafka.config, "queued.max.messages.kbytes": "2000"}
    source = KafkaSource(topic, config)
    source.assign({0: 0})
    first = source.poll(1, 30.0)
    time.sleep(2.0)
    taken = source.poll(400, 0.0)
    assert len(first) == 1
    assert len(taken) * 100_000 < 10_000_000, "what was fetched ahead is bounded"
    source.close()


def test_a_broker_that_is_away_is_told_and_then_goes_on(tmp_path: Path) -> None:
    broker = running(tmp_path / "kafka")
    try:
        topic = broker.make_topic()
        broker.produce(topic, [b"before"])
        source = KafkaSource(topic, broker.config)
        source.assign({0: OLDEST})
        assert values(all_of(source, {0: 1}), 0) == [b"before"]
        broker.kill()
        end = time.monotonic() + PATIENCE
        while not source.trouble:
            assert len(source.poll(10, 0.2)) == 0
            assert time.monotonic() < end
        assert broker.address in source.trouble and source.ends() == {}
        broker.start()
        broker.produce(topic, [b"after"])
        assert values(all_of(source, {0: 2}), 0) == [b"after"]
        assert source.trouble == ""
        source.close()
    finally:
        broker.stop()


def test_what_promises_rest_on_cannot_be_set(kafka: Kafka) -> None:
    for name, value in (("enable.auto.commit", "true"), ("isolation.level", "read_uncommitted")):
        with pytest.raises(SettingError, match=name):
            KafkaSource("t", {**kafka.config, name: value})
    with pytest.raises(SettingError, match="does not take"):
        KafkaSource("t", {**kafka.config, "no.such.thing": "1"})
    with pytest.raises(SettingError, match="where Kafka is"):
        KafkaSource("t", {})


def test_configuration_comes_from_the_project_and_hides_what_is_secret(tmp_path: Path) -> None:
    (tmp_path / "headgate.toml").write_text(
        '[kafka]\n"bootstrap.servers" = "a:1"\nsasl.mechanism = "PLAIN"\n'
        'sasl.password = "${KAFKA_WORD}"\ncheck.crcs = true\n[pulsar]\nservice_url = "x"\n'
    )
    found = clients.load(tmp_path, clients.KAFKA, {"KAFKA_WORD": "s3cret-enough"})
    assert found == {
        **{"bootstrap.servers": "a:1", "sasl.mechanism": "PLAIN"},
        **{"sasl.password": "s3cret-enough", "check.crcs": "true"},
    }
    assert "s3cret-enough" not in str(SourceError("it is s3cret-enough"))
    with pytest.raises(SettingError, match="KAFKA_WORD"):
        clients.load(tmp_path, clients.KAFKA, {})


def test_a_topic_that_is_deleted_is_told_and_ends_it_in_time(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate.ingest.streams.kafka._GONE_AFTER", 3.0)
    topic = kafka.make_topic()
    kafka.produce(topic, [b"x"])
    source = KafkaSource(
        topic,
        {
            **kafka.config,
            "topic.metadata.refresh.interval.ms": "500",
            "topic.metadata.propagation.max.ms": "1000",
        },
    )
    source.assign({0: OLDEST})
    all_of(source, {0: 1})
    admin = kafka.admin()
    admin.delete_topics([topic])[topic].result()
    end = time.monotonic() + PATIENCE
    told = set()
    with pytest.raises(SourceError, match=topic):  # noqa: PT012
        while time.monotonic() < end:
            source.poll(10, 0.2)
            told.add(source.trouble)
    assert any(told)
    source.close()
