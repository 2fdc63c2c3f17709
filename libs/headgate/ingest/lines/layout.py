"""How a file of JSON lines is written: learned from its first lines, proven line by line later."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from headgate.contracts import types
from headgate.contracts.model import Column
from headgate.core import json as hjson
from headgate.ingest import jsontext

#: Lines that a layout is learned from.
SAMPLE = 256
#: Escaped characters that are told apart at most; a line with another one is read exactly.
ESCAPES = 64
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\."
)
_DIGIT = re.compile(r"[0-9]")


@dataclass(frozen=True)
class Key:
    """How one field is written.

    ``text`` is its name as written, quotes included. ``optional``: some lines leave it out;
    ``nullable``: some write null; ``null_text`` is what stands for a NULL (empty if it is left
    out). ``escaped``: its strings hold escapes. ``templates``: the forms its values have, with 0
    for every digit but an offset's (dates and timestamps). ``scale``: the digits after the point that all its
    numbers have where some of them are noughts at the end (``1.50``), else None.
    """

    field: str
    text: str
    optional: bool = False
    nullable: bool = False
    null_text: str = "null"
    escaped: bool = False
    templates: tuple[str, ...] = ()
    scale: int | None = None


@dataclass(frozen=True)
class Layout:
    """How a file writes its lines: signs, order of the fields, and what each field looks like.

    ``escapes`` maps characters to the escapes that stand for them; ``list_comma`` separates the
    elements of arrays; ``share`` of the sample was written so.
    """

    opening: str
    colon: str
    comma: str
    closing: str
    list_comma: str
    keys: tuple[Key, ...]
    escapes: Mapping[str, str] = field(default_factory=dict)
    share: float = 1.0


class _Line(NamedTuple):
    text: str
    fields: list[jsontext.Field]
    signs: tuple[str, str, str, str]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields)

    def value(self, one: jsontext.Field) -> str:
        return self.text[one.start : one.end]


def learn(lines: Iterable[bytes], columns: Sequence[Column]) -> Layout | None:
    """The layout that most of ``lines`` (with their line ends) share, or None if there is none.

    Lines that are no JSON objects, name unknown fields or are written in another way are passed
    over: whether a line is as the layout says is proven for each line when it is read.
    """
    known = {c.field: c.type for c in columns}
    total, parsed = 0, []
    for raw in lines:
        total += 1
        line = _parse(raw)
        if line and set(line.names) <= known.keys():
            parsed.append(line)
    if not parsed:
        return None
    signs = Counter(line.signs for line in parsed).most_common(1)[0][0]
    alike = [line for line in parsed if line.signs == signs]
    order = _order(Counter(line.names for line in alike))
    fitting = [line for line in alike if _fits(line.names, order)]
    if not order or not fitting:
        return None
    # A field that the sample does not show is expected where the contract has it.
    order = _with_unseen(order, [c.field for c in columns])
    seen: dict[str, list[str]] = {name: [] for name in order}
    texts = {name: hjson.dumps(name) for name in order}
    for line in fitting:
        for one in line.fields:
            seen[one.name].append(line.value(one))
            texts[one.name] = line.text[one.key_start : one.key_end]
    opening, colon, comma, closing = signs
    return Layout(
        opening,
        colon,
        comma,
        closing,
        _list_comma(v for n, vs in seen.items() if types.element(known[n]) for v in vs),
        tuple(_key(n, texts[n], seen[n], known[n], len(fitting)) for n in order),
        _escapes(v for vs in seen.values() for v in vs),
        len(fitting) / total,
    )


def _parse(raw: bytes) -> _Line | None:
    try:
        text = raw.decode("utf-8")
        record = hjson.loads_strict(text)
        if not isinstance(record, dict) or not record or not text.endswith("\n"):
            return None
        found = jsontext.fields(text)
    except (ValueError, RecursionError):
        return None
    colons = {text[f.key_end : f.start] for f in found}
    commas = {text[a.end : b.key_start] for a, b in pairwise(found)}
    if len(colons) != 1 or len(commas) > 1:
        return None
    # A line of one field does not show the comma; it is taken to be spaced as the colon is.
    colon = colons.pop()
    comma = commas.pop() if commas else "," + colon.removeprefix(":")
    return _Line(text, found, (text[: found[0].key_start], colon, comma, text[found[-1].end :]))


def _order(seen: Counter[tuple[str, ...]]) -> list[str]:
    """One order of all fields that most lines follow."""
    order: list[str] = []
    for names, _ in seen.most_common():
        common = [n for n in order if n in names]
        if common != [n for n in names if n in order]:
            continue
        place = 0
        for name in names:
            if name in order:
                place = order.index(name) + 1
            else:
                order.insert(place, name)
                place += 1
    return order


def _with_unseen(order: Sequence[str], names: Sequence[str]) -> list[str]:
    found = list(order)
    for index, name in enumerate(names):
        if name not in found:
            before = [found.index(n) for n in names[:index] if n in found]
            found.insert(before[-1] + 1 if before else 0, name)
    return found


def _fits(names: Sequence[str], order: Sequence[str]) -> bool:
    places = [order.index(n) for n in names if n in order]
    return len(places) == len(names) and places == sorted(places)


def _key(name: str, text: str, seen: Sequence[str], kind: str, lines: int) -> Key:
    nulls = seen.count("null")
    absent = lines - len(seen)
    present = [v for v in seen if v != "null"]
    inner = types.element(kind)
    if inner:
        present = [e for v in present if v.startswith("[") for e in jsontext.elements(v)]
        kind = inner
    templates: tuple[str, ...] = ()
    scale: int | None = None
    if kind in ("date", "timestamp"):
        forms = Counter(_template(v[1:-1]) for v in present)
        templates = tuple(form for form, _ in forms.most_common(4))
    if kind == "double" or types.decimal_of(kind):
        scales = Counter(len(v.partition(".")[2]) for v in present)
        padded = any(v.endswith("0") and len(v.partition(".")[2]) > 1 for v in present)
        if len(scales) == 1 and padded:
            scale = next(iter(scales))
    return Key(
        name,
        text,
        optional=absent > 0,
        nullable=nulls > 0,
        null_text="" if absent > nulls else "null",
        escaped=any("\\" in v for v in present),
        templates=templates,
        scale=scale,
    )


def _template(text: str) -> str:
    """The text with 0 for every digit but those of an offset from UTC."""
    sign = max(text.rfind("+"), text.rfind("-")) if len(text) > 16 else -1
    end = sign if sign >= 16 else len(text)
    return _DIGIT.sub("0", text[:end]) + text[end:]


def _list_comma(seen: Iterable[str]) -> str:
    commas: Counter[str] = Counter()
    for value in seen:
        if value.startswith("["):
            parts = jsontext.elements(value)
            if len(parts) > 1:
                rest = value[1 + len(parts[0]) : value.index(parts[1], 1 + len(parts[0]))]
                commas[rest] += 1
    return commas.most_common(1)[0][0] if commas else ", "


def _escapes(seen: Iterable[str]) -> dict[str, str]:
    forms: Counter[str] = Counter()
    for value in seen:
        if "\\" in value:
            forms.update(_ESCAPE.findall(value))
    found: dict[str, str] = {}
    for form, _ in forms.most_common(ESCAPES):
        char = hjson.loads(f'"{form}"')
        if char != "\0" and not "\ud800" <= char <= "\udfff":  # SQL can say neither
            found.setdefault(char, form)
    return found
