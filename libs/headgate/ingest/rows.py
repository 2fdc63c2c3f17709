"""Rows from nested JSON: every column's value looked up at its place, typed, and told of.

A unit is what a reader cuts: an element of the mapping's first array, or the document where there
is no array. It holds one record, or those of the arrays inside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from headgate.contracts.mapping import Mapping as Places
from headgate.contracts.model import Column
from headgate.ingest import jsontext, values
from headgate.ingest.documents import envelope
from headgate.ingest.located import Texts
from headgate.ingest.readers.base import ExactRow, Reason

RESCUED = "_rescued"


class Step(NamedTuple):
    """One column: its place among all, its name and type, and the converter unless it keeps
    JSON's text."""

    order: int
    name: str
    kind: str
    convert: values.Converter | None


class _Node:
    """A place below an element: the columns that stand there, and the places below it."""

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.columns: list[Step] = []
        self.ignored = False
        self.record = False

    def at(self, steps: Sequence[str]) -> _Node:
        """The node at ``steps`` below this one, made if there is none."""
        node = self
        for step in steps:
            node = node.children.setdefault(step, _Node())
        return node

    @cached_property
    def leads_to_record(self) -> bool:
        """Whether the record stands here or below; asked once all places are known."""
        return self.record or any(c.leads_to_record for c in self.children.values())

    @cached_property
    def below(self) -> list[Step]:
        """The columns below this place."""
        found = [s for c in self.children.values() for s in (*c.columns, *c.below)]
        return sorted(found)


class Level(NamedTuple):
    """What an element that encloses records gives them: typed values, and what is wrong."""

    value: Any
    texts: Texts
    found: Mapping[str, Any]
    reasons: tuple[tuple[int, Reason], ...]
    unknown: tuple[tuple[str, ...], ...] = ()
    missing: Reason | None = None


class Rows:
    """Gives the rows of units for the ``columns`` of a contract with the mapping ``places``."""

    def __init__(self, columns: Sequence[Column], places: Places) -> None:
        self.places = places
        self._blank: dict[str, Any] = dict.fromkeys([*(c.name for c in columns), RESCUED])
        self._trees = [_Node() for _ in range(len(places.arrays) + 1)]
        for order, column in enumerate(columns):
            where = places.columns[column.name]
            step = Step(order, column.name, column.type, converter(column))
            self._trees[where.level].at(where.steps).columns.append(step)
        for where in places.ignored:
            self._trees[where.level].at(where.steps).ignored = True
        self._trees[-1].at(places.record.steps).record = True
        self._envelopes = [
            envelope.Envelope(places, level) for level in range(len(places.arrays) + 1)
        ]

    def level(self, number: int, value: Any, text: str) -> Level:
        """What the element ``value`` (written ``text``) of level ``number`` gives its records."""
        taking = _Taking(Texts(text))
        tree = self._trees[number]
        for step in tree.columns:
            taking.convert(step, value, ())
        if type(value) is dict:
            taking.take(tree, value, (), tree.record and not tree.columns and not tree.ignored)
        return Level(
            value, taking.texts, taking.found, tuple(taking.reasons), tuple(taking.unknown),
            taking.missing,
        )  # fmt: skip

    def wrap(self, level: int, of: Level) -> tuple[str, str]:
        """What stands before and behind the text of an element, or of the record, in a document
        that holds nothing else but the values that columns take from around it."""
        return self._envelopes[level].around(of.value, of.texts)

    def count(self, value: Any) -> int:
        """How many records the unit ``value`` holds; what should lead to some and does not is one."""
        return self._count(value, self.places.arrays[1:])

    def _count(self, value: Any, arrays: Sequence[tuple[str, ...]]) -> int:
        if not arrays or type(value) is not dict:
            return 1
        found, _ = _follow(value, arrays[0])
        if found is None:
            return 0
        if type(found) is not list:
            return 1
        return sum(self._count(element, arrays[1:]) for element in found)

    def unit(
        self, first: int, document: Level | None, value: Any, text: str, raw: tuple[str, str]
    ) -> Iterator[ExactRow]:
        """The records of a unit, numbered from ``first``; ``raw`` is what to put around the unit."""
        number = 1 if self.places.arrays else 0
        above = [document] if document else []
        for offset, row in enumerate(self._rows(number, above, value, text, raw)):
            yield row._replace(position=first + offset)

    def _rows(
        self, number: int, above: list[Level], value: Any, text: str, raw: tuple[str, str]
    ) -> Iterator[ExactRow]:
        before, behind = raw
        if type(value) is not dict:
            told = f"expected an object, got {values.shown(value)}"
            yield _refused(before + text + behind, Reason("not_an_object", None, told))
            return
        if number == len(self._trees) - 1:
            yield self._row(number, above, value, text, raw)
            return
        path = self.places.arrays[number]
        found, wrong = _follow(value, path)
        if found is None:
            return
        if type(found) is not list:
            told = f"expected an array at {'.'.join(path)}, got {values.shown(wrong)}"
            yield _refused(before + text + behind, Reason("no_records", None, told))
            return
        if not found:
            return
        level = self.level(number, value, text)
        inner = self.wrap(number, level)
        around = (before + inner[0], inner[1] + behind)
        for element, part in zip(found, jsontext.elements(level.texts.raw(path)), strict=True):
            yield from self._rows(number + 1, [*above, level], element, part, around)

    def _row(
        self, number: int, above: list[Level], value: Any, text: str, raw: tuple[str, str]
    ) -> ExactRow:
        level = self.level(number, value, text)
        steps = self.places.record.steps
        before, behind = raw
        if steps and not level.missing:
            inner = self.wrap(number, level)
            before, behind = before + inner[0], inner[1] + behind
            text = level.texts.raw(steps)
        whole = before + text + behind
        if level.missing:
            return _refused(whole, level.missing)
        levels = (*above, level)
        warnings = tuple(_unknown(p[len(steps) :]) for p in sorted(level.unknown))
        if "\\" in whole:
            used = [_at(value, steps), *(one.found for one in levels)]
            half = jsontext.lone_surrogate(whole, used)
            if half:
                return _refused(whole, Reason("lone_surrogate", None, half))
        reasons = sorted(reason for one in levels for reason in one.reasons)
        if reasons:
            return ExactRow(0, whole, None, tuple(r for _, r in reasons), warnings)
        found = dict(self._blank)
        for one in levels:
            found.update(one.found)
        if level.unknown:
            parts = {p[len(steps) :]: level.texts.compact(p, _at(value, p)) for p in level.unknown}
            found[RESCUED] = jsontext.nested_object(parts)
        return ExactRow(0, whole, found, (), warnings)


class _Taking:
    """The values that are taken from one element."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.found: dict[str, Any] = {}
        self.reasons: list[tuple[int, Reason]] = []
        self.unknown: list[tuple[str, ...]] = []
        self.missing: Reason | None = None

    def take(self, node: _Node, value: dict[str, Any], path: tuple[str, ...], all_: bool) -> None:
        """Everything below ``node``; with ``all_`` also what no place covers."""
        for key, child in node.children.items():
            found = value.get(key)
            here = (*path, key)
            if found is None:
                if child.leads_to_record:
                    self._no_record(here, "nothing" if key not in value else "null")
                continue
            for step in child.columns:
                self.convert(step, found, here)
            if not child.children and not child.record:
                continue
            covered = child.ignored or bool(child.columns)
            if type(found) is dict:
                self.take(child, found, here, (all_ or child.record) and not covered)
            elif child.leads_to_record:
                self._no_record(here, values.shown(found))
            else:
                self._not_an_object(child, found, here, all_ and not covered)
        if all_ and not value.keys() <= node.children.keys():
            self.unknown += [(*path, k) for k in value if k not in node.children]

    def convert(self, step: Step, value: Any, path: tuple[str, ...]) -> None:
        """Type one value for its column."""
        try:
            if step.convert:
                self.found[step.name] = step.convert(value)
            else:
                text = self.texts.compact(path, value)
                self.found[step.name] = as_text(step.kind, text, value)
        except values.Unfit as unfit:
            self.reasons.append((step.order, Reason(unfit.code, step.name, unfit.detail)))

    def _not_an_object(self, node: _Node, value: Any, path: tuple[str, ...], unknown: bool) -> None:
        told = f"expected an object at {'.'.join(path)}, got {values.shown(value)}"
        below = node.below
        self.reasons += [(s.order, Reason("type_mismatch", s.name, told)) for s in below]
        if unknown and not below:
            self.unknown.append(path)

    def _no_record(self, path: tuple[str, ...], got: str) -> None:
        code = "no_records" if got in ("nothing", "null") else "not_an_object"
        self.missing = Reason(code, None, f"expected an object at {'.'.join(path)}, got {got}")


def converter(column: Column) -> values.Converter | None:
    """What types a JSON value for the column; None where it keeps JSON's text."""
    if "json" in column.type:
        return None
    found = values.converter(column.type)
    if column.accepts_numbers and column.type == "string":
        return _digits
    return found


def _digits(value: Any) -> str:
    """A text, or the digits of a whole number."""
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise values.Unfit(
        "type_mismatch", f"expected text or a whole number, got {values.shown(value)}"
    )


def as_text(kind: str, text: str, value: object) -> object:
    """A value of type json (or array of json) as the text it was written in, without spaces."""
    if kind == "json":
        return text
    if type(value) is not list:
        raise values.Unfit("type_mismatch", f"expected {kind}, got {values.shown(value)}")
    inner = kind.removeprefix("array<").removesuffix(">")
    pairs = zip(jsontext.elements(text), value, strict=True)
    return [None if v is None else as_text(inner, t, v) for t, v in pairs]


@lru_cache(maxsize=10_000)
def _unknown(path: tuple[str, ...]) -> Reason:
    return Reason("unknown_field", None, f"field {'.'.join(path)!r} is not in the contract")


def _refused(raw: str, reason: Reason) -> ExactRow:
    return ExactRow(0, raw, None, (reason,))


def _follow(value: Any, steps: Sequence[str]) -> tuple[Any, Any]:
    """What stands at ``steps``; where something other than an object stands before, that, twice."""
    for step in steps:
        if value is None:
            return None, None
        if type(value) is not dict:
            return False, value
        value = value.get(step)
    return value, value


def _at(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        value = value[step]
    return value
