"""Which start of the machine this is: what was written before it and not synced may be gone, or torn."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PLACE = Path("/proc/sys/kernel/random/boot_id")


@cache
def boot_id() -> str:
    """A name for the time since the machine started; empty where the system has none."""
    try:
        return _PLACE.read_text().strip()
    except OSError:
        return ""
