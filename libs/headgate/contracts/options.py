"""ODCS ``logicalTypeOptions`` and the other limits of one column, as kinds of rules and arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from headgate.contracts import types
from headgate.contracts.custom import snake
from headgate.contracts.formats import FORMATS
from headgate.core.errors import ContractError

#: Name within the column's rules, kind of rule, arguments.
Found = tuple[str, str, dict[str, Any]]

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
#: The options of each logical type that mean something here.
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": (*_BOUNDS, "multipleOf", "format"),
    "number": (*_BOUNDS, "multipleOf", "format"),
    "date": (*_BOUNDS, "format"),
    "timestamp": (*_BOUNDS, "format", "timezone", "defaultTimezone"),
    "time": (*_BOUNDS, "format", "timezone", "defaultTimezone"),
    "array": ("minItems", "maxItems", "uniqueItems"),
    "object": ("minProperties", "maxProperties", "required"),
}
#: Formats of texts that only tell people what a text is.
_HINTS = ("password", "binary")
_FLOAT = 3.4028234663852886e38
_UTC = ("utc", "etc/utc", "z", "gmt", "etc/gmt", "+00:00")
#: The JDK's patterns of the forms of ISO 8601 that readers take.
_DAY = "yyyy-MM-dd"
_HOUR = r"HH:mm(:ss(\.S{1,6}|\[\.S{1,6}\])?)?"
_FORMATS = {
    "date": re.compile(_DAY),
    "time": re.compile(_HOUR),
    "timestamp": re.compile(
        rf"{_DAY}(?: |T|'T')" + _HOUR + r" ?(?:\[?(?:X{1,3}|x{1,3}|Z|'Z')\]?)?"
    ),
}
_TYPED_LENGTH = re.compile(r"(?:n?varchar|character varying|char|bpchar)\((\d+)\)", re.IGNORECASE)


def of(prop: Mapping[str, Any], place: str) -> Iterator[Found]:
    """What a column's options, physical type and enumeration demand of each of its values.

    Raises:
        ContractError: an option means nothing here, and a promise that nobody keeps is worse than
            none.
    """
    logical, given = str(prop.get("logicalType", "string")), prop.get("logicalTypeOptions") or {}
    known = _KNOWN.get(logical, ())
    for option in given:
        if option not in known:
            told = f"Say it as a quality rule, or use one of {', '.join(sorted(known))}."
            raise _refusal(option, f"is not judged for a {logical}.", told, place)
    if length := _TYPED_LENGTH.fullmatch(str(prop.get("physicalType", "")).strip()):
        given = {"maxLength": int(length[1]), **given}
    yield from _limits(given, logical)
    if logical == "time":
        yield "time", "format", {"value": "time"}
    if "format" in given:
        yield from _format(str(given["format"]), logical, prop, place)
    _zone(given, place)
    if prop.get("enum"):
        values = [e["value"] if isinstance(e, Mapping) else e for e in prop["enum"]]
        yield "enum", "accepted_values", {"values": values}


def _limits(given: Mapping[str, Any], logical: str) -> Iterator[Found]:
    for option in ("minLength", "maxLength", "minItems", "maxItems", "minProperties",
                   "maxProperties"):  # fmt: skip
        if option in given:
            yield snake(option), snake(option), {"value": given[option]}
    for option in _BOUNDS:
        if option in given:
            side = "minimum" if option.lower().endswith("minimum") else "maximum"
            kind = {"minimum": "earliest", "maximum": "latest"}[side] if logical == "time" else side
            arguments = {"value": given[option], "exclusive": option.startswith("exclusive")}
            yield snake(option), kind, arguments
    if "multipleOf" in given:
        yield "multiple_of", "multiple_of", {"value": given["multipleOf"]}
    if given.get("uniqueItems"):
        yield "unique_items", "unique_items", {}
    if given.get("required"):
        yield "required_properties", "required_properties", {"values": list(given["required"])}
    if "pattern" in given:
        yield "pattern", "pattern", {"value": given["pattern"]}


def _format(name: str, logical: str, prop: Mapping[str, Any], place: str) -> Iterator[Found]:
    """A form of texts, the width of numbers, or how dates and times are written."""
    if logical == "string" and name not in _HINTS:
        if name not in FORMATS:
            told = f"Write a pattern, or use one of {', '.join([*FORMATS, *_HINTS])}."
            raise _refusal("format", f"{name!r} is not known.", told, place)
        yield "format", "format", {"value": name}
    elif logical == "integer":
        low, high = types.WIDTHS[name]
        yield "format_minimum", "minimum", {"value": low, "exclusive": False}
        yield "format_maximum", "maximum", {"value": high, "exclusive": False}
    elif logical == "number" and name == "f32":
        yield "format_minimum", "minimum", {"value": -_FLOAT, "exclusive": False}
        yield "format_maximum", "maximum", {"value": _FLOAT, "exclusive": False}
    elif logical in _FORMATS and not _FORMATS[logical].fullmatch(name):
        told = "Sources are read as ISO 8601 (yyyy-MM-dd, HH:mm:ss); take others as text."
        raise _refusal("format", f"{name!r} is not read.", told, place)


def _zone(given: Mapping[str, Any], place: str) -> None:
    """An instant without a zone is UTC, everywhere: nothing here reads it otherwise."""
    zone = given.get("defaultTimezone")
    if zone is not None and str(zone).lower() not in _UTC:
        raise _refusal(
            "defaultTimezone",
            f"{zone!r} is not kept: instants without an offset are read as UTC.",
            "Deliver them with their offset or in UTC, and leave defaultTimezone out.",
            place,
        )


def _refusal(option: str, why: str, remedy: str, place: str) -> ContractError:
    return ContractError(
        f"logicalTypeOptions.{option} {why}",
        remedy=remedy,
        place=f"{place}/logicalTypeOptions/{option}",
    )
