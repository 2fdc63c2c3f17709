"""Windows kept up to date beside a stream from a real broker, with disorder, repeats and late messages."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from tests.e2e import oracle_velocity
from tests.servers.kafka_broker import Kafka
from tests.servers.stream_process import PATIENCE, Stream, with_broker

pytestmark = pytest.mark.servers

DATASET = "gold.chat.channel_velocity"
START = dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)
Row = dict[str, Any]


class Live:
    """One process of `headgate live run`."""

    def __init__(self, project: Project) -> None:
        self.log = project.settings.root / "live.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "headgate.cli.main", "live", "run", DATASET, "--every", "1",
                 "--json"],
                stdout=log, stderr=subprocess.STDOUT, cwd=project.settings.root,
                env={**os.environ, "HEADGATE_ROOT": str(project.settings.root)},
            )  # fmt: skip

    @property
    def turns(self) -> list[Row]:
        """What it told of each turn that counted something."""
        lines = [x for x in self.log.read_text("utf-8").splitlines() if x.startswith("{")]
        return [told for told in map(json.loads, lines) if told["version"] is not None]

    def end(self) -> int:
        """Have it end well; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def headgate(project: Project, *words: str) -> Row:
    """What a command says as JSON; it must succeed."""
    found = subprocess.run(
        [sys.executable, "-m", "headgate.cli.main", *words, "--json"],
        cwd=project.settings.root, capture_output=True, text=True, timeout=PATIENCE,
        env={**os.environ, "HEADGATE_ROOT": str(project.settings.root)},
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    told: Row = json.loads(found.stdout)
    return told


def until(true: Callable[[], object], log: Callable[[], str]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, log()
        time.sleep(0.1)


def said(number: int, minutes: float, chance: random.Random, **values: Any) -> Row:
    """A message, so many minutes after the start."""
    return {
        "message_id": f"m{number}", "channel_id": f"c{chance.randint(0, 2)}",
        "author_id": f"u{chance.randint(0, 9)}", "text": "hello",
        "sent_at": (START + dt.timedelta(minutes=minutes)).isoformat(), "edited_at": None,
        "reply_to_message_id": chance.choice([None, "m0x"]),
    } | values  # fmt: skip


def windows(messages: dict[str, Row]) -> set[tuple[Any, ...]]:
    """What a run must give of the messages, in plain Python."""
    told = [
        m | {"channel_id": f"live:{m['channel_id']}", "is_annotated": True,
             "sent_at": dt.datetime.fromisoformat(m["sent_at"])}
        for m in messages.values()
    ]  # fmt: skip
    return {tuple(row.values()) for row in oracle_velocity.windows(told)}


def stored(project: Project) -> set[tuple[Any, ...]]:
    """The windows as readers see them now."""
    newest = project.releases.newest()
    assert newest is not None
    table = project.lake.snapshot(DATASET, newest.versions[DATASET])
    assert table is not None
    columns = [c.name for c in project.contracts[DATASET].columns]
    with connect(project.settings) as con:
        return set(con.execute(f"FROM {table.relation(columns)}").fetchall())


def test_the_stream_and_a_run_count_the_same_but_for_what_came_too_late(
    project: Project, kafka: Kafka
) -> None:
    project, chance = with_broker(project, kafka), random.Random(5)
    topic = kafka.make_topic(partitions=2)
    messages: dict[str, Row] = {}

    def produce(rows: list[Row]) -> None:
        """With repeats, out of order, over both partitions."""
        messages.update({r["message_id"]: r for r in rows})
        sent = [*rows, *chance.sample(rows, len(rows) // 5)]
        chance.shuffle(sent)
        values = [json.dumps(r).encode() for r in sent]
        kafka.produce(topic, {0: values[::2], 1: values[1::2]})

    taking = Stream(project, topic, "--commit-seconds", "0.2", "--release-seconds", "0.5")
    keeping = Live(project)

    def counted(count: int) -> None:
        """Wait until the turns have read all that the stream has taken."""
        until(lambda: taking.told.get("messages") == count, lambda: taking.said)
        seen = project.lake.snapshot("bronze.live.messages")
        assert seen is not None

        def all_read() -> bool:
            fold = project.lake.snapshot("silver.live.messages")
            read = keeping.turns[-1]["read"] if keeping.turns else {}
            return fold is not None and fold.rows == len(messages) and read.get(
                "silver.live.messages") == fold.content_version  # fmt: skip

        until(all_read, lambda: keeping.log.read_text("utf-8"))

    try:
        # Each part spans less than the watermark, so that nothing in it is late whatever comes first.
        produce([said(n, n / 20, chance) for n in range(190)])
        counted(228)
        produce([said(n, n / 20, chance) for n in range(190, 360)])
        counted(228 + 204)
        produce([said(999, 49, chance)])
        counted(228 + 204 + 1)
        assert stored(project) == windows(messages)

        # The newest is of 10:49: what is of 10:05 is late for its minute, and in time for its hour.
        late = [said(2000 + n, 5.5, chance, channel_id="c1", author_id="slow") for n in range(7)]
        produce(late)
        counted(228 + 204 + 1 + 8)
        told = headgate(project, "live", "check", DATASET)
        assert (told["late"], told["unexplained"]) == ({"1": 7, "5": 7, "60": 0}, 0)
        assert (told["missing"] + told["different"], told["extra"]) == (2, 0)
        assert stored(project) ^ windows(messages) == {
            w for w in stored(project) | windows(messages)
            if w[0] == "live:c1" and w[1] < 60 and w[2] == START + dt.timedelta(minutes=5)
        }  # fmt: skip
        assert sum(t["late"].get("1", 0) for t in keeping.turns) == 7

        run = headgate(project, "run")  # beside both
        assert run["problems"] == []
        assert stored(project) == windows(messages)
    finally:
        ended = taking.end(), keeping.end()
    assert ended == (0, 0), keeping.log.read_text("utf-8")
    told = headgate(project, "live", "check", DATASET)
    assert (told["equal"], told["unexplained"]) == (len(windows(messages)), 0)
    assert told["missing"] == told["extra"] == told["different"] == 0
    assert headgate(project, "fsck")
