"""``catalog.duckdb``: one view per dataset, pinned to the newest release, for any DuckDB client."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.contracts.names import DatasetName
from headgate.core import failpoints, ids
from headgate.core import json as hjson
from headgate.core.errors import LakeError
from headgate.lake.engines.duckdb import Connection, identifier, literal, one
from headgate.lake.lake import Lake
from headgate.lake.release import Release
from headgate.lake.snapshot import Snapshot
from headgate.lake.storage import sync_file, sync_folder

FILE_NAME = "catalog.duckdb"
NOTE = "_state/catalog.json"
#: Changes when views are to be written otherwise than before.
_EDITION = 1
_DATA_FILE = re.compile(r"'((?:[^']|'')*\.parquet)'")


@dataclass(frozen=True)
class Shown:
    """What the catalogue shows: a release, and whether another can be made of it by its differences."""

    release: int
    ours: bool


def write(
    lake: Lake, release: Release, snapshots: Mapping[str, Snapshot], gone: Sequence[str] | None
) -> Path:
    """Write the catalogue of a release beside the old one and rename it over.

    With ``gone`` it is the old one with the views of ``snapshots`` instead of its own, and without
    those of ``gone``; with None it holds ``snapshots`` alone. A reader that has the old file open
    keeps reading the old release; nobody sees half a catalogue. Open it read-only: a writer locks
    everybody else out.
    """
    import duckdb

    target = lake.root / FILE_NAME
    draft = lake.root / f".{FILE_NAME}.{ids.new_id()}"
    if gone is not None:
        shutil.copyfile(target, draft)
    con = duckdb.connect(str(draft))
    try:
        con.execute("BEGIN")
        for dataset in gone or ():
            con.execute(f"DROP VIEW IF EXISTS {DatasetName.parse(dataset).relation}")
        define_views(con, snapshots)
        con.execute(
            f"CREATE OR REPLACE VIEW headgate_release AS SELECT {release.id} AS release_id,"
            f" {literal(release.published_at.isoformat())}::TIMESTAMPTZ AS published_at"
        )
        con.execute("COMMIT")
        # Closing does this too, and says nothing where the disk refuses: half a catalogue would be shown.
        con.execute("CHECKPOINT")
    except duckdb.Error:
        con.close()
        for left in (draft, draft.with_name(f"{draft.name}.wal")):
            left.unlink(missing_ok=True)  # nobody else knows them
        raise
    finally:
        con.close()
    sync_file(draft)
    failpoints.reach("catalog.before_rename")
    os.replace(draft, target)
    sync_folder(lake.root)
    failpoints.reach("catalog.renamed")
    _note(lake, release.id)
    return target


def shown(lake: Lake) -> Shown | None:
    """What the catalogue shows, or None if it is missing or cannot be read."""
    import duckdb

    path = lake.root / FILE_NAME
    if not path.exists():
        return None
    noted = lake.storage.read(NOTE)
    try:
        told = hjson.loads(noted) if noted else {}
        if told.get("file") == _file(lake):
            return Shown(int(told["release"]), True)
    except (ValueError, AttributeError, TypeError):
        pass  # half a note is none
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            release = int(one(con, "SELECT release_id FROM headgate_release")[0])
            return Shown(release, False)
    except (duckdb.Error, IndexError):
        return None


def files(lake: Lake) -> set[str]:
    """The data files that the catalogue's views read, as absolute paths; none if there is no catalogue.

    Raises:
        LakeError: somebody has it open for writing, or it is broken.
    """
    import duckdb

    path = lake.root / FILE_NAME
    if not path.exists():
        return set()
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            views = con.execute("SELECT sql FROM duckdb_views() WHERE NOT internal").fetchall()
    except duckdb.Error as error:
        raise LakeError(
            f"it cannot be read, so that nobody knows which files it shows: {error}",
            place=str(path),
            remedy="Close who writes to it; a run writes it anew where it is gone.",
        ) from None
    return {p.replace("''", "'") for (sql,) in views for p in _DATA_FILE.findall(str(sql))}


def release_of(lake: Lake) -> int | None:
    """The release that the catalogue shows, or None if it is missing or cannot be read."""
    found = shown(lake)
    return found.release if found else None


def _note(lake: Lake, release: int) -> None:
    """Say beside which release the file shows, since opening it takes as long as it has views.

    The note is of this one file, at this one place: a catalogue that was put there by somebody
    else, or moved along with its lake, is looked into and written anew.
    """
    path = lake.root / NOTE
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f".{path.name}.{ids.new_id()}")
    draft.write_text(hjson.dumps({"file": _file(lake), "release": release}))
    os.replace(draft, path)


def _file(lake: Lake) -> list[object]:
    path = lake.root / FILE_NAME
    found = path.stat()
    return [_EDITION, str(path), found.st_ino, found.st_size, found.st_mtime_ns]


def define_views(con: Connection, snapshots: Mapping[str, Snapshot]) -> None:
    """A view ``<layer>_<domain>.<name>`` for each snapshot."""
    for dataset, snapshot in sorted(snapshots.items()):
        define_view(con, DatasetName.parse(dataset), snapshot.relation())


def define_view(con: Connection, name: DatasetName, rows: str) -> None:
    """Show a table expression under a dataset's name."""
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(name.schema)}")
    con.execute(f"CREATE OR REPLACE VIEW {name.relation} AS FROM {rows}")
