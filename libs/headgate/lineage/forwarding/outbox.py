"""A file of events as an outbox: its whole lines from a place on, and the place known again later."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from headgate.core import ids
from headgate.core import json as hjson

#: So many bytes before a place tell whether the file still begins with what was read of it.
_TAIL = 4096
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Place:
    """How far a file was sent: ``size`` bytes, of which ``tail`` is a digest of the last ones."""

    size: int = 0
    tail: str = ""


@dataclass(frozen=True)
class Line:
    """A whole line of a file without its end; ``start`` and ``end`` are where it lies, in bytes."""

    data: bytes
    start: int
    end: int

    @property
    def is_event(self) -> bool:
        """Whether it is a JSON object, as every event is."""
        try:
            return isinstance(hjson.loads(self.data), dict)
        except (ValueError, RecursionError):
            return False


class Reader:
    """A file from a place on, or from the beginning, if it is another one now.

    It reads the file that was there when it was opened, also where another one takes its name.
    """

    def __init__(self, path: Path, place: Place) -> None:
        """Open the file.

        Raises:
            OSError: it cannot be opened.
        """
        self._file = path.open("rb")
        #: How far it was read: behind the last whole line.
        self.at = _resumed(self._file, place)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def lines(self) -> Iterator[Line]:
        """Whole lines that are not empty. Half a line at the end waits for its rest.

        Raises:
            OSError: the file cannot be read.
        """
        self._file.seek(self.at)
        for data in self._file:
            if not data.endswith(b"\n"):
                return
            start, self.at = self.at, self.at + len(data)
            if data.strip():
                yield Line(data[:-1], start, self.at)

    def place_at(self, size: int) -> Place:
        """The place behind so many bytes; what is being read is not disturbed.

        Raises:
            OSError: the file cannot be read.
        """
        return Place(size, _tail(self._file, size))


def behind(path: Path, place: Place) -> int:
    """How many whole lines lie behind a place.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return 0
    with file:
        file.seek(_resumed(file, place))
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(_CHUNK), b""))


def has_more(path: Path, place: Place) -> bool:
    """Whether anything may lie behind a place; looks at the file's size alone.

    Raises:
        OSError: the file cannot be looked at.
    """
    try:
        return path.stat().st_size != place.size
    except FileNotFoundError:
        return False


def _resumed(file: IO[bytes], place: Place) -> int:
    """Where to go on: at the place, if the file still begins with what lies before it. A file that was
    cut, replaced or mended is read from its beginning: who is told twice knows it already."""
    return place.size if place.size and _tail(file, place.size) == place.tail else 0


def _tail(file: IO[bytes], size: int) -> str:
    start = max(0, size - _TAIL)
    data = os.pread(file.fileno(), size - start, start)
    return ids.digest(data) if len(data) == size - start else ""
