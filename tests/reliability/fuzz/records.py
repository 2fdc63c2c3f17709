"""An independent account of a file's records: where each begins and ends, and what becomes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.reliability.fuzz.judge import Codes, JsonText, Row, Twice, Unfit, broken, parsed, typed
from tests.reliability.fuzz.promises import Column, Promise

MAX_RECORD, MAX_NESTING = 20_000, 256
_SPACES = re.compile(r'"(?:[^"\\]|\\.)*"|[ \t\r\n]+')
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_BLANK = re.compile(r"[ \t\r\n]*")
_LOOSE = json.JSONDecoder(parse_float=str, parse_int=str)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


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
    if "\\u" in text and _half(value):
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


def _half(value: Any) -> bool:
    """Whether some text in the value holds half of a surrogate pair."""
    if isinstance(value, str):
        return any("\ud800" <= sign <= "\udfff" for sign in value)
    if isinstance(value, dict):
        return any(_half(k) or _half(v) for k, v in value.items())
    return isinstance(value, list) and any(map(_half, value))


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


# Delimited text.


@dataclass(frozen=True)
class Dialect:
    """How the source's delimited text is written."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    decimal: str = "."
    nulls: tuple[str, ...] = ("",)
    header: bool = True

    @classmethod
    def of(cls, source: dict[str, Any]) -> Dialect:
        """The dialect that a contract's source says."""
        known = {k: v for k, v in source.items() if k in cls.__dataclass_fields__}
        return cls(**{**known, "nulls": tuple(known.get("nulls", ("",)))})


def of_text(promise: Promise, data: bytes) -> Iterator[Ended]:
    """The records of a file of delimited text."""
    dialect = Dialect.of(promise.source)
    names = [c.steps[0] for c in promise.columns]
    pieces = list(_pieces(dialect, data))
    if dialect.header:
        names = [f for f, _ in _split(dialect, pieces.pop(0)[0].decode().rstrip("\r"))]
    for position, (raw, whole) in enumerate(pieces, 1):
        yield _of_record(promise, dialect, names, position, raw, whole)


def _pieces(dialect: Dialect, data: bytes) -> Iterator[tuple[bytes, bool]]:
    """The records without line feeds, and whether each has one."""
    at = 0
    while at < len(data):
        end = _end(dialect, data, at)
        if end is None or end - at > MAX_RECORD:
            found = data.find(b"\n", at)
            end = len(data) if found < 0 else found
        yield data[at:end], end < len(data)
        at = end + 1


def _end(dialect: Dialect, data: bytes, at: int) -> int | None:
    """Where a well-formed record ends (its line feed, or the file's end); None if it is none."""
    delimiter, quote = ord(dialect.delimiter), ord(dialect.quote)
    escape = ord(dialect.escape) if dialect.escape else -1
    start = True
    while at < len(data):
        sign = data[at]
        if start and sign == quote:
            closed = _closed(data, at + 1, quote, escape)
            if closed is None:
                return None
            at = closed + 1
            if data[at : at + 1] == b"\r" and data[at + 1 : at + 2] in (b"\n", b""):
                at += 1
            if at < len(data) and data[at] not in (delimiter, 10):
                return None
            start = False
        elif sign == 10:
            return at
        elif sign == delimiter:
            start, at = True, at + 1
        elif sign == escape:
            if at + 1 >= len(data):
                return None
            start, at = False, at + 2
        elif sign == quote:
            return None
        else:
            start, at = False, at + 1
    return at


def _closed(data: bytes, at: int, quote: int, escape: int) -> int | None:
    while at < len(data):
        if data[at] == escape:
            at += 2
        elif data[at] == quote:
            if escape < 0 and data[at + 1 : at + 2] == bytes([quote]):
                at += 2
            else:
                return at
        else:
            at += 1
    return None


def _split(dialect: Dialect, text: str) -> list[tuple[str, bool]] | None:
    """The fields of a record and whether each was quoted; None where it is malformed."""
    if "\0" in text:
        return None
    fields: list[tuple[str, bool]] = []
    at, d = 0, dialect
    while True:
        value, quoted = "", text[at : at + 1] == d.quote
        at += quoted
        begun = at
        while at < len(text):
            sign = text[at]
            if sign == d.escape:
                if at + 1 == len(text):
                    return None
                value, at = value + text[at + 1], at + 2
                continue
            if quoted and sign == d.quote:
                if not d.escape and text[at + 1 : at + 2] == d.quote:
                    value, at = value + d.quote, at + 2
                    continue
                break
            if not quoted and sign == d.delimiter:
                break
            if not quoted and sign in (d.quote, "\r"):
                return None
            value, at = value + sign, at + 1
        if quoted:
            if at == len(text):
                return None
            at += 1
            if at < len(text) and text[at] != d.delimiter:
                return None
        elif text[begun:at] in d.nulls:
            value = text[begun:at]
        fields.append((value, quoted))
        if at == len(text):
            return fields
        at += 1


def _of_record(
    promise: Promise, dialect: Dialect, names: list[str], position: int, raw: bytes, whole: bool
) -> Ended:
    if len(raw) > MAX_RECORD:
        return refused(position, raw, "line_too_long")
    try:
        text = raw.removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError as error:
        cut = not whole and error.reason == "unexpected end of data"
        return refused(position, raw, "truncated" if cut else "invalid_utf8")
    if not text.strip() and dialect.delimiter not in text:
        return refused(position, raw, "empty_line")
    fields = _split(dialect, text)
    if fields is None:
        return refused(position, raw, "malformed_csv" if whole else "truncated")
    if len(fields) != len(names):
        short = len(fields) < len(names) and not whole
        return refused(position, raw, "truncated" if short else "field_count")
    row: Row = {}
    codes: set[str] = set()
    for column in promise.columns:
        row[column.name] = None
        if column.steps[0] not in names:
            continue
        value, quoted = fields[names.index(column.steps[0])]
        if value in dialect.nulls and not (quoted and column.kind == "string"):
            continue
        try:
            row[column.name] = _of_field(column.kind, value, dialect)
        except Unfit as unfit:
            codes.add(str(unfit))
    if codes:
        return Ended(position, raw, None, frozenset(codes))
    known = {c.steps[0] for c in promise.columns} | set(promise.source.get("ignore", ()))
    rescued = {
        n: v for n, (v, quoted) in zip(names, fields, strict=True)
        if n not in known and (quoted or v not in dialect.nulls)
    }  # fmt: skip
    return ended(promise, position, raw, row, rescued or None)


def _of_field(kind: str, text: str, dialect: Dialect) -> Any:
    if kind == "string":
        return text
    if kind == "boolean":
        if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
            return text.lower() == "true"
        raise Unfit("type_mismatch")
    if kind in ("date", "timestamp"):
        return typed(kind, text)
    if kind == "json" or kind.startswith("array<"):
        try:
            value = parsed(text)
        except (ValueError, RecursionError):
            raise Unfit("type_mismatch") from None
        if "\\u" in text and _half(value):
            raise Unfit("type_mismatch")
        return JsonText(text) if kind == "json" else typed(kind, value)
    if dialect.decimal != ".":
        if "." in text:
            raise Unfit("type_mismatch")
        text = text.replace(dialect.decimal, ".")
    if not _NUMBER.fullmatch(text):
        raise Unfit("type_mismatch")
    whole = re.fullmatch(r"[+-]?\d+", text, re.ASCII) and len(text) < 4000
    try:
        return typed(kind, int(text) if whole else Decimal(text))
    except ArithmeticError:
        raise Unfit("lossy_number") from None
