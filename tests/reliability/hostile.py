"""A small project that takes files of every format, and what became of each file and record."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.quality.quarantine import QuarantinedRow, list_rows
from tests.conftest import REPOSITORY

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: NAME
name: bronze.hostile.NAME
version: 1.0.0
status: active
description: {purpose: For tests.}
team: {name: tests}
schema:
  - name: NAME
    dataGranularityDescription: One row is one record.
    properties:
PROPERTIES
customProperties:
  - {property: headgate.source, value: SOURCE}
  - {property: headgate.maxQuarantineShare, value: 1}
"""
SOURCES = {
    "jsonl": "{format: jsonl}",
    "json": '{format: json, records: "$[*]"}',
    "csv": "{format: csv}",
    "parquet": "{format: parquet}",
}
#: ODCS for each type of a column.
_TYPES = {
    "long": "logicalType: integer, physicalType: long",
    "integer": "logicalType: integer, physicalType: integer",
    "double": "logicalType: number, physicalType: double",
    "string": "logicalType: string",
    "boolean": "logicalType: boolean",
    "date": "logicalType: date",
    "timestamp": "logicalType: timestamp",
    "json": "logicalType: object, physicalType: json",
}


def dataset(name: str) -> str:
    """The id of a dataset of :func:`lay_out`."""
    return f"bronze.hostile.{name}"


def lay_out(
    root: Path,
    tables: Mapping[str, tuple[str, Mapping[str, str]]],
    *,
    settings: str = "",
) -> Project:
    """A project of ``tables``: each a source and its columns by type, the first its key.

    A column ``name<-field`` reads a field of another name.
    """
    for name, (source, columns) in tables.items():
        folder = root / "data_contracts/hostile" / f"bronze_{name}"
        folder.mkdir(parents=True)
        properties = ""
        for at, (column, kind) in enumerate(columns.items()):
            own, _, field = column.partition("<-")
            read = "physicalName: '" + field.replace("'", "''") + "', " if field else ""
            key = "primaryKey: true, " if not at else ""
            told = _TYPES.get(kind, f'logicalType: number, physicalType: "{kind}"')
            properties += (
                f"      - {{name: {own}, {read}{told}, {key}classification: internal,"
                " description: A value.}\n"
            )
        text = CONTRACT.replace("NAME", name).replace("SOURCE", source)
        (folder / "contract.odcs.yaml").write_text(text.replace("PROPERTIES\n", properties))
    shutil.copytree(REPOSITORY / "data_contracts/ledger", root / "data_contracts/ledger")
    (root / "headgate.toml").write_text(f'lake = "lake"\n{settings}')
    return Project.open(root)


@dataclass(frozen=True)
class Found:
    """The account of each file that a batch was made of, and by dataset the rows that were set
    aside, by file."""

    batches: dict[str, dict[str, Any]]
    set_aside: dict[str, dict[str, list[QuarantinedRow]]]


def look(project: Project) -> Found:
    """What became of everything; each account must balance."""
    with connect(project.settings) as con:
        rows = ledger.rows(project.lake, con, ledger.BATCHES, limit=100_000)
    batches = {str(r["source"]): r for r in rows if r["kind"] == "ingest"}
    for name, r in batches.items():
        told = r["published"] + r["quarantined"] + r["deduplicated"] + r["refused"]
        assert r["read"] == told, f"{name}: {r}"
    kept: dict[str, dict[str, list[QuarantinedRow]]] = {}
    for contract in project.contracts.sources:
        files = kept.setdefault(contract.id.rpartition(".")[2], {})
        for row in list_rows(project.lake, contract, limit=None):
            files.setdefault(row.source, []).append(row)
    return Found(batches, kept)


def codes(rows: list[QuarantinedRow]) -> set[str]:
    """The codes of all their reasons."""
    return {str(reason["code"]) for row in rows for reason in row.reasons}


def published(project: Project, name: str) -> list[dict[str, Any]]:
    """The rows of the table, as they are read through the lake."""
    snapshot = project.lake.snapshot(dataset(name))
    if snapshot is None:
        return []
    with connect(project.settings) as con:
        cursor = con.execute(f"SELECT * FROM {snapshot.relation()} ORDER BY _source, _position")
        names = [d[0] for d in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
