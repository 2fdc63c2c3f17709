"""The light consumer against the least that reads a topic: consume and decode, with nothing kept.

`python -m tests.bench.streaming [--messages N] [--rounds N] [--rate N] [--seconds N] [--highest N]`: starts
a broker of its own, fills a topic with the simulator's kind of event, and takes it in turns by a bare
consumer that parses each value (json.loads), and by `headgate stream --once` as it is shipped, table,
quarantine, ledgers and releases included. Then it produces at a fixed rate and tells how old messages
were when they could be read, small files being put together meanwhile; and at rising rates, up to
`--highest` (0: not at all), to find the highest that the stream keeps up with (see streaming_rate.py).
With what is so by default it takes about five minutes.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.streaming_producer import Producing
from tests.bench.streaming_rate import PARTITIONS, climb, rates
from tests.conftest import make_project
from tests.servers.kafka_broker import Kafka, running
from tests.servers.stream_process import Stream, message, with_broker

_BARE = """
import json, resource, sys, time
from confluent_kafka import Consumer, TopicPartition, OFFSET_BEGINNING
address, topic, partitions, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
began = time.perf_counter()
consumer = Consumer({"bootstrap.servers": address, "group.id": "bare", "enable.auto.commit": False,
                     "queued.max.messages.kbytes": 32768, "fetch.wait.max.ms": 100})
consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
seen = 0
while seen < count:
    for one in consumer.consume(10_000, 0.5):
        json.loads(one.value())
        seen += 1
took = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": took, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss}))
"""


def fill(kafka: Kafka, topic: str, count: int) -> None:
    """Put so many events into a topic."""
    from confluent_kafka import Producer

    producer = Producer({**kafka.config, "linger.ms": 50, "compression.type": "lz4",
                         "queue.buffering.max.messages": 1_000_000})  # fmt: skip
    for number in range(count):
        producer.produce(topic, message(number), partition=number % PARTITIONS)
        if number % 10_000 == 0:
            producer.poll(0)
    assert producer.flush(300) == 0


def bare(kafka: Kafka, topic: str, count: int) -> dict[str, float]:
    """Consume and decode, and nothing else."""
    words = [sys.executable, "-c", _BARE, kafka.address, topic, str(PARTITIONS), str(count)]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(told)
    return found


def ours(kafka: Kafka, topic: str, count: int, *words: str) -> dict[str, float]:
    """The light consumer, into a lake of its own. ``taking`` is without the start of the process."""
    with tempfile.TemporaryDirectory() as folder:
        project = with_broker(make_project(Path(folder) / "p"), kafka)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        stream = Stream(project, topic, "--once", *words)
        assert stream.ended(1200) == 0, stream.said
        took = time.perf_counter() - began
        assert stream.told["rows"] == count, stream.told
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"seconds": took, "taking": stream.told["seconds"], "cpu": cpu,
                "peak": max(after.ru_maxrss, before.ru_maxrss),
                "commits": stream.told["commits"]}  # fmt: skip


def freshness(kafka: Kafka, rate: int, seconds: float, *words: str) -> dict[str, Any]:
    """Produce at a rate while the stream goes on, and see what it measured."""
    topic = kafka.make_topic(partitions=PARTITIONS)
    with tempfile.TemporaryDirectory() as folder:
        project = with_broker(make_project(Path(folder) / "p"), kafka)
        stream = Stream(project, topic, *words)
        with Producing(kafka, topic, PARTITIONS) as producing:
            while not stream.told:
                time.sleep(0.1)
            producing.at(rate)
            time.sleep(seconds)
            found, made = stream.told, producing.sent
        assert stream.end() == 0, stream.said
        keys = ("messages", "commits", "releases", "compactions", "lag", "delay_p50_seconds",
                "delay_p99_seconds")  # fmt: skip
        return {"rate": rate, "produced_per_second": round(made / seconds)} | {
            k: found[k] for k in keys
        }


def main() -> None:
    """Measure, and print a line a measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=32.0)
    parser.add_argument("--highest", type=int, default=200_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kafka, light = running(Path(folder) / "kafka"), 40_000.0
        try:
            if given.messages:
                light = throughput(kafka, given.messages, given.rounds)
            if given.rate:
                for words in ((), ("--release-seconds", "1")):
                    told = freshness(kafka, given.rate, given.seconds, *words)
                    print(json.dumps({"words": words, **told}), flush=True)
            if given.highest:
                project = with_broker(make_project(Path(folder) / "highest"), kafka)
                rising = rates(round(light / 2, -3), 1.25, given.highest)
                best = climb(kafka, project, rising, given.seconds)
                print(json.dumps({"highest_sustained": best.get("rate"), **best}), flush=True)
        finally:
            kafka.stop()


def throughput(kafka: Kafka, count: int, rounds: int) -> float:
    """Both in turns, and their medians; the light consumer's rate."""
    topic = kafka.make_topic(partitions=PARTITIONS)
    fill(kafka, topic, count)
    rates: dict[str, list[float]] = {"bare": [], "light": []}
    for number in range(rounds):
        one, other = bare(kafka, topic, count), ours(kafka, topic, count)
        rates["bare"].append(count / one["seconds"])
        rates["light"].append(count / other["taking"])
        print(json.dumps({"round": number, "bare": one, "light": other}), flush=True)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    share = medians["light"] / medians["bare"]
    print(json.dumps({"messages_per_second": medians, "light_of_bare": round(share, 3)}))
    return medians["light"]


if __name__ == "__main__":
    main()
