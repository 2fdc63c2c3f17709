"""The one door to identifiers and hashes: run and batch ids sort by time, content is named by SHA-256."""

from __future__ import annotations

import hashlib
import os
import uuid
from typing import Protocol

from headgate.core import clock


class Hasher(Protocol):
    """What :func:`content_hasher` gives: feed it bytes, read the hex digest."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def new_id() -> str:
    """A UUID of version 7 (RFC 9562): its text sorts by the millisecond it was made in."""
    millis = clock.epoch_millis() & ((1 << 48) - 1)
    rand = int.from_bytes(os.urandom(10), "big")
    value = (millis << 80) | (0x7 << 76) | ((rand >> 62 & 0xFFF) << 64)
    value |= (0b10 << 62) | (rand & ((1 << 62) - 1))
    return str(uuid.UUID(int=value))


def demand_uuid(text: str) -> None:
    """Let only a UUID through.

    Raises:
        ValueError: it is none.
    """
    uuid.UUID(text)


def content_hasher() -> Hasher:
    """A fresh SHA-256, the hash by which a file is known to have been taken."""
    return hashlib.sha256()


def digest(*parts: str | bytes) -> str:
    """SHA-256 (hex) of the parts, each framed by its length so that no two lists collide."""
    hasher = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        hasher.update(len(data).to_bytes(8, "big"))
        hasher.update(data)
    return hasher.hexdigest()


def name_based(*parts: str) -> str:
    """The UUID (version 5) that always belongs to these parts."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "headgate:" + "\x1f".join(parts)))
