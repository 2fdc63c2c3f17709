"""The file that the index is kept in: lines of JSON that can be found one by one, each with a sum.

Nothing depends on it. It is written beside and renamed, and never synced: a line that is not as it was
written counts as absent, a file without its last line as none, and where it cannot be written the index
is made anew each time.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from headgate.core import ids
from headgate.core import json as hjson

FILE_NAME = "_cache/dag_index.jsonl"
_END = ("end", "")
#: Nanoseconds after which nobody is at a draft any more.
_ABANDONED = 3600 * 1_000_000_000


class Kept:
    """What was kept, as it was read: lines by kind and name."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def get(self, kind: str, name: str) -> Any:
        """What was kept under a name; None if there is nothing, or it is damaged."""
        start = self._data.find(_bytes(f"\n{kind}\t{name}\t"))
        if start < 0:
            return None
        end = self._data.find(b"\n", start + 1)
        return _value(self._data[start + 1 : end]) if end > 0 else None

    def every(self, kind: str) -> Iterator[tuple[str, Any]]:
        """All that was kept of a kind, by name; what is damaged is left out."""
        mark, start = f"\n{kind}\t".encode(), 0
        while (start := self._data.find(mark, start)) >= 0:
            end = self._data.find(b"\n", start + 1)
            if end < 0:
                return
            line = self._data[start + 1 : end]
            value = _value(line)
            if value is not None:
                yield line.split(b"\t", 2)[1].decode("utf-8", "surrogatepass"), value
            start = end

    @property
    def whole(self) -> bool:
        """Whether the file has its last line."""
        return self.get(*_END) is not None


def read(path: Path) -> Kept | None:
    """What is kept there, if anything is."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return Kept(b"\n" + data)


class Draft:
    """What is to be kept, begun beside ``path``; ``disk_time`` is when that was, in nanoseconds by the
    disk's clock, or None where nothing can be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.{ids.new_id()}")
        self.disk_time: int | None = None
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._draft.touch()
            self.disk_time = self._draft.stat().st_mtime_ns

    def keep(self, lines: Iterable[tuple[str, str, Any]]) -> None:
        """Keep values by kind and name in place of what was kept, where that can be done."""
        if self.disk_time is None:
            return
        parts = [_line(kind, name, value) for kind, name, value in lines]
        parts.append(_line(*_END, len(parts)))
        try:
            self._draft.write_bytes(b"".join(parts))
            os.replace(self._draft, self._path)
        except OSError:
            with contextlib.suppress(OSError):
                self._draft.unlink(missing_ok=True)
        self._sweep(self.disk_time - _ABANDONED)

    def _sweep(self, before: int) -> None:
        """Remove the drafts that somebody died over."""
        for left in self._path.parent.glob(f".{self._path.name}.*"):
            with contextlib.suppress(OSError):
                if left.stat().st_mtime_ns < before:
                    left.unlink()


def _line(kind: str, name: str, value: Any) -> bytes:
    head, text = _bytes(f"{kind}\t{name}\t"), _bytes(hjson.dumps(value))
    return head + f"{zlib.crc32(text, zlib.crc32(head)):08x}\t".encode() + text + b"\n"


def _value(line: bytes) -> Any:
    kind, name, rest = line.split(b"\t", 2) if line.count(b"\t") > 2 else (b"", b"", b"\t")
    told, _, text = rest.partition(b"\t")
    try:
        if int(told, 16) != zlib.crc32(text, zlib.crc32(kind + b"\t" + name + b"\t")):
            return None
        return hjson.loads(text.decode("utf-8", "surrogatepass"))
    except ValueError:
        return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
