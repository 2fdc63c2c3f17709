"""The outline of a skeleton: those of its values that somebody asks for, and where they stand.

Where a value stands in a record is told from the record's quotes: between two of them the bytes
are those of the skeleton, unless there is a number.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

#: Instead of a quote's number: the place is counted from the record's begin or end.
START, END = -1, -2
_TOKEN = re.compile(rb'"[^"]*"|[{}\[\]]|-?0[0.eE+-]*|true|false|null')
_BLANK = re.compile(rb"[ \t\r\n]")
_STRINGS = re.compile(rb'"[^"]*"')
_QUOTE, _OPEN, _CLOSE, _FIRST, _LAST, _MINUS, _ZERO = b'"{}[]-0'
_KINDS = {_QUOTE: "string", _OPEN: "object", _FIRST: "array", _MINUS: "number", _ZERO: "number"}


class Unproven(Exception):
    """The records of this skeleton are left to the exact look."""


class Span(NamedTuple):
    """Where a value stands: each end as a quote's number (or START, END) and bytes from there.

    ``spaced``: there is white space between its parts.
    """

    start: int
    start_shift: int
    end: int
    end_shift: int
    spaced: bool = False


class Want:
    """What is asked for below a place: fields, the elements of an array, or everything."""

    def __init__(self, *, everything: bool = False) -> None:
        self.fields: dict[str, Want] = {}
        self.element: Want | None = None
        self.everything = everything

    def at(self, steps: Sequence[str]) -> Want:
        """What is asked for at ``steps`` below this place, made if there is nothing yet."""
        want = self
        for step in steps:
            want = want.fields.setdefault(step, Want())
        return want

    def below(self, key: str | None) -> Want | None:
        """What is asked for inside the field ``key`` (None: inside an element), None if nothing."""
        found = self.element if key is None else self.fields.get(key)
        if found is None:
            return self if self.everything else None
        return found if found.fields or found.element or found.everything else None


class Node:
    """A value: ``kind`` is string, number, literal, object or array; members and elements are
    there where they were asked for."""

    __slots__ = ("elements", "end", "kind", "members", "start", "text")

    def __init__(self, kind: str, start: int, end: int, text: bytes) -> None:
        self.kind, self.start, self.end, self.text = kind, start, end, text
        self.members: dict[str, Node] = {}
        self.elements: list[Node] = []


class Outline:
    """The outline of a ``skeleton`` that is valid JSON without a backslash, of keys that their
    colons follow at once; ``root`` is its value.

    Raises:
        Unproven: it nests deeper than ``deepest``.
    """

    def __init__(self, skeleton: bytes, want: Want, deepest: int) -> None:
        self._text = skeleton
        self._quotes = np.flatnonzero(np.frombuffer(skeleton, np.uint8) == _QUOTE).tolist()
        self._numbers: list[int] = []
        self.root = self._read(want, deepest)

    def span(self, node: Node, *, whole: bool) -> Span:
        """Where the value of ``node`` stands, with its quotes if it is asked for as a ``whole``."""
        if node.kind == "string" and not whole:
            opening = bisect_left(self._quotes, node.start)
            return Span(opening, 1, opening + 1, 0)
        spaced = whole and self._spaced(node)
        return Span(*self._start(node.start), *self._end(node.end), spaced)

    def _read(self, want: Want, deepest: int) -> Node:
        top, outer = Node("array", 0, 0, b""), Want()
        outer.element = want
        open_nodes, key, depth = [(top, outer)], "", 0
        passed, passing = top, 0  # what is passed over, and how deep it stands
        for match in _TOKEN.finditer(self._text):
            start, end = match.span()
            sign = self._text[start]
            if sign in (_CLOSE, _LAST):
                depth -= 1
                if not passing:
                    open_nodes.pop()[0].end = end
                elif depth < passing:
                    passed.end, passing = end, 0
                continue
            if sign in (_OPEN, _FIRST):
                depth += 1
                if depth > deepest:
                    raise Unproven
            elif sign in (_ZERO, _MINUS):
                self._numbers.append(start)
            if passing:
                continue
            if sign == _QUOTE and self._text[end : end + 1] == b":":
                key = match[0][1:-1].decode("utf-8")
                continue
            node = Node(_KINDS.get(sign, "literal"), start, end, match[0])
            parent, wanted = open_nodes[-1]
            if parent.kind == "array":
                parent.elements.append(node)
                below = wanted.below(None)
            else:
                parent.members[key] = node
                below = wanted.below(key)
            if sign in (_OPEN, _FIRST):
                if below is None:
                    passed, passing = node, depth
                else:
                    open_nodes.append((node, below))
        return top.elements[0]

    def _spaced(self, node: Node) -> bool:
        """Whether there is white space in the value, outside strings."""
        if not _BLANK.search(self._text, node.start, node.end):
            return False
        return bool(_BLANK.search(_STRINGS.sub(b"", self._text[node.start : node.end])))

    def _start(self, at: int) -> tuple[int, int]:
        after = bisect_left(self._quotes, at)
        before = self._quotes[after - 1] if after else 0
        if not self._has_number(before, at):
            return (after - 1, at - before) if after else (START, at)
        if after < len(self._quotes) and not self._has_number(at, self._quotes[after]):
            return after, at - self._quotes[after]
        raise Unproven

    def _end(self, at: int) -> tuple[int, int]:
        after = bisect_left(self._quotes, at)
        last = after == len(self._quotes)
        behind = len(self._text) if last else self._quotes[after]
        if not self._has_number(at, behind):
            return (END, at - behind) if last else (after, at - behind)
        if after and not self._has_number(self._quotes[after - 1], at):
            return after - 1, at - self._quotes[after - 1]
        raise Unproven

    def _has_number(self, start: int, end: int) -> bool:
        """Whether a number begins in ``text[start:end]``, which cuts none."""
        return bisect_left(self._numbers, start) < bisect_left(self._numbers, end)
