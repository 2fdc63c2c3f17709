"""The Delta project's golden tables, each read right or refused with the feature by its name.

What is right is said by a witness of its own: it replays the log's JSON (or the checkpoints, where
they are all there is) in plain Python and reads each data file by pyarrow. Texts of partitions that
name an instant without a zone are UTC. The 101 folders hold 111 tables and folders without one.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headgate.core import settings
from headgate.core.errors import LakeError
from headgate.lake.engines.duckdb import connect
from headgate.lake.lake import Lake
from tests.reliability.figures import record

DATASET = "bronze.golden.t"
#: Tables that are read, and how many rows each has.
ROWS = {
    "124-decimal-decode-bug": 1,
    "125-iterator-bug": 5,
    "basic-decimal-table": 4,
    "basic-decimal-table-legacy": 4,
    "basic-with-inserts-deletes-checkpoint": 41,
    "basic-with-inserts-merge": 140,
    "basic-with-inserts-overwrite-restore": 200,
    "basic-with-inserts-updates": 100,
    "basic-with-vacuum-protocol-check-feature": 100,
    "collations-preview-table": 0,
    "collations-table": 0,
    "commit-info-containing-arbitrary-operationParams-types": 2,
    "corrupted-last-checkpoint-kernel": 100,
    "data-reader-array-complex-objects": 10,
    "data-reader-array-primitives": 10,
    "data-reader-date-types-America/Los_Angeles": 1,
    "data-reader-date-types-Asia/Beirut": 1,
    "data-reader-date-types-Etc/GMT+9": 1,
    "data-reader-date-types-Iceland": 1,
    "data-reader-date-types-JST": 1,
    "data-reader-date-types-PST": 1,
    "data-reader-date-types-UTC": 1,
    "data-reader-escaped-chars": 3,
    "data-reader-map": 10,
    "data-reader-nested-struct": 10,
    "data-reader-nullable-field-invalid-schema-key": 1,
    "data-reader-partition-values": 3,
    "data-reader-primitives": 11,
    "data-skipping-basic-stats-all-types": 1,
    "data-skipping-basic-stats-all-types-checkpoint": 1,
    "data-skipping-change-stats-collected-across-versions": 3,
    "data-skipping-partition-and-data-column": 4,
    "decimal-various-scale-precision": 3,
    "deltalog-getChanges": 0,
    "hive/deltatbl-column-names-case-insensitive": 10,
    "hive/deltatbl-deleted-path": 10,
    "hive/deltatbl-incorrect-format-config": 10,
    "hive/deltatbl-map-types-correctly": 1,
    "hive/deltatbl-non-partitioned": 10,
    "hive/deltatbl-not-allow-write": 10,
    "hive/deltatbl-partition-prune": 5,
    "hive/deltatbl-partitioned": 10,
    "hive/deltatbl-schema-match": 10,
    "hive/deltatbl-special-chars-in-partition-column": 10,
    "hive/deltatbl-touch-files-needed-for-partitioned": 10,
    "kernel-timestamp-INT96": 5,
    "kernel-timestamp-PST": 5,
    "kernel-timestamp-TIMESTAMP_MICROS": 5,
    "kernel-timestamp-TIMESTAMP_MILLIS": 5,
    "kernel-timestamp-partition-col-ISO8601": 2,
    "log-replay-latest-metadata-protocol": 40,
    "log-replay-special-characters": 0,
    "log-replay-special-characters-a": 0,
    "multi-part-checkpoint": 31,
    "only-checkpoint-files": 25,
    "parquet-decimal-dictionaries": 1_000_000,
    "parquet-decimal-dictionaries-v2": 1_000_000,
    "parquet-decimal-type": 99_998,
    "snapshot-data0": 10,
    "snapshot-data1": 20,
    "snapshot-data2": 10,
    "snapshot-data2-deleted": 20,
    "snapshot-data3": 30,
    "snapshot-repartitioned": 20,
    "snapshot-vacuumed": 20,
    "time-travel-partition-changes-a": 10,
    "time-travel-partition-changes-b": 10,
    "time-travel-schema-changes-a": 10,
    "time-travel-schema-changes-b": 20,
    "time-travel-start": 10,
    "time-travel-start-start20": 20,
    "time-travel-start-start20-start40": 30,
}
_NO_SCHEMA = "schemaString"  # the log's metaData lacks it: these logs were made to test replay alone
#: Tables that are refused, and what the error names.
REFUSED = {
    "canonicalized-paths-normal-a": _NO_SCHEMA,
    "canonicalized-paths-normal-b": _NO_SCHEMA,
    "canonicalized-paths-special-a": _NO_SCHEMA,
    "canonicalized-paths-special-b": _NO_SCHEMA,
    "checkpoint": "names the data file",  # its files were never written
    "corrupted-last-checkpoint": _NO_SCHEMA,
    "data-reader-absolute-paths-escaped-chars": "No table metadata",
    "data-reader-timestamp_ntz": "timestampNtz",
    "data-reader-timestamp_ntz-id-mode": "columnMapping, timestampNtz",
    "data-reader-timestamp_ntz-name-mode": "columnMapping, timestampNtz",
    "data-skipping-basic-stats-all-types-columnmapping-id": "columnMapping",
    "data-skipping-basic-stats-all-types-columnmapping-name": "columnMapping",
    "delete-re-add-same-file-different-transactions": "names the data file",
    "deltalog-commit-info": _NO_SCHEMA,
    "deltalog-invalid-protocol-version": "Invalid protocol action",
    "deltalog-state-reconstruction-from-checkpoint-missing-metadata": "No table metadata",
    "deltalog-state-reconstruction-from-checkpoint-missing-protocol": _NO_SCHEMA,
    "deltalog-state-reconstruction-without-metadata": "No table metadata",
    "deltalog-state-reconstruction-without-protocol": "No protocol",
    "dv-partitioned-with-checkpoint": "deletionVectors",
    "dv-with-columnmapping": "columnMapping, deletionVectors",
    "log-replay-dv-key-cases": "deletionVectors",
    "log-replay-special-characters-b": "special p@#h",  # the name is decoded; no such file is there
    "parquet-all-types": "timestampNtz",
    "parquet-all-types-legacy-format": "timestampNtz",
    "parquet-decimal-dictionaries-v1": "names the data file",  # which the collection leaves out
    "spark-variant-checkpoint": "variantType-preview",
    "table-with-columnmapping-mode-id": "columnMapping",
    "table-with-columnmapping-mode-name": "columnMapping",
    "table-with-icebegCompatV2Enabled": "columnMapping",
    "type-widening": "timestampNtz, typeWidening-preview",
    "type-widening-nested": "typeWidening-preview",
    "update-deleted-directory": _NO_SCHEMA,
    "v2-checkpoint-json": "v2Checkpoint",
    "v2-checkpoint-parquet": "v2Checkpoint",
    "versions-not-contiguous": "contiguous",
}
#: Folders without a table: nothing was ever written there.
NOTHING = ("log-store-listFrom", "log-store-read", "no-delta-log-folder")
#: Tables so large that they are compared by the long form only.
LARGE = {name for name, rows in ROWS.items() if rows > 50_000}


@pytest.fixture(scope="module")
def golden(real_data: Path) -> Path:
    return real_data / "delta_tables" / "golden"


@pytest.fixture
def opened(golden: Path, tmp_path: Path) -> Callable[[str], Lake]:
    """A lake of its own that has one of the golden tables as a dataset's."""

    def lay(name: str) -> Lake:
        (tmp_path / "headgate.toml").write_text('lake = "lake"\n')
        lake = Lake(settings.load(tmp_path))
        at = lake.root / lake.key(DATASET)
        at.parent.mkdir(parents=True)
        shutil.copytree(golden / name, at)
        return lake

    return lay


def test_no_golden_table_is_left_out(golden: Path) -> None:
    tables = {p.parent.relative_to(golden).as_posix() for p in golden.rglob("_delta_log")}
    assert tables | set(NOTHING) == ROWS.keys() | REFUSED.keys() | set(NOTHING)
    folders = {name.split("/")[0] for name in (*ROWS, *REFUSED, *NOTHING)}
    assert folders == {p.name for p in golden.iterdir()} and len(folders) == 101
    record("golden", tables=len(tables), read=len(ROWS), refused=len(REFUSED), wrong=0, short=True)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.long if n in LARGE else ()) for n in ROWS],
)
def test_a_table_is_read_as_its_files_say(opened: Callable[[str], Lake], name: str) -> None:
    lake = opened(name)

    snapshot = lake.snapshot(DATASET)

    assert snapshot is not None
    with connect(lake.settings) as con:
        found = con.execute(f"SELECT * FROM {snapshot.relation()}").fetchall()
        one = list(snapshot.columns)[-1]
        alone = con.execute(f"SELECT * FROM {snapshot.relation([one])}").fetchall()
    expected = [tuple(row[c] for c in snapshot.columns) for row in witness(Path(lake.root), lake)]
    assert snapshot.rows == len(found) == ROWS[name]
    assert _sorted(found) == _sorted(expected)
    assert _sorted(alone) == _sorted([row[-1:] for row in expected])


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_by_name(opened: Callable[[str], Lake], name: str) -> None:
    lake = opened(name)

    with pytest.raises(LakeError) as told:
        lake.snapshot(DATASET)

    assert REFUSED[name] in told.value.message
    assert told.value.remedy and told.value.place


@pytest.mark.parametrize("name", NOTHING)
def test_a_folder_without_a_log_is_no_table(opened: Callable[[str], Lake], name: str) -> None:
    assert opened(name).snapshot(DATASET) is None


def test_every_version_of_a_table_is_read(opened: Callable[[str], Lake]) -> None:
    """Time travel: version by version as the witness replays the log."""
    lake = opened("basic-with-inserts-deletes-checkpoint")
    with connect(lake.settings) as con:
        for version in range(14):
            snapshot = lake.snapshot(DATASET, version)
            assert snapshot is not None
            found = con.execute(f"SELECT * FROM {snapshot.relation()}").fetchall()
            rows = witness(lake.root, lake, version)
            assert _sorted(found) == _sorted([tuple(r[c] for c in snapshot.columns) for r in rows])


# The witness.


def witness(root: Path, lake: Lake, version: int | None = None) -> list[dict[str, Any]]:
    """The table's rows, by another way than the lake's."""
    table = root / lake.key(DATASET)
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
        rows += [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
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
        actions = [a for p in parts if p.name.startswith(last) for a in pq.read_table(p).to_pylist()]
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


def _sorted(rows: list[tuple[Any, ...]]) -> list[str]:
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
