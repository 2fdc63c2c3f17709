"""Tables that other programs wrote: what of the Delta protocol is read, and what is refused by name."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from headgate.contracts import types
from headgate.core import json as hjson
from headgate.core.errors import LakeError
from headgate.lake.engines.duckdb import identifier, literal

#: Features that ask nothing of a reader.
_HARMLESS = {"vacuumProtocolCheck", "checkpointProtection"}
#: Settings that ask for a feature, what they say without it, and the feature.
_BY_SETTING = {
    "delta.columnMapping.mode": ("none", "columnMapping"),
    "delta.enableDeletionVectors": ("false", "deletionVectors"),
}
#: Types that no contract has, and DuckDB's names of them.
_OTHER_TYPES = {"byte": "TINYINT", "short": "SMALLINT", "float": "FLOAT", "binary": "BLOB"}


def columns(table: Any, dataset: str, place: str) -> dict[str, str]:
    """The columns of an open ``deltalake.DeltaTable`` and their types.

    Raises:
        LakeError: the table cannot be read right by its files and columns, because it uses a
            feature or a type that nothing here knows; the error names it.
    """
    protocol, settings = table.protocol(), table.metadata().configuration
    found = set(protocol.reader_features or ()) - _HARMLESS
    for name, (off, feature) in _BY_SETTING.items():
        if str(settings.get(name, off)).lower() != off:
            found.add(feature)
    if protocol.min_reader_version > 3:
        found.add(f"reader version {protocol.min_reader_version}")
    schema = hjson.loads(table.schema().to_json())
    try:
        kinds = {f["name"]: column_type(f["type"]) for f in schema["fields"]}
    except LakeError as error:
        found |= {error.message} if not found else set()
        kinds = {}
    if found:
        raise LakeError(
            f"the table of {dataset} uses what Headgate does not read of Delta:"
            f" {', '.join(sorted(found))}.",
            place=place,
            remedy="Read it with the engine that wrote it, or write it there without that.",
        )
    return kinds


def column_type(delta: Any) -> str:
    """The column type that a type of the Delta log's schema is; what no contract has, as the log
    has it.

    Raises:
        LakeError: nothing here reads it.
    """
    if isinstance(delta, dict):
        if delta.get("type") != "array":
            sql_type(hjson.dumps(delta))
            return hjson.dumps(delta)
        inner = column_type(delta["elementType"])
        return hjson.dumps(delta) if inner.startswith("{") else f"array<{inner}>"
    sql_type(str(delta))
    return str(delta)


def sql_type(kind: str) -> str:
    """DuckDB's name of a column type, as :func:`column_type` has it.

    Raises:
        LakeError: it has none.
    """
    inner = types.element(kind)
    if inner:
        return sql_type(inner) + "[]"
    if kind.startswith("{"):
        return _nested(hjson.loads(kind))
    known = _OTHER_TYPES.get(kind)
    if known or kind in types.LOGICAL.values() or kind == "integer" or types.decimal_of(kind):
        return known or types.duckdb_type(kind)
    raise LakeError(
        f"columns of the type {kind}",
        remedy="Read it with the engine that wrote it.",
    )


def _nested(delta: Mapping[str, Any]) -> str:
    def inside(kind: Any) -> str:
        return _nested(kind) if isinstance(kind, dict) else sql_type(str(kind))

    if delta.get("type") == "array":
        return inside(delta["elementType"]) + "[]"
    if delta.get("type") == "map":
        return f"MAP({inside(delta['keyType'])}, {inside(delta['valueType'])})"
    if delta.get("type") == "struct":
        parts = [f"{identifier(f['name'])} {inside(f['type'])}" for f in delta["fields"]]
        return f"STRUCT({', '.join(parts)})"
    return sql_type(str(delta.get("type")))


def uri_of(path: str, table: str) -> str:
    """Where a data file lies of which the log says ``path``: below ``table``, or absolute; the log
    writes it as a URI.

    Raises:
        LakeError: it lies where nothing here reads.
    """
    scheme = urlsplit(path).scheme if ":" in path else ""
    if scheme == "file":
        return unquote(urlsplit(path).path)
    if len(scheme) > 1 and "/" not in path.partition(":")[0]:
        raise LakeError(f"the log names a file at {path}, which is no path.", place=table)
    plain = unquote(path) if "%" in path else path
    return plain if plain.startswith("/") else f"{table}/{plain}"


def rows_of(uri: str, told: int | None, place: str) -> int:
    """How many rows a data file has: what the log says, or else the file's own footer.

    Raises:
        LakeError: the file is not there, or is none that can be read.
    """
    if told is not None and os.path.isfile(uri):
        return told
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(uri).num_rows)
    except (OSError, pa.ArrowException) as error:
        told_of = (str(error).splitlines() or [""])[0]
        raise LakeError(
            f"the log names the data file {uri}, which cannot be read: {told_of}",
            place=place,
            remedy="Take the table from where it is whole.",
        ) from None


def partition_literal(value: Any, kind: str) -> str:
    """SQL for the value that a partition column has in all rows of a file.

    Raises:
        LakeError: the log has no text for values of the type.
    """
    if isinstance(value, bytes | bytearray):
        raise LakeError("the table is partitioned by a column of type binary.")
    if isinstance(value, dt.datetime):
        value = value.isoformat(" ")
    return f"CAST({literal(value if value is None else str(value))} AS {sql_type(kind)})"


def partitions(names: Iterable[str], action: Mapping[str, Any]) -> dict[str, Any]:
    """The partition values of a flattened add action, by column."""
    return {name: action[f"partition.{name}"] for name in names}
