"""The two ways of taking a stream, and the least that reads a topic: rows a second, and memory.

`python -m tests.bench.streaming_spark [--messages N] [--rounds N] [--commit-messages N]`: a broker of its
own, a topic of the simulator's kind of event, and in turns a bare consumer that parses each value, the
light consumer, and Structured Streaming on local[2]: both as they are shipped, with table, quarantine,
ledgers and releases. `whole` is from the start of the process to its end, `warm` from the first commit
that was told to the last. Memory is what a process and all that it started hold, at its highest.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.bench.streaming import PARTITIONS, bare, fill
from tests.conftest import REPOSITORY, make_project
from tests.servers.kafka_broker import Kafka, running
from tests.servers.stream_process import Stream, with_broker

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(root: int) -> int:
    """Bytes in memory of a process and of all that descend from it."""
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            sizes[int(entry)] = int(Path(f"/proc/{entry}/statm").read_text().split()[1]) * _PAGE
        except (OSError, IndexError):
            continue
        parents[int(entry)] = int(stat[1])
    total, found = 0, {root}
    while found:
        total += sum(sizes.get(p, 0) for p in found)
        found = {p for p, parent in parents.items() if parent in found}
    return total


def taken(kafka: Kafka, topic: str, count: int, engine: str, *words: str) -> dict[str, Any]:
    """The topic taken whole by an engine, into a lake of its own."""
    with tempfile.TemporaryDirectory() as folder:
        project = with_broker(make_project(Path(folder) / "p"), kafka)
        path = project.settings.root / "headgate.toml"
        jars = REPOSITORY / ".tools" / "spark" / "jars"
        told = f'engine = "{engine}"\nspark_master = "local[2]"\nspark_jars = "{jars}"\n'
        path.write_text(told + path.read_text())
        peaks, ended = [0], threading.Event()
        began = time.perf_counter()
        stream = Stream(project, topic, "--once", *words)

        def watch() -> None:
            while not ended.wait(0.3):
                peaks.append(resident(stream.process.pid))

        watching = threading.Thread(target=watch)
        watching.start()
        code = stream.ended(1800)
        took = time.perf_counter() - began
        ended.set()
        watching.join()
        assert code == 0, stream.said
        lines = [json.loads(n) for n in stream.said.splitlines() if n.startswith("{")]
        assert lines[-1]["rows"] == count, lines[-1]
        first = next(n for n in lines if n["messages"])
        last = next(n for n in lines if n["messages"] == count)
        spent = last["seconds"] - first["seconds"]
        warm = (count - first["messages"]) / spent if spent > 1 else None
        return {"seconds": round(took, 1), "whole": round(count / took),
                "warm": warm and round(warm), "commits": lines[-1]["commits"],
                "peak_mib": max(peaks) >> 20}  # fmt: skip


def main() -> None:
    """Measure in turns, and print a line a measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--commit-messages", type=int, default=20_000)
    given = parser.parse_args()
    words = ("--commit-messages", str(given.commit_messages))
    found: dict[str, list[dict[str, Any]]] = {"bare": [], "duckdb": [], "spark": []}
    with tempfile.TemporaryDirectory() as folder:
        kafka = running(Path(folder) / "kafka")
        try:
            topic = kafka.make_topic(partitions=PARTITIONS)
            fill(kafka, topic, given.messages)
            for number in range(given.rounds):
                least = bare(kafka, topic, given.messages)
                rate = round(given.messages / least["seconds"])
                found["bare"].append({"warm": rate, "peak_mib": int(least["peak"]) >> 10})
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
                "peak_mib": max(r["peak_mib"] for r in rounds)}  # fmt: skip
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
