"""Where the reading of a JSON array goes on behind a damaged element.

Whatever is said here is a guess, and is asked for only where the text is no JSON. In pretty-printed
text an element begins on a line of its own, indented like its neighbours; in other text it is an
object like those before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from headgate.core import json as hjson

#: Places that are tried as the beginning of the next element in text without lines.
_TRIES = 1000
#: Longest object that is recognized there, and bytes that are looked at for it.
_WINDOW = 1 << 18
#: Longest rest of a document that is tried.
_REST = 1 << 20
#: White space before a comma that is looked at.
_SPACE = 1 << 12
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
        line = gap[gap.rfind(b"\n") :] if b"\n" in gap else b""
        #: Where nothing is indented, lines inside an element look like those between two.
        self._by_line = len(line) > 1
        self._line = line
        if self._by_line:
            depth = len(line) - 2
            self._pattern = re.compile(
                re.escape(line) + re.escape(opening) + rb"|(\n[ \t]{0,%d}\])" % depth
            )
            self._longest = len(line) + 2
        else:
            self._pattern = re.compile(rb",\s*" + re.escape(opening))
            self._longest = _WINDOW

    def complete(self, data: bytes, start: int, end: int, sample: bytes) -> bool:
        """Whether the value that stands there looks like an element and not like the part of one
        that a stray bracket closes too soon."""
        if self._by_line:
            return data.startswith(self._line, end - 1 - len(self._line))
        fields = _fields(sample)
        return bool(fields) and fields <= _fields(data[start:end])

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
            match = self._pattern.search(data, start)
            if match is None:
                return None
            closed = match[1] is not None
            return Found(_stripped(data, match.start()), match.end() - (not closed), closed)
        found = self._alike(data, start, ended, _fields(sample))
        return found or (_tail(data, start, tail) if ended else None)

    def _alike(self, data: bytes, start: int, ended: bool, fields: frozenset[str]) -> Found | None:
        """The first object with half of the ``fields``; without an example, that with most
        fields, since what is inside an element has fewer than it."""
        if data.find(b",", start) < 0:
            return None  # at once, where a pattern would go through every byte
        best, most = None, 0
        tries = _TRIES if fields else _TRIES // 10
        for match in islice(self._pattern.finditer(data, start), tries):
            if not ended and match.end() > len(data) - _WINDOW:
                break
            begin = _behind(data, start, match.start())
            here = Found(begin + (data[begin] in b"]}"), match.end() - 1, False)
            own = _fields_at(data, here.after)
            if fields and 2 * len(fields & own) >= len(fields):
                return here
            if not fields and len(own) > most:
                best, most = here, len(own)
        return best


def _behind(data: bytes, start: int, comma: int) -> int:
    """Where the bracket stands, or the white space begins, that a comma stands behind."""
    before = data[max(start, comma - _SPACE) : comma]
    begin = comma - len(before) + len(before.rstrip())
    return begin - 1 if begin > start and data[begin - 1] in b"]}" else begin


def _tail(data: bytes, start: int, tail: Callable[[bytes], bool]) -> Found | None:
    """The first closing bracket with which the rest of the stream ends the document."""
    for match in islice(re.finditer(rb"\]", data[start:]), _TRIES):
        place = start + match.start()
        if len(data) - place <= _REST and tail(data[place:]):
            return Found(_stripped(data, place), place + 1, True)
    return None


def _fields_at(data: bytes, place: int) -> frozenset[str]:
    """The fields of the object that stands there whole, as an element might."""
    text = data[place : place + _WINDOW].decode("latin-1")
    try:
        value, end = hjson.value_at(text, 0)
    except (ValueError, RecursionError):
        return frozenset()
    if not _FOLLOWS.match(text, end) or type(value) is not dict:
        return frozenset()
    return frozenset(value)


def _fields(sample: bytes) -> frozenset[str]:
    """The fields of an element that was whole."""
    try:
        value = hjson.value_at(sample.decode("latin-1"), 0)[0]
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(value) if type(value) is dict else frozenset()


def _stripped(data: bytes, end: int) -> int:
    """The end of a unit that has white space and perhaps a comma behind it."""
    while end and data[end - 1] in b" \t\r\n":
        end -= 1
    if end and data[end - 1] == 44:
        end -= 1
    while end and data[end - 1] in b" \t\r\n":
        end -= 1
    return end
