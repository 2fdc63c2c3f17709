"""The environment as processes of ours are given it: what they need, and nothing that may be secret."""

from __future__ import annotations

import os
from collections.abc import Mapping

_KEPT = ("PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "HEADGATE_DEBUG")
_KEPT_BY_PREFIX = ("LC_", "LANG", "PYTHON", "COV_")


def debugging() -> bool:
    """Whether somebody looks for a fault (``HEADGATE_DEBUG``)."""
    return bool(os.environ.get("HEADGATE_DEBUG"))


def for_children(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that we start."""
    kept = {k: v for k, v in os.environ.items() if k in _KEPT or k.startswith(_KEPT_BY_PREFIX)}
    return {**kept, **extra}


def become(extra: Mapping[str, str]) -> None:
    """Give this process, which was forked off, the environment of one that we start."""
    wanted = for_children(extra)
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    os.environ.update(wanted)
