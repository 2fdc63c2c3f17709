"""The two ways of taking a stream, and the least that reads a topic: rows a second, and memory.

`python -m tests.bench.streaming_spark [--messages N] [--rounds N] [--commit-messages N]`: a broker of its
own, a topic of the simulator's kind of event, and in turns a bare consumer that parses each value, the
light consumer, and Structured Streaming on local[2]: both as they are shipped, with table, quarantine,
ledgers and releases. `whole` is from the start of the process to its end, `warm` from the first commit
that was told to the last. Memory is what a process and all that it started hold, at its highest;
processor time is theirs too, the start of Python and Java included.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.streaming import PARTITIONS, bare, fill
from tests.bench.watching import Watched
from tests.conftest import REPOSITORY, make_project
from tests.servers.kafka_broker import Kafka, running
from tests.servers.stream_process import Stream, with_broker


def taken(kafka: Kafka, topic: str, count: int, engine: str, *words: str) -> dict[str, Any]:
    """The topic taken whole by an engine, into a lake of its own."""
    with tempfile.TemporaryDirectory() as folder:
        project = with_broker(make_project(Path(folder) / "p"), kafka)
        path = project.settings.root / "headgate.toml"
        jars = REPOSITORY / ".tools" / "spark" / "jars"
        told = f'engine = "{engine}"\nspark_master = "local[2]"\nspark_jars = "{jars}"\n'
        path.write_text(told + path.read_text())
        began = time.perf_counter()
        stream = Stream(project, topic, "--once", *words)
        watched = Watched(stream.process.pid)
        code = stream.ended(1800)
        took = time.perf_counter() - began
        watched.end()
        assert code == 0, stream.said
        lines = [json.loads(n) for n in stream.said.splitlines() if n.startswith("{")]
        assert lines[-1]["rows"] == count, lines[-1]
        first = next(n for n in lines if n["messages"])
        last = next(n for n in lines if n["messages"] == count)
        spent = last["seconds"] - first["seconds"]
        warm = (count - first["messages"]) / spent if spent > 1 else None
        return {"seconds": round(took, 1), "whole": round(count / took),
                "warm": warm and round(warm), "commits": lines[-1]["commits"],
                "processor_seconds": round(watched.processor, 1),
                "peak_mib": watched.peak >> 20}  # fmt: skip


def main() -> None:
    """Measure in turns, and print a line a measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--commit-messages", type=int, default=50_000)
    given = parser.parse_args()
    words = ("--commit-messages", str(given.commit_messages))
    found: dict[str, list[dict[str, Any]]] = {"bare": [], "duckdb": [], "spark": []}
    with tempfile.TemporaryDirectory() as folder:
        kafka = running(Path(folder) / "kafka")
        try:
            topic = kafka.make_topic(partitions=PARTITIONS)
            fill(kafka, topic, given.messages)
            for number in range(given.rounds):
                before = os.times()
                least = bare(kafka, topic, given.messages)
                now = os.times()
                used = now.children_user - before.children_user
                used += now.children_system - before.children_system
                rate = round(given.messages / least["seconds"])
                found["bare"].append({"warm": rate, "processor_seconds": round(used, 1),
                                      "peak_mib": int(least["peak"]) >> 10})  # fmt: skip
                for engine in ("duckdb", "spark"):
                    found[engine].append(taken(kafka, topic, given.messages, engine, *words))
                print(
                    json.dumps({"round": number, **{k: v[-1] for k, v in found.items()}}),
                    flush=True,
                )
        finally:
            kafka.stop()
    for name, rounds in found.items():
        rates = [r["warm"] for r in rounds if r["warm"]]
        told = {"way": name, "warm_median": statistics.median(rates) if rates else None,
                "processor_seconds": statistics.median(r["processor_seconds"] for r in rounds),
                "peak_mib": max(r["peak_mib"] for r in rounds)}  # fmt: skip
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
