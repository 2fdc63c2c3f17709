"""SQL of contracts that was found good before, so that it is not parsed and bound in every process.

Whether it is follows from its text, the columns, our own checks and the engine alone; what was
refused is checked again each time, so that its reason is told.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from headgate.core import ids
from headgate.core import json as hjson
from headgate.core.cache import Cache
from headgate.lake.engines import statements

_KIND = "accepted"
_cache: Cache | None = None


def keep_in(cache: Cache | None) -> None:
    """Keep from now on in ``cache`` what is found good; nowhere, without one."""
    global _cache
    _cache = cache


def recall(what: str, *parts: object) -> str | None:
    """What was kept of ``parts`` by a check called ``what``; None if nothing was."""
    if _cache is None:
        return None
    key = _key(what, *parts)
    return _cache.get(_KIND, [key]).get(key)


def keep(what: str, *parts: object, result: str = "") -> None:
    """Keep that a check found ``parts`` good, and what it made of them."""
    if _cache is not None:
        _cache.put(_KIND, {_key(what, *parts): result})


def _key(what: str, *parts: object) -> str:
    return ids.digest(_checks(), what, hjson.dumps(parts))


@lru_cache(maxsize=1)
def _checks() -> str:
    """Of the checks, and of the engine whose answers they are."""
    import duckdb

    here = Path(__file__).parent
    files = [here / f"{name}.py" for name in ("binding", "conditions", "queries")]
    files.append(Path(statements.__file__))
    return ids.digest(duckdb.__version__, *(f.read_bytes() for f in files))
