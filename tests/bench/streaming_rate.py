"""The highest rate at which a stream keeps up: rates rise until one is too much, in one stream.

`python -m tests.bench.streaming_rate [--from N] [--factor F] [--seconds S] [--most N] [WORDS…]`: a broker,
a producer and `headgate stream` (with WORDS) in processes of their own, all on this machine. A rate is
held if, over the seconds it lasts, the producer kept to it, the lag did not grow by more than half a
second's messages, messages could be read after 2 s in the median and 5 s in the 99th of a hundred, and
small files were put together meanwhile. A rate that is not held is tried once more, after the stream
has caught up. The lines say what each process used of a processor.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headgate.orchestration.project import Project
from tests.bench import watching
from tests.bench.streaming_producer import Producing
from tests.conftest import make_project
from tests.servers.kafka_broker import Kafka, running
from tests.servers.stream_process import Stream, with_broker

PARTITIONS = 4
#: What is asked of a rate: seconds to be read in the median, and in the 99th of a hundred.
P50, P99 = 2.0, 5.0
#: The share of the rate that the producer must reach, and by how many seconds' messages lag may grow.
_PRODUCED, _GROWTH = 0.97, 0.5
#: Of how many of the last messages the stream tells delays: those of the rate before are passed over.
_TOLD_OF = 250_000


class Climb:
    """One stream, one producer, and what is seen of them while rates rise."""

    def __init__(self, stream: Stream, producing: Producing, broker: int) -> None:
        self._stream, self._producing = stream, producing
        self._pids = {"stream": stream.process.pid, "producer": producing.pid, "broker": broker}

    def held(self, rate: float, seconds: float) -> dict[str, Any]:
        """What came of a rate."""
        self._producing.at(rate)
        time.sleep(3 + _TOLD_OF / rate)
        first, sent, used = len(self._lines()), self._producing.sent, self._used()
        began = time.perf_counter()
        time.sleep(seconds)
        took = time.perf_counter() - began
        sent, after = self._producing.sent - sent, self._used()
        lines = self._lines()[first:]
        lags = [line["lag"] for line in lines]
        third = max(1, len(lags) // 3)
        growth = statistics.median(lags[-third:]) - statistics.median(lags[:third])
        found = {
            "rate": round(rate),
            "produced": round(sent / took),
            "taken": round((lines[-1]["messages"] - lines[0]["messages"])
                           / max(lines[-1]["seconds"] - lines[0]["seconds"], 0.1)),
            "lag": round(statistics.median(lags)),
            "lag_growth_seconds": round(growth / rate, 2),
            "p50": statistics.median(line["delay_p50_seconds"] for line in lines),
            "p99_worst": max(line["delay_p99_seconds"] for line in lines),
            "commits": lines[-1]["commits"] - lines[0]["commits"],
            "compactions": lines[-1]["compactions"] - lines[0]["compactions"],
            "processors": {n: round((after[n] - used[n]) / took, 2) for n in used},
        }  # fmt: skip
        return found | {"why_not": _why_not(found)}

    def catch_up(self) -> None:
        """Until nothing is left to take."""
        self._producing.at(0)
        end = time.monotonic() + 120
        time.sleep(3)
        while self._lines()[-1]["lag"]:
            assert time.monotonic() < end, "the stream does not catch up"
            time.sleep(0.5)

    def _lines(self) -> list[dict[str, Any]]:
        whole = self._stream.said.rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in whole if line.startswith("{")]

    def _used(self) -> dict[str, float]:
        """Processor seconds of each process until now."""
        return {name: watching.used(watching.stat(pid)) for name, pid in self._pids.items()}


def _why_not(found: dict[str, Any]) -> list[str]:
    """What keeps a rate from being held; nothing if it is."""
    wrong = {
        "producer": found["produced"] < _PRODUCED * found["rate"],
        "lag": found["lag_growth_seconds"] > _GROWTH,
        "p50": found["p50"] > P50,
        "p99": found["p99_worst"] > P99,
        "compaction": not found["compactions"],
    }
    return [name for name, is_so in wrong.items() if is_so]


def rates(first: float, factor: float, most: float) -> Iterator[float]:
    """Rates that rise."""
    while first <= most:
        yield first
        first *= factor


def climb(
    kafka: Kafka, project: Project, those: Iterator[float], seconds: float, *words: str
) -> dict[str, Any]:
    """The highest rate that was held, each being told as it is seen."""
    topic = kafka.make_topic(partitions=PARTITIONS)
    stream, best = Stream(project, topic, *words), dict[str, Any]()
    try:
        with Producing(kafka, topic, PARTITIONS) as producing:
            seen = Climb(stream, producing, kafka.pid)
            while not stream.told:
                time.sleep(0.1)
            for rate in those:
                found = seen.held(rate, seconds)
                print(json.dumps(found), flush=True)
                if found["why_not"]:
                    seen.catch_up()
                    found = seen.held(rate, seconds)
                    print(json.dumps({"again": True, **found}), flush=True)
                if found["why_not"]:
                    break
                best = found
            producing.at(0)
        assert stream.end() == 0, stream.said
    finally:
        stream.kill()
    return best


def main() -> None:
    """Measure, and print a line a rate and the highest that was held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--from", dest="first", type=float, default=20_000)
    parser.add_argument("--factor", type=float, default=1.25)
    parser.add_argument("--most", type=float, default=200_000)
    parser.add_argument("--seconds", type=float, default=32.0)
    given, words = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        kafka = running(Path(folder) / "kafka")
        try:
            project = with_broker(make_project(Path(folder) / "p"), kafka)
            those = rates(given.first, given.factor, given.most)
            best = climb(kafka, project, those, given.seconds, *words)
        finally:
            kafka.stop()
    print(json.dumps({"highest_sustained": best.get("rate"), "words": words, **best}), flush=True)


if __name__ == "__main__":
    main()
