"""Records of known shape as Arrow batches of texts, and the SQL that types and guards them.

The texts of a batch are the bytes of the file: where each value stands is known from its record's
shape. What the shape leaves open, the digits of numbers and the characters of strings, is told by
casts from text, each with a guard that takes less than :mod:`headgate.ingest.values` would, and
never more. A record that is not proven is absent; the exact look judges it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.core.settings import Settings
from headgate.ingest import casts, jsontext
from headgate.ingest.lines.proof import DAY, INSTANT
from headgate.ingest.shapes.known import ABSENT, Look, learned
from headgate.ingest.shapes.outline import END, START
from headgate.ingest.shapes.skeleton import Flags, Places
from headgate.lake.engines.duckdb import identifier, literal

#: Longest text that an Arrow view holds itself.
_INLINE = 12
#: By length of a text, which bits its view keeps of the four bytes before it and the twelve at
#: its beginning; the length stands in place of the four, and of a long text a buffer's number and
#: the place in it follow four of its own.
_KEPT = np.zeros((_INLINE + 2, 16), dtype=np.uint8)
for _length in range(_INLINE + 1):
    _KEPT[_length, 4 : 4 + _length] = 255
_KEPT[_INLINE + 1, 4:8] = 255
_MASKS = _KEPT.view("V16")[:, 0]
#: The exact look makes no text of a number with thousands of digits.
_DIGITS = "strlen({x}) < 4000"
_BLANKS = literal(" \t\r\n")


class Nested:
    """Turns chunks of units into batches of texts, and says how SQL reads them.

    ``shapes`` has learned which records are what the contract asks for.
    """

    def __init__(self, contract: Contract, settings: Settings) -> None:
        self.shapes = learned(contract, settings)
        self._contract = contract
        self._look: Look | None = None

    @property
    def schema(self) -> Any:
        """The Arrow schema of every batch: a text by column, and ``_position``."""
        import pyarrow as pa

        texts = [(f"x{i}", pa.string_view()) for i in range(len(self.shapes.names))]
        return pa.schema([*texts, ("_position", pa.int64())])

    def judge(self, data: bytes, starts: Places, ends: Places) -> tuple[Flags, Places]:
        """Of every unit ``data[starts[i]:ends[i]]`` whether it is proven, and how many records it
        holds (-1: not known). What was seen is kept for :meth:`batch_of`."""
        self._look = self.shapes.look(data, starts, ends)
        return self._look.proven, self._look.inner

    def batch_of(self, starts: Places, ends: Places, positions: Places) -> Any:
        """The records of those units that :meth:`judge` looked at last and proved.

        The units may be others than it was asked about, ascending; ``positions[i]`` is the
        position of the first record of unit ``i``.
        """
        look = self._look
        if look is None or not len(starts):
            look, known = self.shapes.look(b"", starts[:0], starts[:0]), starts[:0]
        else:
            index = np.searchsorted(starts, look.starts).clip(max=len(starts) - 1)
            same = (starts[index] == look.starts) & (ends[index] == look.ends)
            look, known = replace(look, proven=look.proven & same), positions[index]
        return self.batch(look, known)

    def batch(self, look: Look, positions: Places) -> Any:
        """The proven records of the units that were looked at.

        ``positions[i]`` is the position of the first record of unit ``i``. The text is not
        copied.
        """
        import pyarrow as pa

        units = np.flatnonzero(look.proven)
        counts = look.inner[units]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        units = np.repeat(units, counts)
        spans = self.shapes.table[look.rows[units] + within]
        start = _places(look, units, spans[:, 0], spans[:, 1])
        end = _places(look, units, spans[:, 2], spans[:, 3])
        present = spans[:, 0] != ABSENT
        views, more = _views(look, start, end, present, spans[:, 4] == 1)
        buffers = [pa.py_buffer(look.data), *([pa.py_buffer(more)] if more else [])]
        columns = []
        for column in range(spans.shape[2]):
            valid = present[:, column]
            bits = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
            own = [bits, pa.py_buffer(views[column]), *buffers]
            columns.append(pa.Array.from_buffers(pa.string_view(), len(units), own))
        columns.append(pa.array(positions[units] + within, pa.int64()))
        return pa.record_batch(columns, schema=self.schema)

    def relation(self, source: str, document: Mapping[str, object] | None = None) -> str:
        """The proven rows of ``source``, a relation of such batches, as a parenthesised query.

        ``document`` has the typed values of those columns that stand outside every unit.
        """
        return relation(source, self._contract, self.shapes.names, document or {})


def _places(look: Look, units: Places, anchors: Any, shifts: Any) -> Places:
    """Where in the chunk the spans of rows begin, or end."""
    quotes = look.quotes
    index = look.first[units][:, None] + anchors
    found: Places = np.take(quotes, index, mode="clip") if len(quotes) else np.zeros_like(index)
    rare = np.flatnonzero(anchors < 0)
    if len(rare):
        unit = units[rare // anchors.shape[1]]
        anchor = anchors.reshape(-1)[rare]
        at = np.where(anchor == START, look.starts[unit], 0)
        at = np.where(anchor == END, look.ends[unit], at)
        found.reshape(-1)[rare] = at
    found += shifts
    return found


def _views(
    look: Look, start: Places, end: Places, present: Flags, spaced: Flags
) -> tuple[Any, bytes]:
    """Arrow's views of the texts, by column, and the bytes of those that are not in the chunk."""
    start, end = np.ascontiguousarray(start.T), np.ascontiguousarray(end.T)
    absent = ~present.T
    start[absent] = 0
    end[absent] = 0
    more, moved = bytearray(), []
    # Records repeat such texts (an author's roles): each is written without its space once.
    seen: dict[bytes, tuple[int, int]] = {}
    for column, row in np.argwhere(spaced.T & present.T).tolist():
        text = look.data[start[column, row] : end[column, row]]
        place = seen.get(text)
        if place is None:
            short = jsontext.compact(text.decode("utf-8")).encode("utf-8")
            place = seen[text] = (len(more), len(short))
            more += short
        moved.append((column, row, *place))
    views = _view(look.data, start, end - start, 0)
    if moved:
        columns, rows, offsets, lengths = np.array(moved).T
        views[columns, rows] = _view(bytes(more), offsets, lengths, 1)
    return views, bytes(more)


def _view(data: bytes, start: Places, length: Places, buffer: int) -> Any:
    """The views, four figures each, of texts in ``data``, which is Arrow's buffer so numbered."""
    padded = b"".join((bytes(4), data, bytes(_INLINE)))
    windows = np.ndarray((len(data) + 1,), dtype="V16", buffer=padded, strides=(1,))
    words = windows[start].view(np.uint64)
    words &= _MASKS[np.minimum(length, _INLINE + 1)].view(np.uint64)
    views = words.view(np.int32).reshape(*start.shape, 4)
    views[..., 0] = length
    long = length > _INLINE
    views[..., 2] += long * np.int32(buffer)
    views[..., 3] += (long * start).astype(np.int32)
    return views


class _Part(NamedTuple):
    """SQL for a column's value over its text ``x``; ``guard``, over ``x`` and the value ``v``,
    holds for what may be believed."""

    value: str
    guard: str = ""


def relation(
    source: str, contract: Contract, names: tuple[str, ...], document: Mapping[str, object]
) -> str:
    """The rows of ``source`` (texts ``x0``, ``x1`` … of the columns ``names``, and ``_position``)
    that may be believed, as a parenthesised query of the contract's columns."""
    inner, guards, values = [], [], []
    for i, column in enumerate(contract.columns):
        target = types.duckdb_type(column.type)
        if column.name in names:
            x, part = f"x{names.index(column.name)}", _part(column.type)
            if column.accepts_numbers and column.type == "string":
                part = part._replace(guard=_DIGITS)
            inner.append(f"{part.value.format(x=x)} AS v{i}")
            if part.guard:
                guards.append(f"({x} IS NULL OR ({part.guard.format(x=x, v=f'v{i}')}))")
        else:
            inner.append(f"{_constant(document.get(column.name))}::{target} AS v{i}")
        values.append(f"v{i} AS {identifier(column.name)}")
    texts = [f"x{i}" for i in range(len(names))]
    return (
        f"(SELECT {', '.join(values)}, NULL::VARCHAR AS _rescued, _position"
        f" FROM (SELECT {', '.join([*inner, *texts])}, _position FROM {source})"
        f" WHERE {' AND '.join(guards) or 'TRUE'})"
    )


def _constant(value: object) -> str:
    """SQL for a typed value."""
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return "[" + ", ".join(map(_constant, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return literal(value.isoformat() if hasattr(value, "isoformat") else str(value))


def _part(kind: str) -> _Part:
    sql_type, inner = types.duckdb_type(kind), types.element(kind)
    if inner:
        return _list(inner)
    if kind == "string":
        return _Part(
            "CASE WHEN contains({x}, '\\') THEN from_json('\"' || {x} || '\"', '\"VARCHAR\"')"
            " ELSE {x} END"
        )
    if kind == "json":
        return _Part("{x}")
    if kind == "boolean":
        return _Part("{x} = 'true'")
    if kind == "date":
        return _Part("TRY_CAST({x} AS DATE)", DAY)
    if kind == "timestamp":
        pattern = literal(INSTANT).replace("{", "{{").replace("}", "}}")
        return _Part(
            "TRY_CAST({x} AS TIMESTAMPTZ)",
            f"{{v}} BETWEEN {casts.INSTANTS} AND regexp_full_match({{x}}, {pattern})",
        )
    if kind == "double":
        # Up to 15 digits name a double each; of more, those that a double is written with.
        return _Part(
            "TRY_CAST({x} AS DOUBLE)",
            "{v} IS NOT NULL AND ({v} <> 0 OR NOT starts_with({x}, '-')) AND ({v}::VARCHAR = {x}"
            " OR (strlen({x}) < 16 AND NOT contains({x}, 'e') AND NOT contains({x}, 'E')))",
        )
    decimal = types.decimal_of(kind)
    if decimal:
        scale = decimal[1]
        return _Part(
            f"TRY_CAST({{x}} AS {sql_type})",
            "{v} IS NOT NULL"
            f" AND (NOT contains({{x}}, '.') OR strlen({{x}}) - strpos({{x}}, '.') <= {scale})",
        )
    return _Part(f"TRY_CAST({{x}} AS {sql_type})", "{v} IS NOT NULL")


def _list(inner: str) -> _Part:
    """An array: its elements' texts are typed and guarded as a value of their type is.

    Numbers are split as they were written; the JSON function would write them anew.
    """
    if inner in ("string", "boolean", "json"):
        form = literal(f'["{types.duckdb_type(inner)}"]')
        return _Part(f"TRY(from_json({{x}}, {form}))", "{v} IS NOT NULL")
    if inner in ("date", "timestamp"):
        each = "from_json({x}, '[\"VARCHAR\"]')"
    else:
        each = (
            f"list_filter(list_transform(string_split(substr({{x}}, 2, length({{x}}) - 2), ','),"
            f" lambda e: nullif(trim(e, {_BLANKS}), 'null')), lambda e: e IS NULL OR e <> '')"
        )
    one = _part(inner)
    cast = one.value.replace("{x}", "e")
    held = one.guard.replace("{x}", "e").replace("{v}", cast)
    return _Part(
        f"TRY(list_transform({each}, lambda e: {cast}))",
        f"{{v}} IS NOT NULL AND len(list_filter(TRY({each}),"
        f" lambda e: e IS NOT NULL AND ({held}) IS NOT TRUE)) = 0",
    )
