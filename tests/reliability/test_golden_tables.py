"""The Delta project's golden tables, each read right or refused with the feature by its name.

What is right is said by a witness of its own: it replays the log's JSON (or the checkpoints, where
they are all there is) in plain Python and reads each data file by pyarrow. Texts of partitions that
name an instant without a zone are UTC. The 101 folders hold 111 tables and folders without one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from headgate.core import settings
from headgate.core.errors import LakeError
from headgate.lake.engines.duckdb import Connection, connect
from headgate.lake.lake import Lake
from headgate.orchestration.run import run
from tests.conftest import make_project
from tests.judged_lake import DATASET as IRC
from tests.judged_lake import record as line
from tests.reliability.figures import record
from tests.reliability.golden_witness import in_order, witness

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
_NO_SCHEMA = (
    "schemaString"  # the log's metaData lacks it: these logs were made to test replay alone
)
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


@pytest.fixture(scope="module")
def lake(golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake that has each of the golden tables as a dataset's."""
    root = tmp_path_factory.mktemp("golden")
    (root / "headgate.toml").write_text('lake = "lake"\n')
    found = Lake(settings.load(root))
    for name in (*ROWS, *REFUSED, *NOTHING):
        shutil.copytree(golden / name, root / "lake" / found.key(dataset(name)))
    return found


@pytest.fixture(scope="module")
def con(lake: Lake) -> Iterator[Connection]:
    with connect(lake.settings) as opened:
        yield opened


def dataset(name: str) -> str:
    """What the lake calls a golden table."""
    return f"bronze.golden.t{[*ROWS, *REFUSED, *NOTHING].index(name)}"


def test_no_golden_table_is_left_out(golden: Path) -> None:
    tables = {p.parent.relative_to(golden).as_posix() for p in golden.rglob("_delta_log")}
    assert tables | set(NOTHING) == ROWS.keys() | REFUSED.keys() | set(NOTHING)
    folders = {name.split("/")[0] for name in (*ROWS, *REFUSED, *NOTHING)}
    assert folders == {p.name for p in golden.iterdir()} and len(folders) == 101
    record("golden", tables=len(tables), read=len(ROWS), refused=len(REFUSED), wrong=0, short=True)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.long if n in LARGE else ()) for n in ROWS]
)
def test_a_table_is_read_as_its_files_say(lake: Lake, con: Connection, name: str) -> None:
    snapshot = lake.snapshot(dataset(name))

    assert snapshot is not None
    found = con.execute(f"SELECT * FROM {snapshot.relation()}").fetchall()
    last = list(snapshot.columns)[-1]
    alone = con.execute(f"SELECT * FROM {snapshot.relation([last])}").fetchall()
    expected = [tuple(r[c] for c in snapshot.columns) for r in witness(table_of(lake, name))]
    assert snapshot.rows == len(found) == ROWS[name]
    assert in_order(found) == in_order(expected)
    assert in_order(alone) == in_order([row[-1:] for row in expected])


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_by_name(lake: Lake, name: str) -> None:
    with pytest.raises(LakeError) as told:
        lake.snapshot(dataset(name))

    assert REFUSED[name] in told.value.message
    assert told.value.remedy and told.value.place


@pytest.mark.parametrize("name", NOTHING)
def test_a_folder_without_a_log_is_no_table(lake: Lake, name: str) -> None:
    assert lake.snapshot(dataset(name)) is None


def test_every_version_of_a_table_is_read(lake: Lake, con: Connection) -> None:
    """Time travel: version by version as the witness replays the log."""
    name = "basic-with-inserts-deletes-checkpoint"
    for version in range(14):
        snapshot = lake.snapshot(dataset(name), version)
        assert snapshot is not None
        found = con.execute(f"SELECT * FROM {snapshot.relation()}").fetchall()
        rows = witness(table_of(lake, name), version)
        assert in_order(found) == in_order([tuple(r[c] for c in snapshot.columns) for r in rows])


def test_nothing_is_written_to_a_table_that_others_made(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    table = project.lake.root / project.lake.key(IRC)
    write_deltalake(str(table), pa.table({"channel": ["#a"], "line": [1]}), partition_by="channel")
    (tmp_path / "day.jsonl").write_text("".join(json.dumps(line(i)) + "\n" for i in range(20)))

    report = run(project, sources={IRC: [str(tmp_path / "day.jsonl")]}, select=[IRC])

    assert "was not made by Headgate" in report.problems[0]
    snapshot = project.lake.snapshot(IRC)
    assert snapshot is not None and (snapshot.version, snapshot.rows) == (0, 1)


@pytest.mark.parametrize("above", [False, True])
def test_what_others_did_to_a_table_of_ours_does_not_slip_by(tmp_path: Path, above: bool) -> None:
    """A feature that came with an entry of theirs is seen, also when one of ours is the newest."""
    project = make_project(tmp_path / "project")
    (tmp_path / "day.jsonl").write_text("".join(json.dumps(line(i)) + "\n" for i in range(20)))
    run(project, sources={IRC: [str(tmp_path / "day.jsonl")]}, select=[IRC])
    log = project.lake.root / project.lake.key(IRC) / "_delta_log"
    first = (log / f"{0:020}.json").read_text().splitlines()
    upgrade = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"],
               "writerFeatures": ["deletionVectors"]}  # fmt: skip
    (log / f"{1:020}.json").write_text(json.dumps({"protocol": upgrade}) + "\n")
    if above:
        ours = next(entry for entry in first if "commitInfo" in entry)
        (log / f"{2:020}.json").write_text(ours + "\n")

    # Where the newest entry is ours, the rest of the log is read once somebody asks for columns.
    with pytest.raises(LakeError, match="deletionVectors"):
        project.lake.snapshot(IRC).relation()  # type: ignore[union-attr]


def test_a_folder_above_the_lake_is_no_column(tmp_path: Path) -> None:
    """DuckDB takes folders such as line=5 for columns, of every row, unless it is told not to."""
    project = make_project(tmp_path / "line=5" / "project")
    (tmp_path / "day.jsonl").write_text("".join(json.dumps(line(i)) + "\n" for i in range(20)))

    run(project, sources={IRC: [str(tmp_path / "day.jsonl")]}, select=[IRC])

    snapshot = project.lake.snapshot(IRC)
    assert snapshot is not None
    with connect(project.settings) as con:
        found = con.execute(f"SELECT line FROM {snapshot.relation()} ORDER BY line").fetchall()
    assert found == [(i,) for i in range(20)]


def table_of(lake: Lake, name: str) -> Path:
    return lake.root / lake.key(dataset(name))
