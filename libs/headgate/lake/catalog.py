"""``catalog.duckdb``: one view per dataset, pinned to the newest release, for any DuckDB client."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from headgate.contracts.names import DatasetName
from headgate.core import failpoints, ids
from headgate.lake.engines.duckdb import Connection, identifier, literal, one
from headgate.lake.lake import Lake
from headgate.lake.release import Release
from headgate.lake.snapshot import Snapshot
from headgate.lake.storage import sync_file, sync_folder

FILE_NAME = "catalog.duckdb"


def write(lake: Lake, release: Release, snapshots: Mapping[str, Snapshot]) -> Path:
    """Write the catalogue of a release beside the old one and rename it over.

    A reader that has the old file open keeps reading the old release; nobody sees half a
    catalogue. Open it read-only: a writer locks everybody else out.
    """
    import duckdb

    target = lake.root / FILE_NAME
    draft = lake.root / f".{FILE_NAME}.{ids.new_id()}"
    con = duckdb.connect(str(draft))
    try:
        con.execute("BEGIN")
        define_views(con, snapshots)
        con.execute(
            f"CREATE VIEW headgate_release AS SELECT {release.id} AS release_id,"
            f" {literal(release.published_at.isoformat())}::TIMESTAMPTZ AS published_at"
        )
        con.execute("COMMIT")
    finally:
        con.close()
    sync_file(draft)
    failpoints.reach("catalog.before_rename")
    os.replace(draft, target)
    sync_folder(lake.root)
    failpoints.reach("catalog.renamed")
    return target


def release_of(lake: Lake) -> int | None:
    """The release that the catalogue shows, or None if it is missing or cannot be read."""
    import duckdb

    path = lake.root / FILE_NAME
    if not path.exists():
        return None
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            return int(one(con, "SELECT release_id FROM headgate_release")[0])
    except (duckdb.Error, IndexError):
        return None


def define_views(con: Connection, snapshots: Mapping[str, Snapshot]) -> None:
    """A view ``<layer>_<domain>.<name>`` for each snapshot."""
    for dataset, snapshot in sorted(snapshots.items()):
        name = DatasetName.parse(dataset)
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(name.schema)}")
        con.execute(f"CREATE OR REPLACE VIEW {name.relation} AS FROM {snapshot.relation()}")
