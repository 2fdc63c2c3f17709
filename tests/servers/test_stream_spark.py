"""`headgate stream` on Spark Structured Streaming: the table, the quarantine and the accounts that the
light consumer makes, exactly once, whatever happens to it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from headgate.core.errors import HeadgateError
from headgate.ingest.streams.source import LostError
from headgate.lake import offsets
from headgate.lake.engines.duckdb import connect
from headgate.lake.engines.ownership import OtherEngineError
from headgate.lake.release import ReleaseStore
from headgate.orchestration.project import Project
from headgate.orchestration.streaming import stream as work
from headgate.orchestration.streaming.plan import Plan
from tests.conftest import REPOSITORY, make_project
from tests.servers.kafka_broker import Kafka
from tests.servers.stream_process import DATASET, PATIENCE, Stream, message, taken_once

pytestmark = pytest.mark.servers

#: A driver takes a while to start where others use the machine too.
SPARKS_PATIENCE = 3 * PATIENCE
BAD = [
    b"no json", b'{"message_id": "x"}', message(1, sequence=-1), None, b"\xff\xfe", b"",
    b'{"a":\n[1,2]}', message(7, reply_to_message_id="m7"), b"[1]", message(8, sequence=1.5),
    message(9, sent_at="yesterday"), message(10, text="half \\ud800"), b'{"a":1,"a":2}',
    message(11, edited_at="2020-01-01T00:00:00Z", message_id=""),
]  # fmt: skip
ODD = [
    message(20, more={"a": [1, 2.50]}, also=None), json.dumps(json.loads(message(21)), indent=1).encode(),
    message(22, text="nul \x00, tab \t, \U0001f600"), message(23, sent_at="2026-01-05T10:00:00.123456+02:00"),
    message(24, sequence=2**62), message(25) + b" \r",
]  # fmt: skip


def project_on(folder: Path, kafka: Kafka, engine: str) -> Project:
    """A project that knows the broker, whose streams are taken by the engine."""
    made = make_project(folder)
    jars = REPOSITORY / ".tools" / "spark" / "jars"
    (made.settings.root / "headgate.toml").write_text(
        f'lake = "lake"\nengine = "{engine}"\nspark_master = "local[2]"\nspark_jars = "{jars}"\n'
        f'spark_memory = "1g"\n[kafka]\n"bootstrap.servers" = "{kafka.address}"\n',
        encoding="utf-8",
    )
    return Project.open(made.settings.root)


def take(project: Project, topic: str, **other: Any) -> Any:
    """Take what the topic has now, in this process."""
    plan = Plan(once=True, tidy_seconds=0, **other)
    source = work.source_of(project, project.contracts[DATASET], topic)
    return work.consume(project, DATASET, source, plan)


def held(project: Project) -> dict[str, Any]:
    """What the table, its quarantine and its log hold, but for times and ids of batches."""
    lake = project.lake
    table, aside = lake.snapshot(DATASET), lake.snapshot(DATASET, quarantine=True)
    assert table is not None and aside is not None
    with connect(project.settings) as con:
        rows = con.execute(
            f"SELECT * EXCLUDE (_batch_id, _ingested_at) FROM {table.relation()}"
            " ORDER BY _source, _position"
        ).fetchall()
        refused = con.execute(
            "SELECT row_id, source, content_hash, position, raw, reasons, codes, state"
            f" FROM {aside.relation()} ORDER BY source, position"
        ).fetchall()
    return {"rows": rows, "refused": refused, "columns": table.columns}


def accounts(project: Project) -> Mapping[str, Any]:
    """What the commits of the table say of themselves, added up."""
    total: dict[str, Any] = {}
    rules: dict[str, int] = {}
    version = 0
    while (found := project.lake.snapshot(DATASET, version)) is not None:
        meta = found.meta
        assert meta is not None and meta.balanced
        for name in ("read", "published", "quarantined", "deduplicated", "refused"):
            total[name] = total.get(name, 0) + getattr(meta, name)
        for verdict in meta.verdicts:
            rules[verdict["rule_id"]] = rules.get(verdict["rule_id"], 0) + verdict["breaches"]
        version += 1
        if version > project.lake.snapshot(DATASET).version:  # type: ignore[union-attr]
            break
    return total | {"rules": rules}


def in_transactions(kafka: Kafka, topic: str, partition: int) -> None:
    """Put five messages into a partition that are committed, between some that are not."""
    from confluent_kafka import Producer

    producer = Producer({**kafka.config, "transactional.id": topic})
    producer.init_transactions(PATIENCE)
    for keep in (False, True, False):
        producer.begin_transaction()
        for number in range(5):
            producer.produce(topic, message(number, text=str(keep)), partition=partition)
        producer.flush(PATIENCE)
        (producer.commit_transaction if keep else producer.abort_transaction)(PATIENCE)


@pytest.fixture
def both(tmp_path: Path, kafka: Kafka, spark: Any) -> tuple[Project, Project]:
    """A project for each engine."""
    return (
        project_on(tmp_path / "light", kafka, "duckdb"),
        project_on(tmp_path / "spark", kafka, "spark"),
    )


def test_both_ways_make_the_same_table_quarantine_and_accounts(
    both: tuple[Project, Project], kafka: Kafka
) -> None:
    topic = kafka.make_topic(partitions=4)
    good = [message(n) for n in range(600)]
    kafka.produce(topic, {0: [*good[:250], *BAD], 1: [*good[250:], *ODD], 2: BAD})
    in_transactions(kafka, topic, 3)
    light, distributed = both
    one, other = take(light, topic), take(distributed, topic, commit_messages=400)
    assert (one.messages, one.rows, one.quarantined) == (
        other.messages, other.rows, other.quarantined,
    )  # fmt: skip
    assert other.commits > 1
    assert held(light) == held(distributed)
    assert accounts(light) == accounts(distributed)
    assert other.messages == 600 + len(ODD) + 2 * len(BAD) + 5
    places = [f"{topic}/{p}" for p in range(3)]
    stand = [
        offsets.read(p.lake, DATASET, p.lake.snapshot(DATASET), places)
        for p in (light, distributed)
    ]
    assert stand[0] == stand[1] == {places[0]: 264, places[1]: 356, places[2]: 14}
    released = ReleaseStore(distributed.lake).newest()
    assert released is not None and released.tables[DATASET].rows == other.rows
    # Nothing is left to do, and nothing is done again.
    again = take(distributed, topic)
    assert (again.messages, again.commits) == (0, 0)


def test_one_engine_writes_a_table_and_the_other_is_told(
    both: tuple[Project, Project], kafka: Kafka
) -> None:
    topic = kafka.make_topic()
    kafka.produce(topic, [message(n) for n in range(10)])
    light, _ = both
    take(light, topic)
    kafka.produce(topic, [message(n) for n in range(10)])
    path = light.settings.root / "headgate.toml"
    path.write_text(path.read_text().replace('engine = "duckdb"', 'engine = "spark"'))
    with pytest.raises(OtherEngineError, match="written by the engine duckdb") as told:
        take(Project.open(light.settings.root), topic)
    # There is no file to build it anew from.
    assert "engine: duckdb" in told.value.remedy and "rebuild" not in told.value.remedy
    taken_once(light, topic, {0: 10})


def test_messages_that_are_gone_are_an_error(both: tuple[Project, Project], kafka: Kafka) -> None:
    from confluent_kafka import TopicPartition

    topic = kafka.make_topic()
    kafka.produce(topic, [message(n) for n in range(10)])
    _, distributed = both
    take(distributed, topic)
    kafka.produce(topic, [message(n) for n in range(10)])
    admin = kafka.admin()  # which has to outlive what it was asked
    for found in admin.delete_records([TopicPartition(topic, 0, 15)]).values():
        found.result(PATIENCE)
    with pytest.raises(LostError, match="does not have the messages from 10 on"):
        take(distributed, topic)
    taken_once(distributed, topic, {0: 10})


def until(stream: Stream, true: Callable[[Mapping[str, Any]], object]) -> None:
    """Wait until what the stream measures is so."""
    end = time.monotonic() + SPARKS_PATIENCE
    while not (stream.told and true(stream.told)):
        assert time.monotonic() < end and stream.process.poll() is None, stream.said
        time.sleep(0.05)


@pytest.mark.long
def test_goes_on_where_it_was_killed(tmp_path: Path, kafka: Kafka) -> None:
    project = project_on(tmp_path / "p", kafka, "spark")
    topic = kafka.make_topic(partitions=2)
    expected = {0: 0, 1: 0}
    for failpoint in ("gate.judged", "commit.log_written", "killed", "ended"):
        for partition in expected:
            kafka.produce(topic, {partition: [*(message(n) for n in range(300)), b"bad"]})
            expected[partition] += 301
        named = failpoint if "." in failpoint else ""
        stream = Stream(project, topic, "--commit-messages", "150", failpoint=named)
        try:
            if failpoint == "killed":
                until(stream, lambda told: told["commits"] > 1)
            elif failpoint == "ended":
                until(stream, lambda told: told["commits"] and told["lag"] == 0)
                assert stream.end() == 0, stream.said
            else:
                assert stream.ended(SPARKS_PATIENCE) != 0, stream.said
        finally:
            stream.kill()
    codes = taken_once(project, topic, expected)
    assert codes["malformed_json"] == 8


def test_pulsar_is_not_for_spark(both: tuple[Project, Project]) -> None:
    _, distributed = both
    with pytest.raises(HeadgateError, match=r"reads topics of Kafka"):
        work.source_of(distributed, distributed.contracts[DATASET], "persistent://public/default/a")
