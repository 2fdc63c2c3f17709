"""Where a destination stands: how far each file was sent, and when it is tried again if it is down."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.lineage.forwarding.outbox import Place

FOLDER = "_state"


@dataclass
class Standing:
    """One destination's standing on a lake.

    ``places`` are by the file's name; ``sent`` and ``set_aside`` count events since the standing was
    begun. While the destination takes nothing, ``failures`` counts attempts, ``down_since`` says since
    when, ``try_after`` when the next is due, and ``why`` what it answered.
    """

    places: dict[str, Place] = field(default_factory=dict)
    sent: int = 0
    set_aside: int = 0
    sent_at: datetime | None = None
    failures: int = 0
    down_since: datetime | None = None
    try_after: datetime | None = None
    why: str = ""

    @property
    def resting(self) -> bool:
        """Whether it is known to be down, and not yet to be tried again."""
        return self.try_after is not None and clock.now() < self.try_after

    def came_back(self) -> None:
        """It took something: nothing is wrong with it."""
        self.failures, self.down_since, self.try_after, self.why = 0, None, None, ""


def path_of(lake: Path, name: str) -> Path:
    """The file of a destination's standing."""
    return lake / FOLDER / f"forward_{name}.json"


def load(lake: Path, name: str) -> Standing:
    """A destination's standing; that of one who was sent nothing, if there is none that can be read.

    It is never an error: who begins anew sends what was sent before, which its receivers know.
    """
    try:
        return _from_plain(hjson.loads(path_of(lake, name).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Standing()


def damaged(lake: Path, name: str) -> bool:
    """Whether a standing is there and cannot be read."""
    try:
        _from_plain(hjson.loads(path_of(lake, name).read_bytes()))
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return True
    return False


def save(lake: Path, name: str, standing: Standing) -> None:
    """Keep a standing durably, in one step.

    Raises:
        OSError: it cannot be written; the one before is still there.
    """
    write(path_of(lake, name), hjson.dumps(_plain(standing)).encode())


def write(path: Path, data: bytes) -> None:
    """Have a file hold this, durably and in one step.

    Raises:
        OSError: it cannot be written; what was there is still there.
    """
    _make(path.parent)
    draft = path.with_name(f".{path.name}.{ids.new_id()}")
    try:
        with open(draft, "xb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    _sync(path.parent)


@contextmanager
def alone(lake: Path, name: str) -> Iterator[bool]:
    """Whether nobody else sends to the destination within the block; the system lets go of it when a
    process dies.

    Raises:
        OSError: the lock cannot be made.
    """
    path = path_of(lake, name).with_suffix(".lock")
    _make(path.parent)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(fd)


def _make(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _plain(standing: Standing) -> dict[str, Any]:
    def at(moment: datetime | None) -> str | None:
        return clock.iso(moment) if moment else None

    return {
        "places": {name: [p.size, p.tail] for name, p in sorted(standing.places.items())},
        "sent": standing.sent, "set_aside": standing.set_aside, "sent_at": at(standing.sent_at),
        "failures": standing.failures, "down_since": at(standing.down_since),
        "try_after": at(standing.try_after), "why": standing.why,
    }  # fmt: skip


def _from_plain(found: dict[str, Any]) -> Standing:
    def at(text: str | None) -> datetime | None:
        return clock.parse_iso(text) if text else None

    return Standing(
        places={str(n): Place(int(size), str(tail)) for n, (size, tail) in found["places"].items()},
        sent=int(found["sent"]), set_aside=int(found["set_aside"]), sent_at=at(found["sent_at"]),
        failures=int(found["failures"]), down_since=at(found["down_since"]),
        try_after=at(found["try_after"]), why=str(found["why"]),
    )  # fmt: skip
