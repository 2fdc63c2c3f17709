"""What a stream measures of itself: how much, how far behind, how fresh. Written a line at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from headgate.core import clock
from headgate.core import json as hjson

FOLDER = "_state/streams"
#: A file of measures that is larger is put aside, in place of the one before.
_LARGE = 8 << 20
#: Delays that are kept for percentiles.
_KEPT = 200_000


@dataclass
class Measures:
    """Counts since the stream began, and what was seen last. Times are in seconds."""

    dataset: str
    topic: str
    run_id: str
    since: float = field(default_factory=clock.monotonic)
    state: str = "starting"
    messages: int = 0
    rows: int = 0
    quarantined: int = 0
    commits: int = 0
    releases: int = 0
    compactions: int = 0
    version: int | None = None
    release: int | None = None
    lag: Mapping[int, int] = field(default_factory=dict)
    trouble: str = ""
    warning: str = ""
    _newest: int = -1
    _waiting: list[Any] = field(default_factory=list)
    _delays: deque[Any] = field(default_factory=deque)
    _kept: int = 0
    _before: tuple[float, int] = (0.0, 0)

    def committed(self, read: int, rows: int, quarantined: int, timestamps: Sequence[int]) -> None:
        """A batch is in the table; ``timestamps`` are its messages', in milliseconds."""
        self.messages += read
        self.rows += rows
        self.quarantined += quarantined
        self.commits += 1
        self._waiting.append(np.array(timestamps, dtype=np.int64))

    def released(self) -> None:
        """What was committed can be read from now on."""
        now = clock.epoch_millis()
        for found in self._waiting:
            known = found[found >= 0]
            if len(known):
                self._newest = max(self._newest, int(known.max()))
                self._delays.append((now - known) / 1000.0)
                self._kept += len(known)
        self._waiting.clear()
        while self._kept > _KEPT and len(self._delays) > 1:
            self._kept -= len(self._delays.popleft())

    def told(self) -> dict[str, Any]:
        """All of it as plain values; ``delay`` is from a message's time to when it could be read."""
        now, (then, before) = clock.monotonic(), self._before
        then = then or self.since
        rate = (self.messages - before) / max(now - then, 1e-9)
        self._before = (now, self.messages)
        delays = np.concatenate(list(self._delays)) if self._delays else np.empty(0)
        p50, p99 = (round(float(np.quantile(delays, q)), 3) if len(delays) else None
                    for q in (0.5, 0.99))  # fmt: skip
        fresh = None if self._newest < 0 else (clock.epoch_millis() - self._newest) / 1000.0
        return {
            "at": clock.iso(), "dataset": self.dataset, "topic": self.topic, "run": self.run_id,
            "state": self.state, "trouble": self.trouble, "warning": self.warning,
            "seconds": round(now - self.since, 1),
            "messages": self.messages, "rows": self.rows, "quarantined": self.quarantined,
            "commits": self.commits, "releases": self.releases, "compactions": self.compactions,
            "version": self.version, "release": self.release,
            "messages_per_second": round(rate, 1), "lag": sum(self.lag.values()),
            "lag_by_partition": {str(p): n for p, n in sorted(self.lag.items())},
            "freshness_seconds": None if fresh is None else round(fresh, 3),
            "delay_p50_seconds": p50, "delay_p99_seconds": p99,
        }  # fmt: skip


def write(root: Path, name: str, told: Mapping[str, Any]) -> None:
    """Append a line to the file of measures; nothing rests on it, so it is not synced."""
    path = root / FOLDER / f"{name}.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LARGE:
            os.replace(path, path.with_suffix(".1.jsonl"))
        with path.open("a", encoding="utf-8") as out:
            out.write(hjson.dumps(told) + "\n")
    except OSError:
        return
