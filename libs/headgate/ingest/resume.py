"""Where the reading of a JSON array goes on behind a damaged element.

Whatever is said here is a guess, and is asked for only where the text is no JSON. In pretty-printed
text an element begins on a line of its own, no deeper than its neighbours; in text without
lines, it is an object like those before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from headgate.core import json as hjson

#: Places that are tried as the beginning of the next element in text without lines.
_TRIES = 1000
#: Longest object that is recognized there, and bytes that are looked at for it.
_WINDOW = 1 << 18
#: Longest rest of a document that is tried.
_REST = 1 << 20
_FOLLOWS = re.compile(r"[ \t\r\n]*[,\]]")


class Found(NamedTuple):
    """The damaged unit's end, where reading goes on, and whether the array ends there."""

    end: int
    after: int
    closed: bool


class Resume:
    """Looks for what follows damage, between elements that are ``gap`` apart (a comma and white
    space) and begin with the byte ``opening``."""

    def __init__(self, gap: bytes, opening: bytes) -> None:
        self._by_line = b"\n" in gap
        if self._by_line:
            line = gap[gap.rindex(b"\n") :]
            depth = max(len(line) - 2, 0)
            self._pattern = re.compile(
                re.escape(line) + re.escape(opening) + rb"|(\n[ \t]{0,%d}\])" % depth
            )
            self._longest = len(line) + 2
        else:
            self._pattern = re.compile(rb"[\]}]?" + re.escape(gap) + re.escape(opening))
            self._longest = _WINDOW

    def seen(self, data: bytes) -> int:
        """Up to where in ``data`` nothing will be found, whatever follows."""
        return max(0, len(data) - self._longest)

    def find(
        self,
        data: bytes,
        start: int,
        ended: bool,
        tail: Callable[[bytes], bool],
        sample: bytes,
    ) -> Found | None:
        """The first place from ``start`` on where reading may go on; ``ended`` if no more data
        follows. ``tail`` says whether text from a closing bracket on ends the document;
        ``sample`` is an element that was whole, empty if none was."""
        if self._by_line:
            found = self._pattern.search(data, start)
            if found is None:
                return None
            closed = found[1] is not None
            return Found(_stripped(data, found.start()), found.end() - (not closed), closed)
        fields = _fields(sample)
        for number, match in enumerate(self._pattern.finditer(data, start)):
            if number == _TRIES or (not ended and match.end() > len(data) - _WINDOW):
                break
            if _alike(data, match.end() - 1, fields):
                return Found(match.start() + (data[match.start()] in b"]}"), match.end() - 1, False)
        if ended:
            for number, match in enumerate(re.finditer(rb"\]", data[start:])):
                place = start + match.start()
                if number == _TRIES:
                    break
                if len(data) - place <= _REST and tail(data[place:]):
                    return Found(_stripped(data, place), place + 1, True)
        return None


def _alike(data: bytes, place: int, fields: frozenset[str]) -> bool:
    """Whether an object stands there that has half of the ``fields``."""
    text = data[place : place + _WINDOW].decode("latin-1")
    try:
        value, end = hjson.value_at(text, 0)
    except (ValueError, RecursionError):
        return False
    if not _FOLLOWS.match(text, end) or type(value) is not dict:
        return False
    return 2 * len(fields & value.keys()) >= len(fields)


def _fields(sample: bytes) -> frozenset[str]:
    try:
        return frozenset(hjson.value_at(sample.decode("latin-1"), 0)[0])
    except (ValueError, RecursionError, TypeError):
        return frozenset()


def _stripped(data: bytes, end: int) -> int:
    """The end of a unit that has white space and perhaps a comma behind it."""
    while end and data[end - 1] in b" \t\r\n":
        end -= 1
    if end and data[end - 1] == 44:
        end -= 1
    while end and data[end - 1] in b" \t\r\n":
        end -= 1
    return end
