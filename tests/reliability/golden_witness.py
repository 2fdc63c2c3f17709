"""A reader of Delta tables for tests: the log replayed in plain Python, the files read by pyarrow."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq


def witness(table: Path, version: int | None = None) -> list[dict[str, Any]]:
    """The table's rows, by another way than the lake's."""
    adds, meta = _replayed(table, version)
    fields = json.loads(meta["schemaString"])["fields"]
    rows: list[dict[str, Any]] = []
    for path, partition in adds.items():
        held = pq.ParquetFile(table / unquote(path)).read()
        names = {name.lower(): name for name in held.column_names}
        columns = {}
        for field in fields:
            name, kind = field["name"], field["type"]
            if name in partition:
                columns[name] = [_typed(partition[name], kind)] * held.num_rows
            elif name.lower() in names:
                columns[name] = list(_values(held.column(names[name.lower()])))
            else:
                columns[name] = [None] * held.num_rows
        rows += [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
    return rows


def _replayed(
    table: Path, version: int | None
) -> tuple[dict[str, dict[str, str | None]], dict[str, Any]]:
    log = table / "_delta_log"
    entries = sorted(log.glob("[0-9]*.json"))
    if not (log / f"{0:020}.json").exists():
        # Nothing but checkpoints is there for the first versions: the last that is whole.
        parts = sorted(log.glob("*.checkpoint*.parquet"))
        last = parts[-1].name[:20]
        actions = [
            a for p in parts if p.name.startswith(last) for a in pq.read_table(p).to_pylist()
        ]
        entries = [e for e in entries if e.name[:20] > last]
    else:
        actions = []
    for entry in entries:
        if version is None or int(entry.name[:20]) <= version:
            actions += [json.loads(line) for line in entry.read_text().splitlines() if line.strip()]
    adds: dict[str, dict[str, str | None]] = {}
    meta: dict[str, Any] = {}
    for action in actions:
        if action.get("metaData"):
            meta = action["metaData"]
        if action.get("remove"):
            adds.pop(action["remove"]["path"], None)
        if action.get("add"):
            adds[action["add"]["path"]] = dict(action["add"]["partitionValues"])
    return adds, meta


def _typed(text: str | None, kind: Any) -> Any:
    """The value that a partition's text is."""
    if text is None or (text == "" and kind != "string"):
        return None
    if kind in ("byte", "short", "integer", "long"):
        return int(text)
    if kind in ("float", "double"):
        return float(text)
    if kind == "boolean":
        return text == "true"
    if kind == "date":
        return dt.date.fromisoformat(text)
    if kind == "timestamp":
        return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    return Decimal(text) if kind.startswith("decimal") else text


def _values(column: pa.ChunkedArray) -> Iterator[Any]:
    """A column's values; timestamps of whatever unit and zone are UTC."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", "UTC"))
    for value in column.to_pylist():
        yield _plain(value, column.type)


def _plain(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_map(kind):
        return {_key(_plain(k, kind.key_type)): _plain(v, kind.item_type) for k, v in value}
    if pa.types.is_list(kind):
        return [_plain(v, kind.value_type) for v in value]
    if pa.types.is_struct(kind):
        return {f.name: _plain(value[f.name], f.type) for f in kind}
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    return value


def _key(value: Any) -> Any:
    return tuple(value.items()) if isinstance(value, dict) else value


def in_order(rows: list[tuple[Any, ...]]) -> list[str]:
    """The rows as texts, sorted, so that lists of them can be compared."""

    def text(value: Any) -> str:
        if isinstance(value, dt.datetime):
            return value.astimezone(dt.UTC).isoformat()
        if isinstance(value, dict):
            parts = [f"{text(k)}: {text(v)}" for k, v in value.items()]
            return "{" + ", ".join(parts) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(text, value)) + "]"
        return repr(bytes(value)) if isinstance(value, bytes | bytearray) else repr(value)

    return sorted(", ".join(map(text, row)) for row in rows)
