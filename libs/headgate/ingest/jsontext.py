"""JSON as text: where the fields of an object stand in a line, and what can be left out of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from headgate.core import json as hjson

_SPACE = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_BLANKS = frozenset(" \t\r\n")
_PARTS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[^" \t\r\n]+')


class Field(NamedTuple):
    """One field of an object: its name, and where its name and its value stand in the text."""

    name: str
    key_start: int
    key_end: int
    start: int
    end: int


def fields(text: str) -> list[Field]:
    """The fields of the JSON object that ``text`` is, in order.

    Raises:
        ValueError: the text is not a JSON object.
    """
    found: list[Field] = []
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        raise ValueError("not an object")
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        if found:
            if text[at : at + 1] != ",":
                raise ValueError(f"no comma at {at}")
            at = _skip(text, at + 1)
        key, key_end = hjson.value_at(text, at)
        colon = _skip(text, key_end)
        if text[colon : colon + 1] != ":":
            raise ValueError(f"no colon at {colon}")
        start = _skip(text, colon + 1)
        end = hjson.value_at(text, start)[1]
        found.append(Field(key, at, key_end, start, end))
        at = _skip(text, end)
    return found


def elements(text: str) -> list[str]:
    """The texts of the elements of the JSON array that ``text`` is, in order.

    Raises:
        ValueError: the text is not a JSON array.
    """
    found: list[str] = []
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError("not an array")
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        if found:
            if text[at : at + 1] != ",":
                raise ValueError(f"no comma at {at}")
            at = _skip(text, at + 1)
        end = hjson.value_at(text, at)[1]
        found.append(text[at:end])
        at = _skip(text, end)
    return found


def compact(text: str) -> str:
    """The JSON text as it was written, without the white space between its parts."""
    return "".join(_PARTS.findall(text))


def canonical_object(parts: Mapping[str, str]) -> str:
    """An object in sorted field order, from field names and the JSON texts of their values."""
    return "{" + ",".join(f"{name(k)}:{v}" for k, v in sorted(parts.items())) + "}"


@lru_cache(maxsize=10_000)
def name(field: str) -> str:
    """A field's name as JSON text."""
    return hjson.dumps(field)


def nested_object(parts: Mapping[tuple[str, ...], str]) -> str:
    """Objects in sorted field order around the JSON texts of values at their paths; no path leads
    on from another."""
    below: dict[str, dict[tuple[str, ...], str]] = {}
    for path, text in parts.items():
        below.setdefault(path[0], {})[path[1:]] = text
    return canonical_object({k: v[()] if () in v else nested_object(v) for k, v in below.items()})


def _skip(text: str, at: int) -> int:
    if text[at : at + 1] not in _BLANKS:
        return at
    found = _SPACE.match(text, at)
    return found.end() if found else at


def lone_surrogate(text: str, value: object) -> str:
    """What is wrong with the first text in ``value`` that UTF-8 cannot carry, empty if there is
    none; ``text`` is how the value was written."""
    return _lone_surrogate(value) if _SURROGATE.search(text) else ""


def _lone_surrogate(value: object) -> str:
    """What is wrong with the first text that UTF-8 cannot carry, empty if there is none."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            half = value[error.start].encode("ascii", "backslashreplace").decode("ascii")
            return f"{half} without its other half"
    elif isinstance(value, dict):
        return next(filter(None, map(_lone_surrogate, [*value, *value.values()])), "")
    elif isinstance(value, list):
        return next(filter(None, map(_lone_surrogate, value)), "")
    return ""
