"""What a private lake began as, read without loading anything that reads tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from headgate.core import clock
from headgate.core import json as hjson

#: Where a private lake says what it began as.
FILE = "_state/base.json"


@dataclass(frozen=True)
class Base:
    """What a private lake began as: a release of the lake at ``root``, called ``lake``."""

    lake: str
    root: str
    release: int
    since: datetime


def told(data: bytes | str) -> Base:
    """What the file says."""
    found = hjson.loads(data)
    return Base(**{**found, "since": clock.parse_iso(found["since"])})


def base_at(lake: Path) -> Base | None:
    """What the lake in that folder began as, or None if it began empty."""
    try:
        return told((lake / FILE).read_bytes())
    except FileNotFoundError:
        return None
