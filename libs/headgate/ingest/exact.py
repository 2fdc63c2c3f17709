"""The exact look at one JSON record: strict parsing, strict typing, every reason told.

Text may hold U+0000, which JSON allows as an escape and Parquet and Delta keep.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from headgate.contracts.mapping import Mapping as Places
from headgate.contracts.model import Column
from headgate.core import json as hjson
from headgate.ingest import jsontext, values
from headgate.ingest.readers.base import ExactRow, Reason
from headgate.ingest.rows import RESCUED as RESCUED
from headgate.ingest.rows import Rows, as_text, converter

#: Raw text that is kept of a record too long to be read, in bytes.
RAW_KEPT = 65_536
_NESTING = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)

#: Characters from which on a text's nesting is first looked at as a whole.
_LARGE = 1 << 20
#: Kinds of record that are remembered with what they need; a stream of others is typed slowly.
_KINDS_KEPT = 1000


class _Step(NamedTuple):
    """One column: its name and field, its type, and the converter unless it keeps JSON's text."""

    name: str
    field: str
    kind: str
    convert: values.Converter | None


class _Plan(NamedTuple):
    """What records with the same fields and Python types need: bounds to keep, and converters;
    ``closely`` if that is not all."""

    integers: tuple[tuple[str, int], ...]
    others: tuple[tuple[str, values.Converter], ...]
    nested: bool
    closely: bool


class Parsed(NamedTuple):
    """A text and its JSON value, or why it is none that is read; the text then shows bytes that
    cannot be decoded as ``\\xNN``."""

    text: str
    value: Any
    reason: Reason | None = None


class ExactRecords:
    """Types JSON records one by one for a fixed list of columns.

    ``max_nesting``, ``max_record_bytes`` and ``max_fields`` are the settings of those names;
    ``places`` is the source's mapping, where a column's value is more than a field of the record.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        max_nesting: int,
        max_record_bytes: int,
        max_fields: int = 10_000,
        places: Places | None = None,
    ) -> None:
        self._max_nesting = max_nesting
        self._max_fields = max_fields
        self._max_bytes = max_record_bytes
        self._flat = max_nesting // 2  # this many of each bracket cannot nest too deep
        nested = places is not None and (not places.plain or bool(places.ignored))
        self._rows = Rows(columns, places) if places and nested else None
        fields = {c.name: c.field for c in columns}
        if places and not nested:
            fields = {c.name: places.columns[c.name].steps[0] for c in columns}
        self._fields = frozenset(fields.values())
        self._steps = [_Step(c.name, fields[c.name], c.type, converter(c)) for c in columns]
        self._blank: dict[str, Any] = dict.fromkeys([*fields, RESCUED])
        self._same_names = all(name == field for name, field in fields.items())
        # Fields and Python types of a record decide which of its values need a converter.
        self._plans: dict[tuple[Any, ...], _Plan] = {}

    def read(self, position: int, raw: bytes, *, ended: bool = True, size: int = 0) -> ExactRow:
        """The record ``raw`` (without its line end), typed or refused.

        ``ended`` is False for a last record without a line end; ``size`` is the record's length
        in bytes where ``raw`` is only its beginning.
        """
        if self._rows:
            raw = raw.removesuffix(b"\r")
            unit = self.parsed(raw, ended=ended, size=size)
            if unit.reason:
                return ExactRow(position, unit.text, None, (unit.reason,))
            return next(self._rows.unit(position, None, unit.value, unit.text, ("", "")))
        if raw[-1:] == b"\r":
            raw = raw[:-1]
        if len(raw) > self._max_bytes or size:
            return self._too_long(position, raw, size)
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            return _undecodable(position, raw, error, ended)
        try:
            record = hjson.loads_strict(text)
        except (ValueError, RecursionError) as error:
            return ExactRow(position, text, None, (self._unparsed(text, error, ended),))
        if type(record) is not dict:
            return ExactRow(position, text, None, (self._no_object(text, record),))
        wide = self._too_wide(text, record)
        if wide:
            return ExactRow(position, text, None, (wide,))
        kind = (*record, *map(type, record.values()))
        plan = self._plans.get(kind)
        if plan is None:
            plan = self._learn(kind, record)
        if "\\" in text or plan.nested:
            reason = self.objection(text, record)
            if reason:
                return ExactRow(position, text, None, (reason,))
        if plan.closely:
            return self._typed(position, text, record)
        found = {**self._blank, **record}
        for name, bound in plan.integers:
            if not -bound <= found[name] < bound:
                return self._typed(position, text, record)
        try:
            for name, convert in plan.others:
                found[name] = convert(found[name])
        except values.Unfit:
            return self._typed(position, text, record)
        return ExactRow(position, text, found)

    def parsed(self, raw: bytes, *, ended: bool = True, size: int = 0) -> Parsed:
        """The value that ``raw`` is, of any kind; ``ended`` and ``size`` as :meth:`read` has them.

        It may hold halves of surrogate pairs where no record has them.
        """
        if len(raw) > self._max_bytes or size:
            row = self._too_long(0, raw, size)
            return Parsed(row.raw, None, row.reasons[0])
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            row = _undecodable(0, raw, error, ended)
            return Parsed(row.raw, None, row.reasons[0])
        try:
            value = hjson.loads_strict(text)
        except (ValueError, RecursionError) as error:
            return Parsed(text, None, self._unparsed(text, error, ended))
        return Parsed(text, value, self._too_deep(text) or self._too_wide(text, value))

    def _learn(self, kind: tuple[Any, ...], record: dict[str, Any]) -> _Plan:
        """What records like this one need."""
        integers: list[tuple[str, int]] = []
        others: list[tuple[str, values.Converter]] = []
        closely = not self._same_names or not record.keys() <= self._fields
        for step in self._steps:
            value = record.get(step.field)
            if value is None or type(value) is values.AS_IS.get(step.kind):
                continue
            if step.convert is None:
                closely = True
            elif step.kind in values.INTEGERS and type(value) is int:
                integers.append((step.name, values.INTEGERS[step.kind]))
            else:
                others.append((step.name, step.convert))
        nested = any(isinstance(v, list | dict) for v in record.values())
        plan = _Plan(tuple(integers), tuple(others), nested, closely)
        if len(self._plans) < _KINDS_KEPT:
            self._plans[kind] = plan
        return plan

    def _too_long(self, position: int, raw: bytes, size: int) -> ExactRow:
        text = raw[:RAW_KEPT].decode("utf-8", "backslashreplace")
        detail = f"{max(size, len(raw))} bytes, at most {self._max_bytes} are read"
        return ExactRow(position, text, None, (Reason("line_too_long", None, detail),))

    def _unparsed(self, text: str, error: Exception, ended: bool) -> Reason:
        """Why the text is no JSON, or none that is read."""
        if isinstance(error, RecursionError):
            return Reason("nesting_too_deep", None, f"deeper than {self._max_nesting}")
        if not text or text.isspace():
            return Reason("empty_line", None, "no record")
        deep = self._too_deep(text)
        if deep:
            return deep
        if isinstance(error, hjson.DuplicateField):
            return Reason("duplicate_field", None, str(error))
        if not ended:
            return Reason("truncated", None, f"the file ends inside it: {error}")
        return Reason("malformed_json", None, str(error))

    def _no_object(self, text: str, record: object) -> Reason:
        detail = f"expected an object, got {values.shown(record)}"
        return self._too_deep(text) or Reason("not_an_object", None, detail)

    def objection(self, text: str, record: object) -> Reason | None:
        """What JSON allows and we do not: nesting without end, and half of a surrogate pair."""
        deep = self._too_deep(text)
        if deep:
            return deep
        half = jsontext.lone_surrogate(text, record)
        return Reason("lone_surrogate", None, half) if half else None

    def _too_deep(self, text: str) -> Reason | None:
        if text.count("[") <= self._flat and text.count("{") <= self._flat:
            return None
        if len(text) > _LARGE and not self._seems_deep(text):
            return None
        depth = 0
        for token in _NESTING.finditer(text):
            sign = token[0][0]
            if sign in "[{":
                depth += 1
                if depth > self._max_nesting:
                    detail = f"deeper than {self._max_nesting} at {token.start()}"
                    return Reason("nesting_too_deep", None, detail)
            elif sign in "]}":
                depth -= 1
        return None

    def _seems_deep(self, text: str) -> bool:
        """Whether a long text nests too deep, found at once for all of its brackets."""
        from headgate.ingest.documents.structure import deepest

        return deepest(text.encode("utf-8", "surrogatepass")) > self._max_nesting

    def _too_wide(self, text: str, value: object) -> Reason | None:
        """An object with more fields than any program writes: each of them costs a warning."""
        if text.count(":") <= self._max_fields:
            return None
        waiting: list[object] = [value]
        while waiting:
            at = waiting.pop()
            if isinstance(at, dict) and len(at) > self._max_fields:
                detail = f"an object of {len(at):,} fields, at most {self._max_fields:,} are read"
                return Reason("too_many_fields", None, detail)
            if isinstance(at, dict | list):
                inner = at.values() if isinstance(at, dict) else at
                waiting += [v for v in inner if isinstance(v, dict | list)]
        return None

    def _typed(self, position: int, text: str, record: dict[str, Any]) -> ExactRow:
        """The slow way: every column on its own, every reason told, text kept where asked for."""
        found = dict(self._blank)
        reasons: list[Reason] = []
        unknown = sorted(record.keys() - self._fields)
        texts: Mapping[str, str] = {}
        if any(s.convert is None for s in self._steps):
            texts = _texts(text)
        elif unknown:
            texts = _plain_texts(text, {k: record[k] for k in unknown}) or _texts(text)
        for step in self._steps:
            value = record.get(step.field)
            if value is None:
                continue
            try:
                if step.convert:
                    found[step.name] = step.convert(value)
                else:
                    found[step.name] = as_text(step.kind, texts[step.field], value)
            except values.Unfit as unfit:
                reasons.append(Reason(unfit.code, step.name, unfit.detail))
        warnings = tuple(
            Reason("unknown_field", None, f"field {k!r} is not in the contract") for k in unknown
        )
        if reasons:
            return ExactRow(position, text, None, tuple(reasons), warnings)
        if unknown:
            found[RESCUED] = jsontext.canonical_object({k: texts[k] for k in unknown})
        return ExactRow(position, text, found, (), warnings)


def _undecodable(position: int, raw: bytes, error: UnicodeDecodeError, ended: bool) -> ExactRow:
    cut = not ended and error.reason == "unexpected end of data"
    detail = f"byte {raw[error.start]:#04x} at offset {error.start}: {error.reason}"
    reason = Reason("truncated" if cut else "invalid_utf8", None, detail)
    return ExactRow(position, raw.decode("utf-8", "backslashreplace"), None, (reason,))


def _texts(text: str) -> dict[str, str]:
    return {f.name: jsontext.compact(text[f.start : f.end]) for f in jsontext.fields(text)}


def _plain_texts(text: str, fields: Mapping[str, Any]) -> dict[str, str] | None:
    """The texts of values that can be written in one way only, None if there are others."""
    if "\\" in text or not all(type(v) in (str, bool) or v for v in fields.values()):
        return None
    if not all(isinstance(v, str | bool | int) for v in fields.values()):
        return None
    return {k: str(v) if type(v) is int else hjson.dumps(v) for k, v in fields.items()}
