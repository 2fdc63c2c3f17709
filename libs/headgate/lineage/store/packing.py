"""How the store keeps JSON values: canonical, as UTF-8, compressed."""

from __future__ import annotations

import zlib
from typing import Any

from headgate.core import json as hjson

_FAST = 1


def packed(text: bytes) -> bytes:
    """Canonical JSON as a ``body``."""
    return zlib.compress(text, _FAST)


def unpacked(body: bytes) -> Any:
    """The JSON value that was packed into a ``body``."""
    return read_text(zlib.decompress(body))


def read_text(text: bytes) -> Any:
    """The JSON value of canonical JSON, in which halves of characters are as they were told."""
    return hjson.loads(text.decode("utf-8", "surrogatepass"))
