"""Brokers killed, consumers killed, partitions dealt anew, producers that repeat themselves: every
message is in the table once, by an account that knows nothing of Headgate."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.orchestration.project import Project
from tests.reliability.harness.sequences import Account, account
from tests.servers.kafka_broker import Kafka, running
from tests.servers.stream_process import PATIENCE, Stream, with_broker

pytestmark = pytest.mark.servers

PARTITIONS = 4
#: How partitions are dealt to processes, one way after another.
DEALS = (("0-1", "2-3"), ("0", "1-3"), ("0-2", "3"), ("0-3",), ("1,3", "0,2"))
BAD = [b"no json", b'{"message_id": 7}', b"\xff\xfe", None, b"{}"]
QUICK = ("--commit-seconds", "0.5", "--release-seconds", "1")


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Kafka]:
    """A broker that nobody else uses: it is killed."""
    broker = running(tmp_path / "kafka")
    try:
        yield broker
    finally:
        broker.stop()


def producing(kafka: Kafka, topic: str, events: int, seed: int, name: str) -> subprocess.Popen[str]:
    """A producer that repeats one event in a hundred, in a process of its own."""
    words = ["simulate", "--kafka", kafka.address, "--topic", topic, "--messages", str(events)]
    words += ["--seed", str(seed), "--duplicates", "0.01", "--disorder", "5", "--producer", name]
    return subprocess.Popen(
        [sys.executable, "-m", "headgate.cli.main", *words, "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


class Consumers:
    """The processes that take the topic, dealt its partitions anew whenever one is killed."""

    def __init__(self, project: Project, topic: str, seed: int) -> None:
        self._project, self._topic = project, topic
        self._random = random.Random(seed)
        self._deal = 0
        self.kills = 0
        #: Kills that hit a process that had committed messages.
        self.struck = 0
        self._start()

    def _start(self) -> None:
        deal = DEALS[self._deal % len(DEALS)]
        self.streams = [Stream(self._project, self._topic, "--partitions", p, *QUICK) for p in deal]

    def wait(self) -> None:
        """Until all of them have begun: whoever is killed before that was never there."""
        end = time.monotonic() + PATIENCE
        for stream in self.streams:
            while not stream.told:
                assert stream.process.poll() is None, stream.said
                assert time.monotonic() < end, "a consumer does not begin"
                time.sleep(0.1)

    def kill(self) -> None:
        """End one at once and the others well (or at once too), and deal anew."""
        self._random.shuffle(self.streams)
        first, *others = self.streams
        self._strike(first)
        for other in others:
            if self._random.random() < 0.5:
                assert other.end() == 0, other.said
            else:
                self._strike(other)
        self._deal += 1
        self._start()

    def _strike(self, stream: Stream) -> None:
        stream.kill()
        self.kills += 1
        self.struck += stream.told["commits"] > 0

    def end(self) -> None:
        for stream in self.streams:
            assert stream.end() == 0, stream.said


def survive(
    project: Project, kafka: Kafka, events: int, *, kills: int, struck: int, broker_kills: int,
    seconds: float,
) -> Account:  # fmt: skip
    """Take so many events while so much happens; what became of them. Of the kills at least
    ``struck`` must hit a process that had committed messages."""
    topic = kafka.make_topic(partitions=PARTITIONS)
    project = with_broker(project, kafka)
    # Two of one name say the same with the same numbers; the third is another one.
    producers = [
        producing(kafka, topic, events * 2 // 5, 1, "twin"),
        producing(kafka, topic, events * 2 // 5, 1, "twin"),
        producing(kafka, topic, events - 2 * (events * 2 // 5), 2, "single"),
    ]
    consumers = Consumers(project, topic, seed=7)
    broken = threading.Thread(target=break_broker, args=(kafka, broker_kills, seconds))
    broken.start()
    chance = random.Random(3)
    try:
        end = time.monotonic() + max(seconds * 20, 600)
        while consumers.kills < kills:
            consumers.wait()
            time.sleep(chance.uniform(0.5, 1.5) * seconds / kills)
            consumers.kill()
            assert time.monotonic() < end
        consumers.wait()
        broken.join()
        said = [p.communicate(timeout=max(seconds * 20, 600))[0] for p in producers]
        assert [p.returncode for p in producers] == [0, 0, 0], said
        kafka.produce(topic, dict.fromkeys(range(PARTITIONS), BAD))
        consumers.end()
        print(f"{consumers.kills} kills, {consumers.struck} of processes that had committed")
        assert consumers.struck >= struck
    finally:
        broken.join()
        for process in [*producers, *(s.process for s in consumers.streams)]:
            process.kill()
    rest = Stream(project, topic, "--once")
    assert rest.ended(max(seconds * 20, 600)) == 0, rest.said
    root = Path(project.lake.root) / "bronze" / "live"
    return account(kafka.address, topic, root / "messages", root / "messages__quarantine")


def break_broker(kafka: Kafka, times: int, seconds: float) -> None:
    """Kill the broker, or stop it, and start it again."""
    for number in range(times):
        time.sleep(seconds / (times + 1))
        kafka.kill() if number % 2 == 0 else kafka.stop()
        time.sleep(1.0)
        kafka.start()


def demand_whole(found: Account, events: int) -> None:
    assert found.whole, found
    assert found.messages == events + PARTITIONS * len(BAD), found
    assert found.set_aside == PARTITIONS * len(BAD), found
    assert found.reasons["malformed_json"] and found.reasons["no_value"]
    assert found.repeats > events // 4, "twins say the same"


def test_200_000_messages_come_once_through_kills(project: Project, own_kafka: Kafka) -> None:
    events = int(os.environ.get("HEADGATE_CHAOS_EVENTS", 200_000))
    found = survive(project, own_kafka, events, kills=6, struck=1, broker_kills=1, seconds=15)
    demand_whole(found, events)


@pytest.mark.long
def test_10_million_messages_come_once_through_50_kills(project: Project, own_kafka: Kafka) -> None:
    # Kills come while messages do: three producers are done with them in about seven minutes.
    found = survive(
        project, own_kafka, 10_000_000, kills=50, struck=25, broker_kills=5, seconds=300
    )
    demand_whole(found, 10_000_000)


def test_the_account_sees_what_is_wrong(kafka: Kafka, tmp_path: Path) -> None:
    """A checker that finds nothing anywhere proves nothing."""
    import pyarrow as pa
    from deltalake import write_deltalake

    topic = kafka.make_topic(partitions=2)
    said = [b'{"producer":"p","sequence":%d}' % n for n in range(10)]
    kafka.produce(topic, {0: said[:5], 1: said[5:]})
    taken = [(0, n, n) for n in range(5)] + [(1, n, n + 5) for n in range(4)]
    assert account(kafka.address, topic, tmp_path / "none", tmp_path / "no").lost == 10

    def of(name: str, rows: list[tuple[int, int, int]]) -> Account:
        table = pa.table(
            {
                "_source": [f"{topic}/{p}" for p, _, _ in rows],
                "_position": pa.array([o for _, o, _ in rows], pa.int64()),
                "sequence": pa.array([n for _, _, n in rows], pa.int64()),
            }
        )
        aside = pa.table({"source": [f"{topic}/1"], "position": [4], "codes": [["bad"]]})
        write_deltalake(tmp_path / name, table)
        write_deltalake(tmp_path / f"{name}__quarantine", aside)
        return account(kafka.address, topic, tmp_path / name, tmp_path / f"{name}__quarantine")

    whole = of("whole", taken)
    assert whole.whole and (whole.messages, whole.rows, whole.set_aside) == (10, 9, 1)
    assert whole.reasons == {"bad": 1}
    assert of("lost", taken[1:]).lost == 1
    assert of("doubled", [*taken, taken[0]]).doubled == 1
    assert of("both", [*taken, (1, 4, 9)]).doubled == 1
    assert of("foreign", [*taken, (0, 99, 1)]).foreign == 1
    assert of("changed", [(0, 0, 4), *taken[1:]]).changed == 1
