"""Which of two row rules lets more rows pass: what decides whether stored rows must be judged anew."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from headgate.contracts.model import SEVERITIES, Rule
from headgate.core import json as hjson

TIGHTENS, LOOSENS = "tightens", "loosens"


def keeps_out(rule: Rule) -> bool:
    """Whether a row that breaks the rule stays out of the table."""
    return rule.scope == "row" and rule.severity != "warn"


def as_strict(old: Rule, new: Rule, renamed: Mapping[str, str] | None = None) -> bool:
    """Whether every row that ``old`` let into the table holds ``new``, as far as the two tell.

    ``renamed`` maps old names of columns to new ones.
    """
    column = (renamed or {}).get(old.column or "", old.column)
    if not keeps_out(old) or (old.kind, column) != (new.kind, new.column):
        return False
    if _same(old.arguments, new.arguments):
        return True
    looser = _LOOSER.get(old.kind)
    try:
        return looser is not None and looser(old.arguments, new.arguments)
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return False


def direction(old: Rule, new: Rule, renamed: Mapping[str, str] | None = None) -> str:
    """Whether a rule that changed promises more or less; what cannot be told counts as more.

    Gives :data:`TIGHTENS`, :data:`LOOSENS`, or nothing if it promises the same.
    """
    column = (renamed or {}).get(old.column or "", old.column)
    before, after = (dataclasses.replace(r, scope="row", severity="fail") for r in (old, new))
    back = {b: a for a, b in (renamed or {}).items()}
    looser, tighter = as_strict(before, after, renamed), as_strict(after, before, back)
    severity = SEVERITIES.index(new.severity) - SEVERITIES.index(old.severity)
    if (old.kind, column) != (new.kind, new.column) or not (looser or tighter) or severity > 0:
        return TIGHTENS
    if looser and tighter:
        return LOOSENS if severity < 0 else ""
    return LOOSENS if looser else TIGHTENS


def _same(one: Any, other: Any) -> bool:
    return hjson.dumps(one) == hjson.dumps(other)


def _number(value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError(value)
    return Fraction(Decimal(str(value)))


def _comparable(value: Any) -> Any:
    """A bound as something that compares: a number, or a text of ISO 8601 as an instant in UTC."""
    if isinstance(value, str):
        if len(value) < 10:
            return dt.time.fromisoformat(value)
        found = dt.datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    return _number(value)


def _wider(lower: bool) -> Callable[[Mapping[str, Any], Mapping[str, Any]], bool]:
    """The new bound lies outside the old one, or on it without excluding more."""

    def looser(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        a, b = _comparable(old["value"]), _comparable(new["value"])
        if a == b:
            return bool(old.get("exclusive")) or not new.get("exclusive")
        return bool(b < a if lower else b > a)

    return looser


def _accepted(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    allowed = {hjson.dumps(v) for v in new["values"]}
    return {hjson.dumps(v) for v in old["values"]} <= allowed


def _fewer(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return set(new["values"]) <= set(old["values"])


def _divides(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return (_number(old["value"]) / _number(new["value"])).denominator == 1


def _same_parent(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """What becomes of a row without a parent matters only to rows that are not there."""
    return all(_same(old[k], new[k]) for k in ("columns", "parent", "parent_columns"))


_LOOSER: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], bool]] = {
    **dict.fromkeys(("min_length", "min_items", "min_properties", "minimum", "earliest"), _wider(True)),
    **dict.fromkeys(("max_length", "max_items", "max_properties", "maximum", "latest"), _wider(False)),
    "accepted_values": _accepted,
    "required_properties": _fewer,
    "multiple_of": _divides,
    "foreign_key": _same_parent,
}  # fmt: skip
