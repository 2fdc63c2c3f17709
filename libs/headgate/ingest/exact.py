"""The exact look at one JSON record: strict parsing, strict typing, every reason told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.contracts.model import Column
from headgate.core import json as hjson
from headgate.ingest import jsontext, values
from headgate.ingest.readers.base import ExactRow, Reason

RESCUED = "_rescued"
#: Raw text that is kept of a record too long to be read, in bytes.
RAW_KEPT = 65_536
_NESTING = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

#: A column's name, its field, the Python type taken as it is (if any), and its converter.
_Plan = tuple[str, str, type | None, values.Converter | None]


class ExactRecords:
    """Types JSON records one by one for a fixed list of columns.

    ``max_nesting`` and ``max_record_bytes`` are the settings of those names.
    """

    def __init__(
        self, columns: Sequence[Column], *, max_nesting: int, max_record_bytes: int
    ) -> None:
        self._max_nesting = max_nesting
        self._max_bytes = max_record_bytes
        self._fields = frozenset(c.field for c in columns)
        self._plan: list[_Plan] = [
            (
                c.name,
                c.field,
                values.AS_IS.get(c.type),
                None if "json" in c.type else values.converter(c.type),
            )
            for c in columns
        ]
        self._kinds = {c.name: c.type for c in columns}

    def read(self, position: int, raw: bytes, *, ended: bool = True, size: int = 0) -> ExactRow:
        """The record ``raw`` (without its line end), typed or refused.

        ``ended`` is False for a last record without a line end; ``size`` is the record's length
        in bytes where ``raw`` is only its beginning.
        """
        if raw[-1:] == b"\r":
            raw = raw[:-1]
        if max(size, len(raw)) > self._max_bytes:
            text = raw[:RAW_KEPT].decode("utf-8", "backslashreplace")
            detail = f"{max(size, len(raw))} bytes, at most {self._max_bytes} are read"
            return ExactRow(position, text, None, (Reason("line_too_long", None, detail),))
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            text = raw.decode("utf-8", "backslashreplace")
            cut = not ended and error.reason == "unexpected end of data"
            code = "truncated" if cut else "invalid_utf8"
            detail = f"byte {raw[error.start]:#04x} at offset {error.start}: {error.reason}"
            return ExactRow(position, text, None, (Reason(code, None, detail),))
        try:
            record = self._parse(text)
        except _Refusal as refusal:
            reason = refusal.reason
            if reason.code == "malformed_json" and not ended:
                reason = Reason("truncated", None, f"the file ends inside it: {reason.detail}")
            return ExactRow(position, text, None, (reason,))
        return self._typed(position, text, record)

    def _parse(self, text: str) -> dict[str, Any]:
        if text.count("{") + text.count("[") > self._max_nesting:
            self._check_nesting(text)
        try:
            record = hjson.loads_strict(text)
        except hjson.DuplicateField as error:
            raise _Refusal("duplicate_field", str(error)) from None
        except ValueError as error:
            if not text or text.isspace():
                raise _Refusal("empty_line", "no record") from None
            raise _Refusal("malformed_json", str(error)) from None
        except RecursionError:
            raise _Refusal("nesting_too_deep", "deeper than can be read") from None
        if type(record) is not dict:
            detail = f"expected an object, got {values.shown(record)}"
            raise _Refusal("not_an_object", detail)
        if _SURROGATE.search(text):
            _check_surrogates(record)
        return record

    def _check_nesting(self, text: str) -> None:
        depth = 0
        for token in _NESTING.finditer(text):
            sign = token[0][0]
            if sign in "[{":
                depth += 1
                if depth > self._max_nesting:
                    raise _Refusal(
                        "nesting_too_deep", f"deeper than {self._max_nesting} at {token.start()}"
                    )
            elif sign in "]}":
                depth -= 1

    def _typed(self, position: int, text: str, record: dict[str, Any]) -> ExactRow:
        found: dict[str, object] = {}
        reasons: list[Reason] = []
        spans: Mapping[str, str] | None = None
        get = record.get
        for name, field, as_is, convert in self._plan:
            value = get(field)
            if value is None or type(value) is as_is:
                found[name] = value
            elif convert is not None:
                try:
                    found[name] = convert(value)
                except values.Unfit as unfit:
                    reasons.append(Reason(unfit.code, name, unfit.detail))
            else:
                spans = spans if spans is not None else _texts(text)
                try:
                    found[name] = _as_text(self._kinds[name], spans[field], value)
                except values.Unfit as unfit:
                    reasons.append(Reason(unfit.code, name, unfit.detail))
        found[RESCUED] = None
        warnings: tuple[Reason, ...] = ()
        if not record.keys() <= self._fields:
            spans = spans if spans is not None else _texts(text)
            unknown = {k: v for k, v in spans.items() if k not in self._fields}
            found[RESCUED] = jsontext.canonical_object(unknown)
            warnings = tuple(
                Reason("unknown_field", None, f"field {k!r} is not in the contract")
                for k in sorted(unknown)
            )
        if reasons:
            return ExactRow(position, text, None, tuple(reasons), warnings)
        return ExactRow(position, text, found, (), warnings)


class _Refusal(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = Reason(code, None, detail)


def _texts(text: str) -> dict[str, str]:
    return {f.name: jsontext.compact(text[f.start : f.end]) for f in jsontext.fields(text)}


def _as_text(kind: str, text: str, value: object) -> object:
    """A value of type json (or array of json) as the text it was written in, without spaces."""
    if kind == "json":
        return text
    if type(value) is not list:
        raise values.Unfit("type_mismatch", f"expected {kind}, got {values.shown(value)}")
    inner = kind.removeprefix("array<").removesuffix(">")
    pairs = zip(jsontext.elements(text), value, strict=True)
    return [None if v is None else _as_text(inner, t, v) for t, v in pairs]


def _check_surrogates(value: object) -> None:
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            half = value[error.start].encode("ascii", "backslashreplace").decode("ascii")
            raise _Refusal("lone_surrogate", f"{half} without its other half") from None
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_surrogates(key)
            _check_surrogates(item)
    elif isinstance(value, list):
        for item in value:
            _check_surrogates(item)
