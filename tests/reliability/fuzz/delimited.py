"""An independent account of delimited text: where each record begins and ends, and its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.reliability.fuzz.judge import JsonText, Row, Unfit, parsed, typed
from tests.reliability.fuzz.promises import Promise
from tests.reliability.fuzz.records import MAX_RECORD, Ended, ended, half, refused

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


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
        if "\\u" in text and half(value):
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
