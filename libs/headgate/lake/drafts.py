"""Drafts: files written beside what they were to replace, by a process that died before it could."""

from __future__ import annotations

import os
import re
from pathlib import Path

from headgate.lake.lake import LOCKS, STAGING, Lake

#: ``.<name>.<id>`` is how every draft of ours is called; DuckDB adds an ending for its own log.
_DRAFT = re.compile(
    r"\..+\.[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(\.wal)?"
)
#: Where nothing is replaced; staging is swept by itself.
_ELSEWHERE = (STAGING, LOCKS, "_cache", "_set_aside")


def sweep(lake: Lake) -> int:
    """Remove drafts that no living process will rename; how many those were.

    Only the holder of the run lock may, and only where the run before it died: who commits without
    that lock would be told that its draft is gone, and nothing would be lost by it. Data files are
    no drafts: only maintenance removes those.
    """
    gone = 0
    for folder, folders, names in os.walk(lake.root):
        if Path(folder) == lake.root:
            folders[:] = [f for f in folders if f not in _ELSEWHERE]
        for name in names:
            if _DRAFT.fullmatch(name):
                Path(folder, name).unlink(missing_ok=True)
                gone += 1
    return gone
