"""Reading a sample of any format: its first records, and what a contract must say of the file."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from headgate.core import json as hjson
from headgate.core.errors import HeadgateError, UsageError
from headgate.ingest.blocks import Blocks
from headgate.ingest.delimited.cutting import Cutter, Records
from headgate.ingest.delimited.dialect import Dialect
from headgate.ingest.delimited.encodings import Utf8
from headgate.ingest.delimited.fields import Malformed, Splitter
from headgate.ingest.discover import discover
from headgate.ingest.readers.base import SourceFile, formats

#: Records of a sample that are looked at.
ROWS = 5_000
#: Bytes of a document of JSON that are looked at.
_DOCUMENT = 256 << 20
_RECORD = 1 << 24
#: Texts that programs write where nothing is; taken for it in columns of no text.
_NOTHING = ("NA", "N/A", "NULL", "null", "None", "NaN", "nan", "\\N", "-")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.0)?")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_BOOLEANS = {"true": True, "True": True, "TRUE": True,
             "false": False, "False": False, "FALSE": False}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A sample's first records, the source that reads such files, and types that are known.

    ``kinds`` are column types by field, where the values themselves do not tell.
    """

    records: list[dict[str, Any]]
    source: Mapping[str, Any]
    kinds: Mapping[str, str] = field(default_factory=dict)


def read(path: Path) -> Sample:
    """The sample at ``path``: JSON lines, JSON, CSV or Parquet, plain or compressed.

    Raises:
        UsageError: it cannot be read, or holds no record.
    """
    try:
        source = discover([path])[0]
        found = _READERS[_format(source)](source)
    except (OSError, ValueError, ArithmeticError, HeadgateError, Malformed) as error:
        raise UsageError(
            f"{path} cannot be read as a sample: {error}",
            remedy="Give a file of JSON lines, JSON, CSV or Parquet (perhaps .gz or .zst) without "
            "faults.",
        ) from None
    if not found.records:
        raise UsageError(f"{path} holds no record.", remedy="Give a file with at least one.")
    return found


def _format(source: SourceFile) -> str:
    name = source.path.name.lower().removesuffix(".gz").removesuffix(".zst")
    for kind, endings in formats().items():
        if name.endswith(endings):
            return kind
    return "jsonl"


def _stream(source: SourceFile) -> Iterator[bytes]:
    blocks = Blocks(source)
    try:
        yield from blocks.stream()
    finally:
        blocks.close()
    if blocks.damage:
        raise ValueError(blocks.damage)


def _json_lines(source: SourceFile) -> Sample:
    text, lines = b"", []
    for block in _stream(source):
        *whole, text = (text + block).split(b"\n")
        lines += [line for line in whole if line.strip()]
        if len(lines) >= ROWS:
            break
    else:
        lines += [text] if text.strip() else []
    found = [hjson.loads(line) for line in lines[:ROWS]]
    return Sample([r for r in found if isinstance(r, dict)], {"format": "jsonl"})


def _json(source: SourceFile) -> Sample:
    """A document: an array of records, an object with one in it, or lines that are called so."""
    data = b""
    for block in _stream(source):
        data += block
        if len(data) > _DOCUMENT:
            raise ValueError(f"a document of more than {_DOCUMENT >> 20} MiB; give a part of it")
    try:
        document = hjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return _json_lines(source)
    records, where = [document], "$"
    if isinstance(document, list):
        records, where = document, "$[*]"
    elif isinstance(document, dict):
        lists = {k: v for k, v in document.items() if isinstance(v, list) and v}
        lists = {k: v for k, v in lists.items() if all(isinstance(e, dict) for e in v)}
        if lists:
            name = max(lists, key=lambda k: len(lists[k]))
            plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name)
            escaped = name.replace("\\", "\\\\").replace("'", "\\'")
            records = lists[name]
            where = f"$.{name}[*]" if plain else f"$['{escaped}'][*]"
    found = [r for r in records[:ROWS] if isinstance(r, dict)]
    return Sample(found, {"format": "json", "records": where})


def _parquet(source: SourceFile) -> Sample:
    import pyarrow as pa
    import pyarrow.parquet as pq

    given: Any = source.path
    if source.compression != "none":
        given = io.BytesIO(b"".join(_stream(source)))
    try:
        batch = next(pq.ParquetFile(given).iter_batches(ROWS), None)
    except pa.ArrowException as error:
        raise ValueError(str(error)) from None
    return Sample(batch.to_pylist() if batch is not None else [], {"format": "parquet"})


def _csv(source: SourceFile) -> Sample:
    """The delimiter is the one that cuts most records as its header; names are the first record."""
    # A part of a large file is enough; what its last record lacks is not held against it.
    data = b"".join(itertools.islice(Utf8(_stream(source), "utf-8"), 16))
    delimiter = max(",;\t|", key=lambda d: _regular(data, d))
    rows = _rows(data, delimiter, strict=True)
    if not rows:
        return Sample([], {"format": "csv"})
    names = [name or f"column {number}" for number, name in enumerate(rows[0], 1)]
    if len(set(names)) < len(names):
        raise ValueError("its header names a field twice")
    texts: dict[str, list[str | None]] = {n: [] for n in names}
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(names):
            raise ValueError(f"record {number} has {len(row)} fields, its header {len(names)}")
        for name, text in zip(names, row, strict=True):
            texts[name].append(text or None)
    kinds, nulls = {}, {""}
    for name, found in texts.items():
        kinds[name], nothing = _kind([t for t in found if t is not None])
        nulls |= nothing
    columns = {
        n: [None if t is None or t in nulls else _typed(t, kinds[n]) for t in found]
        for n, found in texts.items()
    }
    records = [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    options: dict[str, Any] = {"format": "csv"}
    if delimiter != ",":
        options["delimiter"] = delimiter
    if nulls != {""}:
        options["nulls"] = sorted(nulls)
    return Sample(records, options, kinds)


def _regular(data: bytes, delimiter: str) -> tuple[int, int]:
    """How many records have as many fields as the first, and how many fields that are."""
    rows = _rows(data[: 1 << 18], delimiter, strict=False)
    if not rows or len(rows[0]) < 2:
        return 0, 0
    return sum(len(row) == len(rows[0]) for row in rows), len(rows[0])


def _rows(data: bytes, delimiter: str, *, strict: bool) -> list[list[str]]:
    dialect = Dialect(delimiter=delimiter)
    splitter = Splitter(dialect, _RECORD)
    chunks: Iterator[Records] = Cutter(dialect, _RECORD).cut([data])
    found = []
    for chunk in chunks:
        for _, raw in chunk.pick(np.arange(chunk.first, chunk.first + min(chunk.count, ROWS + 1))):
            try:
                fields = splitter.fields(raw.removesuffix(b"\r").decode())
                found.append([f.text for f in fields])
            except (Malformed, UnicodeDecodeError):
                if strict and chunk.ended:
                    raise
    return found[: ROWS + 1]


def _kind(texts: Sequence[str]) -> tuple[str, set[str]]:
    """The narrowest type of the texts, and which of them mean that nothing is there."""
    nothing = {t for t in set(texts) if t in _NOTHING}
    present = [t for t in texts if t not in nothing]
    tests: dict[str, Callable[[str], Any]] = {
        "boolean": _BOOLEANS.__contains__,
        "long": _WHOLE.fullmatch,
        "double": _NUMBER.fullmatch,
        "date": _DATE.fullmatch,
        "timestamp": _INSTANT.fullmatch,
    }
    for kind, test in tests.items():
        if present and all(map(test, present)):
            return kind, nothing
    return "string", set()


def _typed(text: str, kind: str) -> Any:
    if kind == "boolean":
        return _BOOLEANS[text]
    if kind == "long":
        return int(text.removesuffix(".0"))
    return float(text) if kind == "double" else text


_READERS: dict[str, Callable[[SourceFile], Sample]] = {
    "jsonl": _json_lines,
    "json": _json,
    "parquet": _parquet,
    "csv": _csv,
}
