"""Pulsar behind the same interface as Kafka: from where it is told to, nothing twice."""

from __future__ import annotations

import time
from typing import Any

import pytest

from headgate.core.errors import SettingError
from headgate.ingest.streams.pulsar import PulsarSource, entry_of, position
from headgate.ingest.streams.source import OLDEST, SourceError
from headgate.orchestration.project import Project
from tests.servers.pulsar_broker import Pulsar
from tests.servers.stream_process import Stream, message

PATIENCE = 60.0


def some(source: PulsarSource, number: int) -> list[tuple[int, int, Any]]:
    """So many messages: partition, position, value."""
    found: list[tuple[int, int, Any]] = []
    end = time.monotonic() + PATIENCE
    while len(found) < number:
        came = source.poll(number - len(found), 0.5)
        found += list(zip(came.partitions, came.offsets, came.values, strict=True))
        assert time.monotonic() < end, found
    assert not len(source.poll(10, 0.3)) or len(found) == number
    return found


@pytest.mark.parametrize("batch", [True, False], ids=["batches", "one_by_one"])
def test_goes_on_from_any_position(pulsar_broker: Pulsar, batch: bool) -> None:
    topic = pulsar_broker.make_topic()
    pulsar_broker.produce(topic, [b"%d" % n for n in range(60)], batch=batch)
    source = PulsarSource(topic, pulsar_broker.config)
    assert source.partitions() == (0,)
    assert source.assign({0: OLDEST}) == {0: 0}
    found = some(source, 60)
    assert [v for *_, v in found] == [b"%d" % n for n in range(60)]
    positions = [at for _, at, _ in found]
    assert positions == sorted(set(positions))
    if batch:
        assert len({entry_of(at) for at in positions}) < 60, "some share an entry"
    assert source.ends() == {0: positions[-1] + 1}
    for number in (1, 7, 30, 59):
        source.assign({0: positions[number - 1] + 1})
        assert some(source, 60 - number) == found[number:]
    source.assign({0: positions[-1] + 1})
    assert len(source.poll(10, 0.5)) == 0
    pulsar_broker.produce(topic, [b"more"], batch=batch)
    assert [v for *_, v in some(source, 1)] == [b"more"]
    source.close()
    source.close()


def test_partitions_headers_and_missing_values(pulsar_broker: Pulsar) -> None:
    topic = pulsar_broker.make_topic(partitions=3)
    for number in range(30):
        pulsar_broker.produce(
            topic, [b"%d" % number], batch=True, partition_key=f"k{number}", properties={"a": "b"}
        )
    source = PulsarSource(topic, pulsar_broker.config, headers=True)
    assert source.partitions() == (0, 1, 2)
    source.assign(dict.fromkeys(range(3), OLDEST))
    found = some(source, 30)
    assert {int(v) for *_, v in found} == set(range(30))
    assert len({p for p, *_ in found}) > 1
    source.assign({0: OLDEST, 1: OLDEST, 2: OLDEST})
    came = source.poll(1, 10.0)
    assert came.headers[0] == [("a", b"b")] and came.keys[0] is not None
    assert came.timestamps[0] > 1_600_000_000_000
    ends = source.ends()
    for partition in range(3):
        assert ends[partition] == max((at for p, at, _ in found if p == partition), default=-1) + 1
    source.close()


def test_errors_are_told(pulsar_broker: Pulsar) -> None:
    source = PulsarSource("persistent://public/default/nobody-made-this", pulsar_broker.config)
    with pytest.raises(SourceError, match="nobody-made-this"):
        source.assign({0: OLDEST})
    source.close()
    with pytest.raises(SettingError, match="where Pulsar is"):
        PulsarSource("t", {})
    with pytest.raises(SettingError, match="brokers"):
        PulsarSource("t", {"brokers": "x"})
    with pytest.raises(SourceError, match="beyond"):
        position(1 << 29, 0, 0)
    assert position(5, 7, -1) == position(5, 7, 0) < position(5, 7, 1) < position(5, 8, 0)


def test_a_stream_takes_a_topic_of_pulsar_once(project: Project, pulsar_broker: Pulsar) -> None:
    from deltalake import DeltaTable

    topic = pulsar_broker.make_topic(partitions=2)
    root = project.settings.root
    told = f'lake = "lake"\n[pulsar]\nservice_url = "{pulsar_broker.address}"\n'
    (root / "headgate.toml").write_text(told, encoding="utf-8")
    project = Project.open(root)
    for number in range(3):  # each goes on from where the one before came to
        values = [message(n) for n in range(number * 100, number * 100 + 100)]
        pulsar_broker.produce(topic, [*values, b"no json"], batch=True)
        stream = Stream(project, topic, "--once")
        assert stream.ended() == 0, stream.said
    live = project.lake.root / "bronze" / "live"
    rows = DeltaTable(live / "messages").to_pyarrow_table(columns=["_source", "sequence"])
    assert sorted(rows["sequence"].to_pylist()) == list(range(300))
    assert {s.rpartition("/")[0] for s in rows["_source"].to_pylist()} == {topic}
    aside = DeltaTable(live / "messages__quarantine").to_pyarrow_table(columns=["codes"])
    assert aside["codes"].to_pylist() == [["malformed_json"]] * 3
