"""An independent account of a file's records: where each begins and ends, and what becomes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.reliability.fuzz.judge import Codes, JsonText, Row, Twice, Unfit, broken, parsed, typed
from tests.reliability.fuzz.promises import Column, Promise

MAX_RECORD, MAX_NESTING = 20_000, 256
_SPACES = re.compile(r'"(?:[^"\\]|\\.)*"|[ \t\r\n]+')
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_BLANK = re.compile(r"[ \t\r\n]*")
_LOOSE = json.JSONDecoder(parse_float=str, parse_int=str)


@dataclass(frozen=True)
class Ended:
    """What became of a record before its key was looked at: a row, or why it is refused."""

    position: int
    raw: object
    row: Row | None = None
    codes: Codes = frozenset()
    rescued: Any = None


def ended(promise: Promise, position: int, raw: object, row: Row, rescued: Any = None) -> Ended:
    """A record whose values could be typed, judged by the rules."""
    codes = broken(promise, row)
    return Ended(position, raw, None if codes else row, codes, rescued)


def refused(position: int, raw: object, *codes: str) -> Ended:
    """A record that could not be read."""
    return Ended(position, raw, None, frozenset(codes))


# JSON lines, and records of JSON documents.


def of_lines(promise: Promise, data: bytes) -> Iterator[Ended]:
    """The records of a file of JSON lines."""
    lines = data.split(b"\n")
    last_ended = lines[-1] == b""
    if last_ended:
        lines.pop()
    for position, line in enumerate(lines, 1):
        whole = last_ended or position < len(lines)
        yield of_json(promise, position, line.removesuffix(b"\r"), len(line), whole, {})


def of_elements(promise: Promise, elements: list[bytes], around: dict[str, Any]) -> Iterator[Ended]:
    """The records of a document that holds these elements, and ``around`` them these fields."""
    for position, element in enumerate(elements, 1):
        yield of_json(promise, position, element, len(element), True, around)


def of_json(
    promise: Promise, position: int, raw: bytes, size: int, whole: bool, around: dict[str, Any]
) -> Ended:
    """One record of JSON; ``whole`` unless the file ends inside it."""
    if size > MAX_RECORD and len(raw) > MAX_RECORD:
        return refused(position, raw, "line_too_long")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        cut = not whole and error.reason == "unexpected end of data"
        return refused(position, raw, "truncated" if cut else "invalid_utf8")
    if not text or text.isspace():
        return refused(position, raw, "empty_line")
    deep = _depth(text) > MAX_NESTING
    try:
        value = parsed(text)
    except Twice:
        return refused(position, raw, "nesting_too_deep" if deep else "duplicate_field")
    except (ValueError, RecursionError):
        return refused(
            position,
            raw,
            "nesting_too_deep" if deep else "malformed_json" if whole else "truncated",
        )
    if deep:
        return refused(position, raw, "nesting_too_deep")
    if type(value) is not dict:
        return refused(position, raw, "not_an_object")
    if "\\u" in text and half(value):
        return refused(position, raw, "lone_surrogate")
    return of_object(promise, position, raw, value, text, around)


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _BRACKETS.finditer(text):
        if match[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "]}":
            depth -= 1
    return deepest


def half(value: Any) -> bool:
    """Whether some text in the value holds half of a surrogate pair."""
    if isinstance(value, str):
        return any("\ud800" <= sign <= "\udfff" for sign in value)
    if isinstance(value, dict):
        return any(half(k) or half(v) for k, v in value.items())
    return isinstance(value, list) and any(map(half, value))


def of_object(
    promise: Promise, position: int, raw: object, value: dict[str, Any], text: str,
    around: dict[str, Any],
) -> Ended:  # fmt: skip
    """A record that is an object: each column's value looked up and typed."""
    row: Row = {}
    codes: set[str] = set()
    for column in promise.columns:
        try:
            found = _at(value if column.of_record else around, column)
            if found is not None and column.kind == "json":
                found = JsonText(_text_at(text, column.steps) if column.of_record else "")
            row[column.name] = _digits(column, found)
        except Unfit as unfit:
            codes.add(str(unfit))
    if codes:
        return Ended(position, raw, None, frozenset(codes))
    return ended(promise, position, raw, row, _unknown(promise, value) or None)


def _at(value: Any, column: Column) -> Any:
    for step in column.steps:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise Unfit("type_mismatch")
        value = value.get(step)
    return value


def _digits(column: Column, value: Any) -> Any:
    if value is None:
        return None
    if column.digits and type(value) is int:
        return str(value)
    return typed(column.kind, value)


def _text_at(text: str, steps: tuple[str, ...]) -> str:
    """The JSON text that stands at a place, without spaces."""
    for step in steps:
        text = dict(_fields(text))[step]
    return _SPACES.sub(lambda m: m[0] if m[0][0] == '"' else "", text)


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """The fields of an object, which is known to be one, and the texts of their values."""
    at = text.index("{") + 1
    while text[(at := _BLANK.match(text, at).end())] != "}":  # type: ignore[union-attr]
        key, at = _LOOSE.raw_decode(text, at)
        start = _BLANK.match(text, text.index(":", at) + 1).end()  # type: ignore[union-attr]
        _, at = _LOOSE.raw_decode(text, start)
        yield key, text[start:at]
        at = _BLANK.match(text, at).end()  # type: ignore[union-attr]
        at += text[at] == ","


def _unknown(promise: Promise, value: dict[str, Any]) -> dict[str, Any]:
    """The fields of a record that neither a column nor ``ignore`` names, nested as they stand."""
    columns = {c.steps for c in promise.columns if c.of_record}
    known = columns | set(promise.ignored)

    def walk(part: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, inner in part.items():
            here = (*path, name)
            if here in known:
                continue
            leads = any(k[: len(here)] == here for k in known)
            if leads and isinstance(inner, dict):
                if below := walk(inner, here):
                    found[name] = below
            elif not leads or (
                inner is not None and not any(c[: len(here)] == here for c in columns)
            ):
                found[name] = inner
        return found

    return walk(value, ())
