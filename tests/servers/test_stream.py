"""`headgate stream` takes a topic exactly once, whatever happens to it, beside runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from headgate.core.errors import LakeBusyError
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.lake.release import ReleaseStore
from headgate.orchestration.project import Project
from tests.servers.kafka_broker import Kafka
from tests.servers.stream_process import (
    DATASET,
    PATIENCE,
    Stream,
    message,
    taken_once,
    with_broker,
)

pytestmark = pytest.mark.servers


@pytest.fixture
def live(project: Project, kafka: Kafka) -> Project:
    """A project that knows the broker."""
    return with_broker(project, kafka)


def until(true: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def headgate(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    """A command beside the stream."""
    return subprocess.run(
        [sys.executable, "-m", "headgate.cli.main", *words],
        cwd=project.settings.root, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip


def test_takes_each_message_once_and_tells_what_it_set_aside(live: Project, kafka: Kafka) -> None:
    topic = kafka.make_topic(partitions=2)
    bad = [
        b"no json", b'{"message_id": "x"}', message(1, sequence=-1), None, b"\xff\xfe", b"",
        b'{"a":\n[1,2]}', message(7, reply_to_message_id="m7"),
    ]  # fmt: skip
    good = [message(n) for n in range(500)]
    broken_lines = json.dumps(json.loads(message(3)), indent=1).encode()
    kafka.produce(topic, {0: [*good[:250], *bad], 1: [*good[250:], broken_lines]})
    stream = Stream(live, topic, "--once")
    assert stream.ended() == 0, stream.said

    codes = taken_once(live, topic, {0: 258, 1: 251})
    assert codes["no_value"] == codes["invalid_utf8"] == codes["empty_line"] == 1
    assert codes["malformed_json"] == 1
    assert codes["sequence.minimum"] == codes["answers_another_message"] == 1
    told = stream.told
    assert (told["messages"], told["rows"], told["quarantined"]) == (509, 501, 8)
    assert told["lag"] == 0

    with connect(live.settings) as con:
        rows = ledger.rows(live.lake, con, ledger.BATCHES, f"dataset = '{DATASET}'", limit=1000)
    assert sum(r["read"] for r in rows) == 509
    assert sum(r["published"] for r in rows) == 501
    assert sum(r["quarantined"] for r in rows) == 8
    newest = ReleaseStore(live.lake).newest()
    assert newest is not None and newest.tables[DATASET].rows == 501
    assert newest.tables[DATASET].group == f"stream.{DATASET}"
    listed = json.loads(headgate(live, "quarantine", "list", DATASET, "--json").stdout)["rows"]
    assert {(r["source"], r["position"]) for r in listed} == {
        (f"{topic}/0", n) for n in range(250, 258)
    }
    checked = headgate(live, "fsck")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_goes_on_where_it_was_killed_wherever_that_was(live: Project, kafka: Kafka) -> None:
    topic = kafka.make_topic(partitions=2)
    expected = {0: 0, 1: 0}
    for number, failpoint in enumerate(
        ("commit.quarantine_committed", "commit.files_published", "commit.log_written",
         "release.written", "ledger.before_append")
    ):  # fmt: skip
        for partition in expected:
            kafka.produce(topic, {partition: [*(message(n) for n in range(50)), b"bad"]})
            expected[partition] += 51
        stream = Stream(live, topic, "--once", failpoint=failpoint)
        assert stream.ended() != 0, (number, failpoint, stream.said)
    stream = Stream(live, topic, "--once")
    assert stream.ended() == 0, stream.said
    codes = taken_once(live, topic, expected)
    assert codes["malformed_json"] == 10
    assert headgate(live, "run", "--select", DATASET).returncode == 0
    checked = headgate(live, "fsck")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_goes_on_beside_runs_and_maintenance(live: Project, kafka: Kafka) -> None:
    topic = kafka.make_topic()
    stream = Stream(live, topic, "--commit-seconds", "0.2", "--release-seconds", "0.5",
                    "--compact-seconds", "1")  # fmt: skip
    source = live.settings.root / "irc.jsonl"
    example = live.contracts["bronze.irc.messages"].examples_path / "valid.jsonl"
    count = 0
    for number in range(2):
        kafka.produce(topic, [message(n) for n in range(count, count + 300)])
        count += 300
        source.write_text(example.read_text().replace(".raw.txt", f"-{number}.raw.txt"))
        ran = headgate(live, "run", "--source", f"bronze.irc.messages={source}",
                       "--select", "bronze.irc.messages")  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        kept = headgate(live, "maintain")
        assert kept.returncode == 0, kept.stdout + kept.stderr
        assert stream.process.poll() is None, stream.said

    def compacted() -> bool:
        # Maintenance may have put together all that there was to put together.
        nonlocal count
        kafka.produce(topic, [message(count)])
        count += 1
        return bool(stream.told.get("compactions", 0))

    until(compacted)
    until(lambda: stream.told.get("messages") == count)
    assert headgate(live, "fsck").returncode == 0
    assert stream.end() == 0, stream.said
    taken_once(live, topic, {0: count})
    checked = headgate(live, "fsck")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    newest = ReleaseStore(live.lake).newest()
    assert newest is not None and newest.tables[DATASET].rows == count


def test_a_second_process_of_the_same_partition_is_turned_away(live: Project, kafka: Kafka) -> None:
    from headgate.lake import streams

    topic = kafka.make_topic(partitions=2)
    with streams.hold(live.lake, DATASET, [f"{topic}/0"], "somebody"):
        second = Stream(live, topic)
        assert second.ended() == 1
        assert f"another process takes {topic}/0" in second.said
        kafka.produce(topic, {1: [message(1)]})
        other = Stream(live, topic, "--partitions", "1", "--once")
        assert other.ended() == 0, other.said
    first, again = (streams.hold(live.lake, DATASET, ["t/0"], n) for n in ("one", "two"))
    with first, pytest.raises(LakeBusyError), again:
        pass


def test_waits_for_a_broker_that_is_away_and_says_so(live: Project, kafka: Kafka) -> None:
    topic = kafka.make_topic()
    kafka.produce(topic, [message(n) for n in range(10)])
    stream = Stream(live, topic)
    until(lambda: stream.told.get("messages") == 10)
    kafka.kill()
    try:
        until(lambda: stream.told.get("trouble"))
    finally:
        kafka.start()
    kafka.produce(topic, [message(n) for n in range(10)])
    until(lambda: stream.told.get("messages") == 20)
    assert not stream.told["trouble"]
    assert stream.end() == 0, stream.said
    taken_once(live, topic, {0: 20})


def test_what_is_made_of_it_is_folded_while_it_goes_on(live: Project, kafka: Kafka) -> None:
    topic = kafka.make_topic()
    stream = Stream(live, topic, "--fold", "1", "--release-seconds", "0.5")

    def folded() -> dict[str, str]:
        """What each message says now, to who reads the newest release."""
        newest = ReleaseStore(live.lake).newest()
        if newest is None or "silver.live.messages" not in newest.tables:
            return {}
        table = live.lake.snapshot(
            "silver.live.messages", newest.tables["silver.live.messages"].version
        )
        assert table is not None
        with connect(live.settings) as con:
            found = con.execute(f"SELECT message_id, content FROM {table.relation()}").fetchall()
        return dict(found)

    kafka.produce(topic, [message(n % 30, text="first") for n in range(60)])
    until(lambda: folded() == {f"live:m{n}": "first" for n in range(30)})
    edited = [message(n, text="second", edited_at="2026-01-06T00:00:00Z") for n in range(10)]
    kafka.produce(topic, edited)
    until(lambda: list(folded().values()).count("second") == 10)
    assert stream.process.poll() is None, stream.said
    assert stream.end() == 0, stream.said
    assert not stream.told["trouble"]
    assert len(folded()) == 30
    taken_once(live, topic, {0: 70})
