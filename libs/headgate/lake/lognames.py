"""What the files of a Delta log are called, and the versions that their names say."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: A log entry; the group is its version.
ENTRY = re.compile(r"(\d{20})\.json")
#: A checkpoint in one file; the group is the version that it sums the log up to.
CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.parquet")


def entries(names: Iterable[str]) -> list[int]:
    """The versions of the log entries among the names of a log's folder, rising."""
    return sorted(int(m[1]) for m in map(ENTRY.fullmatch, names) if m)


def newest(names: Iterable[str]) -> str:
    """The name of the newest log entry among them; empty if there is none."""
    return max(filter(ENTRY.fullmatch, names), default="")
