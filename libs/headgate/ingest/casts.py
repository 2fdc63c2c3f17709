"""Which typed values become which column types without loss, as SQL with a guard where needed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from headgate.contracts import types
from headgate.core import json as hjson
from headgate.lake.engines.duckdb import identifier, literal

#: Years that dates and timestamps may have, as SQL bounds.
DATES = "DATE '0001-01-01' AND DATE '9999-12-31'"
INSTANTS = "TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"
_EXACT_IN_DOUBLE = "BETWEEN -9007199254740992 AND 9007199254740992"
_SMALL = {"TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER"}
_INTEGERS = _SMALL | {"UINTEGER", "BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"}
_NAIVE = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS"}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


class Cast(NamedTuple):
    """SQL for the value, over ``{x}``; and for when it may be believed, over ``{x}`` and ``{v}``
    (empty: always)."""

    value: str
    guard: str = ""


def lossless(source: str, kind: str) -> Cast | None:
    """How a DuckDB value of type ``source`` becomes the column type ``kind``, or None.

    None means that no cheap cast is lossless; the exact path judges such values one by one.
    """
    target = types.duckdb_type(kind)
    if kind in ("long", "integer"):
        return _to_integer(source, target)
    if kind == "double":
        return _to_double(source)
    if types.decimal_of(kind):
        return _to_decimal(source, target)
    if kind == "timestamp":
        return _to_instant(source)
    if kind == "date" and source == "DATE":
        return Cast("{x}", f"{{v}} BETWEEN {DATES}")
    if (kind, source) in (("string", "VARCHAR"), ("boolean", "BOOLEAN")):
        return Cast("{x}")
    if kind == "string" and source in ("JSON", "UUID"):
        return Cast("{x}::VARCHAR")
    inner = types.element(kind)
    if inner and source.endswith("[]"):
        one = lossless(source[:-2], inner)
        if one and not one.guard:
            return Cast(f"{{x}}::{target}")
    return None


def _to_integer(source: str, target: str) -> Cast | None:
    if source == target or source in _SMALL or (source, target) == ("UINTEGER", "BIGINT"):
        return Cast(f"{{x}}::{target}")
    if source in _INTEGERS:
        return Cast(f"TRY_CAST({{x}} AS {target})", "{v} IS NOT NULL")
    if source in ("FLOAT", "DOUBLE"):
        # Whole numbers come as fractions from programs that have no other missing integer.
        return Cast(
            f"TRY_CAST({{x}} AS {target})",
            f"{{v}} IS NOT NULL AND {{v}}::DOUBLE = {{x}} AND {{v}} {_EXACT_IN_DOUBLE}",
        )
    return None


def _to_double(source: str) -> Cast | None:
    if source in ("FLOAT", "DOUBLE") or source in _SMALL:
        return Cast("{x}::DOUBLE")
    if source in _INTEGERS:
        return Cast("{x}::DOUBLE", f"{{x}} {_EXACT_IN_DOUBLE}")
    return None


def _to_decimal(source: str, target: str) -> Cast | None:
    if source == target:
        return Cast("{x}")
    if source in _INTEGERS:
        return Cast(f"TRY_CAST({{x}} AS {target})", "{v} IS NOT NULL")
    if _DECIMAL.fullmatch(source):
        return Cast(f"TRY_CAST({{x}} AS {target})", "{v} IS NOT NULL AND {v} = {x}")
    return None


def _to_instant(source: str) -> Cast | None:
    if source == "TIMESTAMP WITH TIME ZONE":
        return Cast("{x}", f"{{v}} BETWEEN {INSTANTS}")
    if source in _NAIVE:
        # A time without a zone is UTC; this way costs a tenth of a cast.
        micros = "epoch_us({x})" if source == "TIMESTAMP" else "epoch_us({x}::TIMESTAMP)"
        return Cast(f"make_timestamptz({micros})", f"{{v}} BETWEEN {INSTANTS}")
    if source == "TIMESTAMP_NS":
        return Cast("make_timestamptz(epoch_ns({x}) // 1000)", "epoch_ns({x}) % 1000 = 0")
    return None


def rescued(columns: Mapping[str, str], at: Mapping[str, str] | None = None) -> Cast | None:
    """The fields that no contract names (by name, with their DuckDB types) as one JSON text.

    NULL fields are left out, and the text is NULL if all are. The guard ranges over the fields
    themselves, which ``at`` calls by other names. None stands for no fields.
    """
    if not columns:
        return None
    parts, guards = [], []
    known = {name: identifier((at or {}).get(name, name)) for name in columns}
    for name, kind in sorted(columns.items()):
        x = known[name]
        text, guard = _as_json(x, kind)
        if guard:
            guards.append(f"({x} IS NULL OR {guard})")
        lead = literal(hjson.dumps(name) + ":")
        parts.append(f"CASE WHEN {x} IS NOT NULL THEN {lead} || {text} END")
    none = " AND ".join(f"{x} IS NULL" for x in known.values())
    joined = f"'{{' || array_to_string([{', '.join(parts)}], ',') || '}}'"
    return Cast(f"CASE WHEN NOT ({none}) THEN {joined} END", " AND ".join(guards))


def _as_json(x: str, kind: str) -> tuple[str, str]:
    if kind in _INTEGERS or kind == "BOOLEAN":
        return f"{x}::VARCHAR", ""
    if kind == "VARCHAR":
        # Control characters are escaped in more than one way.
        return f"to_json({x})::VARCHAR", f"NOT contains(to_json({x})::VARCHAR, '\\u00')"
    if kind == "DOUBLE":
        return f"to_json({x})::VARCHAR", f"(isfinite({x}) AND NOT contains({x}::VARCHAR, 'e'))"
    return "''", "FALSE"
