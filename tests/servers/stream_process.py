"""`headgate stream` as processes of their own, and what a table holds read with nothing of ours."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from headgate.orchestration.project import Project
from tests.servers.kafka_broker import Kafka

DATASET = "bronze.live.messages"
#: Longer than anything takes, also where others use the machine too.
PATIENCE = 120.0


def message(number: int, **other: Any) -> bytes:
    """An event that the contract takes, unless ``other`` says what it does not."""
    told = {
        "message_id": f"m{number}", "channel_id": f"c{number % 7}", "author_id": f"u{number % 101}",
        "text": f"this is message {number}, ümläut and all",
        "sent_at": f"2026-01-05T10:{number // 60 % 60:02}:{number % 60:02}Z", "edited_at": None,
        "reply_to_message_id": None, "producer": "test", "sequence": number,
    } | other  # fmt: skip
    return json.dumps(told, ensure_ascii=False).encode()


def with_broker(project: Project, kafka: Kafka) -> Project:
    """The project, told where Kafka is."""
    path = project.settings.root / "headgate.toml"
    path.write_text(
        f'lake = "lake"\n[kafka]\n"bootstrap.servers" = "{kafka.address}"\n', encoding="utf-8"
    )
    return Project.open(project.settings.root)


class Stream:
    """One process of `headgate stream`; with ``failpoint`` it dies there."""

    def __init__(self, project: Project, topic: str, *words: str, failpoint: str = "") -> None:
        self.log = project.settings.root / f"stream-{os.urandom(4).hex()}.log"
        env = {**os.environ, "HEADGATE_ROOT": str(project.settings.root)}
        if failpoint:
            env["HEADGATE_FAILPOINT"] = failpoint
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "headgate.cli.main", "stream", f"{topic}={DATASET}",
                 "--json", *words],
                stdout=log, stderr=subprocess.STDOUT, env=env,
            )  # fmt: skip

    def ended(self, seconds: float = PATIENCE) -> int:
        """Its exit code, once it ended by itself."""
        return self.process.wait(seconds)

    def end(self) -> int:
        """Have it end well; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    @property
    def said(self) -> str:
        """All that it printed."""
        return self.log.read_text("utf-8")

    @property
    def told(self) -> dict[str, Any]:
        """What it measured last; empty before that."""
        lines = [line for line in self.said.splitlines() if line.startswith("{")]
        return json.loads(lines[-1]) if lines else {}


def taken_once(project: Project, topic: str, expected: dict[int, int]) -> Counter[str]:
    """Demand that the table and its quarantine hold each message of the topic once, and no other.

    ``expected`` is how many messages each partition has. Gives how many were set aside, by code.
    """
    from deltalake import DeltaTable

    root = Path(project.lake.root) / "bronze" / "live"
    found: Counter[tuple[str, int]] = Counter()
    table = DeltaTable(root / "messages").to_pyarrow_table(columns=["_source", "_position"])
    found.update(zip(*(table[c].to_pylist() for c in table.column_names), strict=True))
    codes: Counter[str] = Counter()
    if (root / "messages__quarantine").exists():
        aside = DeltaTable(root / "messages__quarantine").to_pyarrow_table()
        places = zip(aside["source"].to_pylist(), aside["position"].to_pylist(), strict=True)
        found.update(places)
        for those in aside["codes"].to_pylist():
            codes.update(those)
    wanted = {(f"{topic}/{p}", o) for p, count in expected.items() for o in range(count)}
    assert found.keys() == wanted, (len(found), len(wanted), list(found.keys() ^ wanted)[:5])
    assert not [place for place, count in found.items() if count > 1]
    return codes
