"""Where in a skeleton each column's value stands, and whether every value's kind fits its column.

A skeleton is JSON text itself (see :mod:`headgate.ingest.skeleton`), so that it is read by the
strict reader once. Where a value stands in a record is told from the record's quotes: between two
of them the bytes are those of the skeleton, unless there is a number.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from headgate.contracts import types
from headgate.contracts.mapping import Location, Mapping
from headgate.contracts.model import Column
from headgate.core import json as hjson

#: Instead of a quote's number: the place is counted from the record's begin or end.
START, END = -1, -2
#: Deepest nesting that is tried; deeper records are looked at exactly.
_DEEPEST = 64
_TOKEN = re.compile(rb'"[^"]*"|[{}\[\]]|-?0[0.eE+-]*|true|false|null')
_BLANK = re.compile(rb"[ \t\r\n]")
_STRINGS = re.compile(rb'"[^"]*"')


class Span(NamedTuple):
    """Where a value stands: each end as a quote's number (or START, END) and bytes from there.

    ``spaced``: there is white space between its parts.
    """

    start: int
    start_shift: int
    end: int
    end_shift: int
    spaced: bool = False


#: The place of each column's value in one record, None where it is null or missing.
Row = tuple[Span | None, ...]


class Unproven(Exception):
    """The records of this skeleton are left to the exact look."""


@dataclass
class _Node:
    kind: str  # string, number, literal, object, array
    start: int
    end: int = 0
    text: bytes = b""
    members: dict[str, _Node] = field(default_factory=dict)
    elements: list[_Node] = field(default_factory=list)


@dataclass(frozen=True)
class Verdict:
    """What a skeleton says: how many records there are in the unit, and where their values stand
    (None: they are left to the exact look)."""

    inner: int
    rows: tuple[Row, ...] | None


class Judge:
    """Judges skeletons for the columns of one mapping.

    A unit is the document, or an element of the mapping's first array. ``max_nesting`` is the
    setting of that name.
    """

    def __init__(self, columns: Sequence[Column], mapping: Mapping, max_nesting: int) -> None:
        self._level = min(1, len(mapping.arrays))
        self._arrays = mapping.arrays[1:]
        self._record = mapping.record
        self._columns = [
            (c, mapping.columns[c.name])
            for c in columns
            if mapping.columns[c.name].level >= self._level
        ]
        self._covered = frozenset(
            location.steps
            for location in (*mapping.columns.values(), *mapping.ignored)
            if location.level == self._record.level
        )
        self._leading = frozenset(p[:i] for p in self._covered for i in range(len(p)))
        outer = sum(1 + len(steps) for steps in mapping.arrays[:1])
        self._deepest = min(max_nesting, _DEEPEST) - outer - 1

    @property
    def names(self) -> tuple[str, ...]:
        """The columns whose values stand in a unit, in the order of a row."""
        return tuple(column.name for column, _ in self._columns)

    def judge(self, skeleton: bytes) -> Verdict | None:
        """What the skeleton says, None if it is no JSON object that can be judged."""
        if b"\\" in skeleton:
            return None
        try:
            if type(hjson.loads_strict(skeleton.decode("utf-8"))) is not dict:
                return None
            unit = _tree(skeleton, self._deepest)
            records = list(self._records([unit], self._arrays))
        except (ValueError, RecursionError, Unproven):
            return None
        try:
            places = _Places(skeleton)
            return Verdict(len(records), tuple(self._row(chain, places) for chain in records))
        except Unproven:
            return Verdict(len(records), None)

    def _records(
        self, chain: list[_Node], arrays: Sequence[tuple[str, ...]]
    ) -> Iterator[list[_Node]]:
        """Every record of a unit, as the elements that lead to it."""
        if not arrays:
            yield chain
            return
        node = _follow(chain[-1], arrays[0])
        if node is None:
            return
        if node.kind != "array":
            raise Unproven
        for element in node.elements:
            if element.kind != "object":
                raise Unproven
            yield from self._records([*chain, element], arrays[1:])

    def _row(self, chain: list[_Node], places: _Places) -> Row:
        record = _follow(chain[-1], self._record.steps)
        if record is None or record.kind != "object":
            raise Unproven
        if not all(self._covers(n, (*self._record.steps, k)) for k, n in record.members.items()):
            raise Unproven
        return tuple(self._span(c, where, chain, places) for c, where in self._columns)

    def _span(
        self, column: Column, where: Location, chain: list[_Node], places: _Places
    ) -> Span | None:
        node = _follow(chain[where.level - self._level], where.steps)
        if node is None:
            return None
        if not _fits(node, column.type, column.accepts_numbers):
            raise Unproven
        return places.span(node, whole="json" in column.type)

    def _covers(self, node: _Node, path: tuple[str, ...]) -> bool:
        """Whether a column or ignored place takes everything below ``path``."""
        if path in self._covered:
            return True
        if path not in self._leading:
            return False
        if node.kind != "object":
            return node.text == b"null"
        return all(self._covers(n, (*path, k)) for k, n in node.members.items())


def _follow(node: _Node, steps: Sequence[str]) -> _Node | None:
    """What stands at ``steps`` below ``node``, None if that is null or missing."""
    for step in steps:
        if node.kind != "object":
            if node.text == b"null":
                return None
            raise Unproven
        if step not in node.members:
            return None
        node = node.members[step]
    return None if node.text == b"null" else node


def _fits(node: _Node, kind: str, accepts_numbers: bool) -> bool:
    """Whether the column type takes such a value, whatever digits and characters it has."""
    inner = types.element(kind)
    if kind == "json":
        return True
    if inner:
        return node.kind == "array" and all(
            e.text == b"null" or (e.kind != "array" and inner != "json" and _fits(e, inner, False))
            for e in node.elements
        )
    if node.kind == "number":
        whole, plain = node.text in (b"0", b"-0"), node.text in (b"0", b"-0", b"0.0", b"-0.0")
        if types.decimal_of(kind):
            return plain
        return (
            kind == "double"
            or (kind in ("long", "integer") and whole)
            or (kind == "string" and accepts_numbers and node.text == b"0")
        )
    if node.kind == "string":
        return kind in ("string", "date", "timestamp")
    return kind == "boolean" and node.text in (b"true", b"false")


def _tree(skeleton: bytes, deepest: int) -> _Node:
    """The skeleton's value, which is valid JSON, as nodes with their places.

    Raises:
        Unproven: it nests too deep, or a key is not followed by its colon at once.
    """
    root = _Node("array", 0)
    open_nodes, key = [root], None
    for match in _TOKEN.finditer(skeleton):
        start, end = match.span()
        token, parent = match[0], open_nodes[-1]
        sign = token[:1]
        if sign in b"}]":
            open_nodes.pop().end = end
            continue
        if sign == b'"' and skeleton[end : end + 1] == b":":
            key = token[1:-1].decode("utf-8")
            continue
        kind = _KINDS.get(sign, "literal")
        node = _Node(kind, start, end, text=token)
        if parent.kind == "array":
            parent.elements.append(node)
        elif key is None:
            raise Unproven
        else:
            parent.members[key], key = node, None
        if sign in b"{[":
            open_nodes.append(node)
            if len(open_nodes) > deepest + 1:
                raise Unproven
    return root.elements[0]


_KINDS = {b'"': "string", b"{": "object", b"[": "array", b"-": "number", b"0": "number"}


class _Places:
    """Tells the places of a skeleton from its quotes."""

    def __init__(self, skeleton: bytes) -> None:
        self._text = skeleton
        self._quotes = [i for i, c in enumerate(skeleton) if c == 34]
        bare = _STRINGS.sub(lambda m: b"_" * len(m[0]), skeleton)
        self._bare = bare
        self._digits = [i for i, c in enumerate(bare) if c == 48]

    def span(self, node: _Node, *, whole: bool) -> Span:
        """Where the value of ``node`` stands, with its quotes if it is asked for as a ``whole``."""
        if node.kind == "string" and not whole:
            opening = bisect_left(self._quotes, node.start)
            return Span(opening, 1, opening + 1, 0)
        spaced = whole and bool(_BLANK.search(self._bare, node.start, node.end))
        start, end = self._start(node.start), self._end(node.end)
        return Span(*start, *end, spaced)

    def _start(self, at: int) -> tuple[int, int]:
        after = bisect_left(self._quotes, at)
        before = self._quotes[after - 1] if after else 0
        if not self._numbers(before, at):
            return (after - 1, at - before) if after else (START, at)
        if after < len(self._quotes) and not self._numbers(at, self._quotes[after]):
            return after, at - self._quotes[after]
        raise Unproven

    def _end(self, at: int) -> tuple[int, int]:
        after = bisect_left(self._quotes, at)
        last = after == len(self._quotes)
        behind = len(self._text) if last else self._quotes[after]
        if not self._numbers(at, behind):
            return (END, at - behind) if last else (after, at - behind)
        if after and not self._numbers(self._quotes[after - 1], at):
            return after - 1, at - self._quotes[after - 1]
        raise Unproven

    def _numbers(self, start: int, end: int) -> bool:
        """Whether there is a digit in ``text[start:end]``, outside strings."""
        return bisect_left(self._digits, start) < bisect_left(self._digits, end)
