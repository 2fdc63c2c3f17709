"""SQL that parses a line and proves it: written back as the layout says, it is the same line.

A line is JSON text; DuckDB parses it leniently. But if the parsed values, written back in the
file's own layout, give the line byte for byte, then the line holds those fields, once each, of
those kinds and with those values, and nothing else. Text without an escape in it needs no check
of its own: at its first escape a line differs from what is written back, since a character stands
there in place of a backslash; only a backslash could be equal, and then the same holds for the
next character, until the string ends.

What remains are casts from text (doubles, decimals, dates, timestamps). Each has a guard that
takes less than :mod:`headgate.ingest.values` would, and never more. A line that is not proven is
absent from the result; the exact reader judges it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headgate.contracts import types
from headgate.contracts.model import Column
from headgate.core import json as hjson
from headgate.ingest import casts
from headgate.ingest.lines.layout import Key, Layout
from headgate.lake.engines.duckdb import UNGUARDING, identifier, literal

#: DuckDB pushes a filter through a projection by repeating what was projected, and so would parse
#: a line again for every mention of a field.
SETTINGS: Mapping[str, str] = {
    "disabled_optimizers": f"filter_pushdown,{UNGUARDING}",
    "TimeZone": "UTC",
}
_UTC_TEMPLATE = re.compile(r"0000-00-00T00:00:00(\.000|\.000000)?(Z|\+00:00)")
#: Instants of which DuckDB's cast takes exactly those that the exact look takes.
INSTANT = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?"
)
#: Longest text of a padded number that is cast to double: 15 digits, sign and point.
_SAFE_DIGITS = 17


@dataclass(frozen=True)
class _Part:
    """How one column is parsed, written back, cast and guarded.

    ``parsed`` is the type that the JSON function is asked for; ``written`` is SQL for the value
    as the line has it, over ``x``, what was parsed; ``value`` is SQL over ``x`` for the column;
    ``guard`` is SQL over ``x`` and ``v``, the value, and holds for what may be believed.
    """

    parsed: str
    written: str
    value: str
    guard: str = ""
    quoted: bool = False


def relation(
    source: str, columns: Sequence[Column], layout: Layout | None, *, clean: bool = False
) -> str:
    """The proven rows of ``source`` as a parenthesised query.

    ``source`` names a relation of ``line`` and ``_position``. ``clean`` says that hardly a line
    is no JSON: such a line then costs as much as thousands, and the others a tenth less. Without
    a layout nothing is proven.
    """
    parts = {c.name: _part(c, layout) for c in columns}
    keys = {k.field: k for k in layout.keys} if layout else {}
    if layout is None or not _provable(columns, parts, keys):
        nothing = ", ".join(
            f"NULL::{types.duckdb_type(c.type)} AS {identifier(c.name)}" for c in columns
        )
        return (
            f"(SELECT {nothing}, NULL::VARCHAR AS _rescued, _position FROM {source}"
            " WHERE line = '' AND _position < 0)"
        )
    spec = {c.field: parts[c.name].parsed for c in columns if c.field in keys}
    fields = {c.name: f"s.{identifier(c.field)}" for c in columns if c.field in keys}
    values, guards, inner = [], [], []
    for i, column in enumerate(columns):
        name, part = identifier(column.name), parts[column.name]
        if column.field not in keys:
            inner.append(f"NULL::{types.duckdb_type(column.type)} AS v{i}")
        else:
            x = fields[column.name]
            inner.append(f"{part.value.format(x=x)} AS v{i}")
            if part.guard:
                inner.append(f"{x} AS x{i}")
                guards.append(f"(x{i} IS NULL OR ({part.guard.format(x=f'x{i}', v=f'v{i}')}))")
        values.append(f"v{i} AS {name}")
    by_field = {c.field: parts[c.name] for c in columns}
    return (
        f"(SELECT {', '.join(values)}, NULL::VARCHAR AS _rescued, _position"
        f" FROM (SELECT {', '.join(inner)}, _position"
        f" FROM (SELECT line, _position, {_parse(spec, clean)} AS s FROM {source})"
        f" WHERE line = {_written(layout, by_field)})"
        f" WHERE {' AND '.join(guards) or 'TRUE'})"
    )


def _parse(spec: Mapping[str, str], clean: bool) -> str:
    """SQL that parses ``line``, NULL if it is no JSON.

    ``TRY`` costs nothing until one line of a vector fails; then it parses the vector's lines one
    by one. Asking first whether a line is JSON parses every line twice.
    """
    form = literal(hjson.dumps(spec))
    if clean:
        return f"TRY(from_json(line, {form}))"
    return f"from_json(CASE WHEN json_valid(line) THEN line END, {form})"


def _provable(
    columns: Sequence[Column], parts: Mapping[str, _Part], keys: Mapping[str, Key]
) -> bool:
    """Whether any line can be proven: DuckDB's structs know no case, and some types no proof."""
    lowered = [c.field.casefold() for c in columns]
    if len(set(lowered)) < len(lowered):
        return False
    return all(
        parts[c.name].written or keys[c.field].optional or keys[c.field].nullable
        for c in columns
        if c.field in keys
    )


def _written(layout: Layout, parts: Mapping[str, _Part]) -> str:
    """SQL that writes the line back, line feed included."""
    pieces: list[str] = []
    text = layout.opening
    trim = layout.keys[0].optional
    if trim:
        pieces, text = [], ""
    for index, key in enumerate(layout.keys):
        part, x = parts[key.field], f"s.{identifier(key.field)}"
        lead = ("" if index == 0 and not trim else layout.comma) + key.text + layout.colon
        quote = '"' if part.quoted else ""
        if not key.optional and not key.nullable:
            pieces += [literal(text + lead + quote), part.written.format(x=x)]
            text = quote
            continue
        # What cannot be proven is written as what no line has.
        value = part.written.format(x=x) if part.written else literal("\n")
        if key.null_text:
            whole = f"{literal(quote)} || {value} || {literal(quote)}" if quote else value
            if not part.written:
                whole = f"CASE WHEN {x} IS NOT NULL THEN {value} END"
            pieces += [literal(text + lead), f"coalesce({whole}, {literal(key.null_text)})"]
        else:
            whole = f"{literal(lead + quote)} || {value}" + (
                f" || {literal(quote)}" if quote else ""
            )
            if not part.written:
                whole = f"CASE WHEN {x} IS NOT NULL THEN {value} END"
            pieces += [literal(text), f"coalesce({whole}, '')"]
        text = ""
    body = [p for p in pieces if p != "''"]
    if trim:
        # Every field comes with a comma before it; the first one's is cut off again.
        rest = f"substr(concat({', '.join([*body, literal(text)])}), {len(layout.comma) + 1})"
        return f"concat({literal(layout.opening)}, {rest}, {literal(layout.closing)})"
    return f"concat({', '.join([*body, literal(text + layout.closing)])})"


def _part(column: Column, layout: Layout | None) -> _Part:
    kind = column.type
    found = [k for k in layout.keys if k.field == column.field] if layout else []
    if layout is None or not found:
        return _Part("VARCHAR", "", "")
    key, sql_type = found[0], types.duckdb_type(kind)
    decimal, inner = types.decimal_of(kind), types.element(kind)
    if kind in ("long", "integer", "boolean"):
        return _Part(sql_type, "{x}::VARCHAR", "{x}")
    if kind == "string":
        return _Part("VARCHAR", _escaped(layout) if key.escaped else "{x}", "{x}", quoted=True)
    if kind == "double":
        return _double(key)
    if decimal:
        return _decimal(key, sql_type, *decimal)
    if kind == "timestamp":
        return _instant(key.templates)
    if kind == "date":
        return _Part("VARCHAR", "{x}", "TRY_CAST({x} AS DATE)", DAY, quoted=True)
    if inner in ("long", "integer", "boolean"):
        text = "{x}::VARCHAR"
        if layout.list_comma != ", ":
            text = f"replace({text}, ', ', {literal(layout.list_comma)})"
        return _Part(sql_type, text, "{x}")
    if inner and not types.element(inner) and inner != "json":
        return _list(column, key, layout, inner)
    return _Part("JSON", "", f"NULL::{sql_type}")


def _list(column: Column, key: Key, layout: Layout, inner: str) -> _Part:
    """An array whose elements are each written, cast and guarded as a value of their type is.

    A null among the elements is passed over when they are written, so that it proves nothing.
    """
    one = _part(replace(column, type=inner), layout)
    quote = '"' if one.quoted else ""
    between = literal(quote + layout.list_comma + quote)
    each = "{x}"
    if one.written != "{x}":
        each = f"list_transform({{x}}, lambda e: {one.written.replace('{x}', 'e')})"
    written = (
        f"CASE WHEN len({{x}}) = 0 THEN '[]' ELSE {literal('[' + quote)}"
        f" || array_to_string({each}, {between}) || {literal(quote + ']')} END"
    )
    if one.value == "{x}":
        return _Part(f"{one.parsed}[]", written, "{x}")
    cast = one.value.replace("{x}", "e")
    held = one.guard.replace("{x}", "e").replace("{v}", cast)
    return _Part(
        f"{one.parsed}[]",
        written,
        f"list_transform({{x}}, lambda e: {cast})",
        f"len(list_filter({{x}}, lambda e: ({held}) IS NOT TRUE)) = 0",
    )


def _double(key: Key) -> _Part:
    if key.scale is not None:
        return _Part(
            f"DECIMAL(18,{min(key.scale, 18)})",
            "{x}::VARCHAR",
            "TRY_CAST({x}::VARCHAR AS DOUBLE)",
            f"{{v}} IS NOT NULL AND strlen({{x}}::VARCHAR) < {_SAFE_DIGITS}",
        )
    # The JSON function writes a fraction as the shortest text that names the double, so that a
    # line that agrees is what the double says; only whole numbers need a bound, below which each
    # is a double of its own.
    return _Part("VARCHAR", "{x}", "TRY_CAST({x} AS DOUBLE)", "abs({v}) < 9007199254740992")


def _decimal(key: Key, sql_type: str, precision: int, scale: int) -> _Part:
    if key.scale is not None and key.scale <= scale:
        parsed = f"DECIMAL(18,{min(key.scale, 18)})"
        return _Part(
            parsed,
            "{x}::VARCHAR",
            f"TRY_CAST({{x}} AS {sql_type})",
            f"{{v}} IS NOT NULL AND strlen({{x}}::VARCHAR) < {_SAFE_DIGITS}",
        )
    return _Part(
        "VARCHAR",
        "{x}",
        f"TRY_CAST({{x}} AS {sql_type})",
        "{v} IS NOT NULL AND NOT contains({x}, 'e')"
        f" AND (NOT contains({{x}}, '.') OR strlen({{x}}) - strpos({{x}}, '.') <= {scale})",
    )


_NO_BLANK = "{x} >= '0001' AND NOT contains({x}, ' ')"
#: What holds for a day ``v`` that the text ``x`` names.
DAY = f"{{v}} IS NOT NULL AND {{x}} LIKE '____-__-__' AND {{x}} < ':' AND {_NO_BLANK}"


def _instant(templates: Sequence[str]) -> _Part:
    """A timestamp: cheap where the file has one UTC form, by regular expression else.

    DuckDB's strptime takes no more digits for a part than it has, so a text of the whole length
    has each part in full; it passes over blanks at both ends.
    """
    match = _UTC_TEMPLATE.fullmatch(templates[0]) if len(templates) == 1 else None
    if match is None:
        pattern = literal(INSTANT).replace("{", "{{").replace("}", "}}")
        return _Part(
            "VARCHAR",
            "{x}",
            "TRY_CAST({x} AS TIMESTAMPTZ)",
            f"{{v}} BETWEEN {casts.INSTANTS} AND regexp_full_match({{x}}, {pattern})",
            quoted=True,
        )
    fraction = {None: "", ".000": ".%g", ".000000": ".%f"}[match[1]]
    form = literal(f"%Y-%m-%dT%H:%M:%S{fraction}{match[2]}")
    return _Part(
        "VARCHAR",
        "{x}",
        f"make_timestamptz(epoch_us(try_strptime({{x}}, {form})))",
        f"{{v}} IS NOT NULL AND strlen({{x}}) = {len(templates[0])} AND {_NO_BLANK}",
        quoted=True,
    )


def _escaped(layout: Layout) -> str:
    """SQL that escapes the text ``x`` as the file does; without special characters it is itself."""
    pairs = {"\\": "\\\\", '"': '\\"'} | dict(layout.escapes)
    first = [("\\", pairs.pop("\\")), ('"', pairs.pop('"'))]
    text, special = "{x}", []
    for char, form in [*first, *pairs.items()]:
        text = f"replace({text}, {_braced(char)}, {_braced(form)})"
        if char.isascii():
            special.append(f"contains({{x}}, {_braced(char)})")
    if any(not char.isascii() for char in pairs):
        special.append("strlen({x}) <> length({x})")
    return f"CASE WHEN {' OR '.join(special)} THEN {text} ELSE {{x}} END"


def _braced(text: str) -> str:
    return literal(text).replace("{", "{{").replace("}", "}}")
