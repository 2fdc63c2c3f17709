"""A table's shape as its log has it, and as an entry changes it: the metaData action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headgate.contracts import types
from headgate.core import ids
from headgate.core import json as hjson
from headgate.lake.engines.ownership import EMBEDDED, PROPERTY
from headgate.lake.snapshot import Snapshot


def made(
    columns: Mapping[str, str], key: Sequence[str], now: int, engine: str = EMBEDDED
) -> dict[str, Any]:
    """The shape of a table that begins. ``now`` is in milliseconds; ``engine`` writes its rows."""
    return {
        "id": ids.new_id(), "format": {"provider": "parquet", "options": {}},
        "schemaString": schema_of(columns, key), "partitionColumns": [],
        "configuration": _configuration({}, engine), "createdTime": now,
    }  # fmt: skip


def changed(
    table: Any,
    base: Snapshot,
    columns: Mapping[str, str],
    key: Sequence[str],
    *,
    whole: bool,
    engine: str = EMBEDDED,
) -> dict[str, Any] | None:
    """The shape that an open ``deltalake.DeltaTable`` at ``base`` has with ``columns``, or None if
    that is the shape it has.

    It stays the table that it was: its id, its settings and, unless the ``whole`` of it is
    replaced, each of its columns as they are, with those that are new behind them. Who replaces
    the whole is the ``engine`` that writes it from then on.
    """
    found = hjson.loads(table.schema().to_json())
    if whole:
        schema = schema_of(columns, key)
    else:
        new = {c: t for c, t in columns.items() if c not in base.columns}
        schema = hjson.dumps({**found, "fields": [*found["fields"], *_fields(new, ())]})
    told = table.metadata()
    before = dict(told.configuration)
    configuration = _configuration(before, engine) if whole else before
    if hjson.loads(schema)["fields"] == found["fields"] and configuration == before:
        return None
    named = {"name": told.name, "description": told.description, "createdTime": told.created_time}
    return {
        "id": str(told.id), "format": {"provider": "parquet", "options": {}},
        "schemaString": schema, "partitionColumns": list(told.partition_columns),
        "configuration": configuration,
        **{k: v for k, v in named.items() if v is not None},
    }  # fmt: skip


def _configuration(before: Mapping[str, str], engine: str) -> dict[str, str]:
    """The table's properties, which name the engine that writes it if it is not the embedded one."""
    kept = {k: v for k, v in before.items() if k != PROPERTY}
    return kept if engine == EMBEDDED else {**kept, PROPERTY: engine}


def schema_of(columns: Mapping[str, str], key: Sequence[str]) -> str:
    """A Delta schema's JSON. Only key columns are NOT NULL: what else is required may be loosened
    by a later contract, and the log could not follow."""
    return hjson.dumps({"type": "struct", "fields": _fields(columns, key)})


def _fields(columns: Mapping[str, str], key: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"name": c, "type": types.delta_type(t), "nullable": c not in key, "metadata": {}}
        for c, t in columns.items()
    ]
