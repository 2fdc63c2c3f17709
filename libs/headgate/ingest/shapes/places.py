"""Where in a skeleton each column's value stands, and whether every value's kind fits its column.

A skeleton is JSON text itself (see :mod:`headgate.ingest.shapes.skeleton`), so that it is read by the
strict reader once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headgate.contracts import types
from headgate.contracts.mapping import Location, Mapping
from headgate.contracts.model import Column
from headgate.core import json as hjson
from headgate.ingest.shapes.outline import Node, Outline, Span, Unproven, Want

#: Deepest nesting that is tried; deeper records are looked at exactly.
_DEEPEST = 64
#: A key whose colon does not follow at once is taken for a value by who made the skeleton.
_LOOSE_KEY = re.compile(rb'"[ \t\r\n]+:')

#: The place of each column's value in one record, None where it is null or missing.
Row = tuple[Span | None, ...]


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
        self._want = self._asked(mapping)
        outer = sum(1 + len(steps) for steps in mapping.arrays[:1])
        self._deepest = min(max_nesting, _DEEPEST) - outer - 1

    def _asked(self, mapping: Mapping) -> Want:
        """What is asked for below a unit."""
        levels = [Want() for _ in range(len(mapping.arrays) + 1)]
        for number, steps in enumerate(mapping.arrays):
            levels[number].at(steps).element = levels[number + 1]
        for column, where in self._columns:
            want = levels[where.level].at(where.steps)
            want.everything = want.everything or types.element(column.type) is not None
        for path in self._covered | {self._record.steps}:
            levels[-1].at(path)
        # A record's own fields are told apart even if no column stands below it.
        levels[-1].at(self._record.steps).fields.setdefault("", Want())
        return levels[self._level]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns whose values stand in a unit, in the order of a row."""
        return tuple(column.name for column, _ in self._columns)

    def judge(self, skeleton: bytes) -> Verdict | None:
        """What the skeleton says, None if it is no JSON object that can be judged."""
        if b"\\" in skeleton or _LOOSE_KEY.search(skeleton):
            return None
        try:
            if type(hjson.loads_strict(skeleton.decode("utf-8"))) is not dict:
                return None
            outline = Outline(skeleton, self._want, self._deepest)
            records = list(self._records([outline.root], self._arrays))
        except (ValueError, RecursionError, Unproven):
            return None
        try:
            return Verdict(len(records), tuple(self._row(chain, outline) for chain in records))
        except Unproven:
            return Verdict(len(records), None)

    def _records(
        self, chain: list[Node], arrays: Sequence[tuple[str, ...]]
    ) -> Iterator[list[Node]]:
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

    def _row(self, chain: list[Node], outline: Outline) -> Row:
        record = _follow(chain[-1], self._record.steps)
        if record is None or record.kind != "object":
            raise Unproven
        if not all(self._covers(n, (*self._record.steps, k)) for k, n in record.members.items()):
            raise Unproven
        return tuple(self._span(c, where, chain, outline) for c, where in self._columns)

    def _span(
        self, column: Column, where: Location, chain: list[Node], outline: Outline
    ) -> Span | None:
        node = _follow(chain[where.level - self._level], where.steps)
        if node is None:
            return None
        if not _fits(node, column.type, column.accepts_numbers):
            raise Unproven
        return outline.span(node, whole="json" in column.type)

    def _covers(self, node: Node, path: tuple[str, ...]) -> bool:
        """Whether a column or ignored place takes everything below ``path``."""
        if path in self._covered:
            return True
        if path not in self._leading:
            return False
        if node.kind != "object":
            return node.text == b"null"
        return all(self._covers(n, (*path, k)) for k, n in node.members.items())


def _follow(node: Node, steps: Sequence[str]) -> Node | None:
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


def _fits(node: Node, kind: str, accepts_numbers: bool) -> bool:
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
