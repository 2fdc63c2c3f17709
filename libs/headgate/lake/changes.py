"""What changed between two versions of a table, from the files that came and went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from headgate.contracts import types
from headgate.core.errors import NotFoundError
from headgate.lake import lognames
from headgate.lake.engines.duckdb import identifier, identifiers
from headgate.lake.lake import Lake, log_key
from headgate.lake.meta import COMPACTION, CommitMeta
from headgate.lake.snapshot import DataFile, Snapshot, relation


def changed_sql(
    old: Snapshot | None, new: Snapshot, column: str, link: tuple[str, str] | None = None
) -> str:
    """A relation of one column, named ``column``: the values touched between ``old`` and ``new``.

    A value counts as touched if any row that has it was added, edited or deleted, so it is
    taken from pre-images too. The cost follows the files that changed: rows that a
    copy-on-write merely carried over are on both sides and cancel out. Without an ``old``
    version every value is touched.

    ``link`` is a column that refers and the one it refers to: with it the values of the rows of
    ``new`` that refer to a touched row count as touched too, whether it is there or went.
    """
    name = identifier(column)
    if old is None:
        return f"(SELECT DISTINCT {name} FROM {new.relation([column])})"
    columns = {**old.columns, **new.columns}
    came, went = _moved(old, new)
    if not came and not went:
        kind = types.duckdb_type(columns[column])
        return f"(SELECT NULL::{kind} AS {name} WHERE FALSE)"
    wanted = name if link is None else f"{name}, {identifier(link[1])}"
    touched = f"SELECT {wanted} FROM {_differing(came, went, columns, wanted)}"
    if link is None:
        return f"(SELECT DISTINCT {name} FROM ({touched}))"
    refers, to = (identifier(c) for c in link)
    return (
        f"(WITH touched AS MATERIALIZED ({touched}) SELECT {name} FROM touched UNION SELECT r.{name}"
        f" FROM {new.relation([column, link[0]])} r SEMI JOIN touched t ON r.{refers} = t.{to})"
    )


def changed_rows_sql(
    old: Snapshot | None, new: Snapshot, columns: Sequence[str], came: str = "_came"
) -> str:
    """A query for the rows that came to the table or went from it between two versions.

    It gives ``columns`` and a boolean named ``came``. An edited row is there as it was and as it
    is; rows that differ in other columns only are not. Without an ``old`` version all rows came.
    """
    names, flag = identifiers(columns), identifier(came)
    if old is None:
        return f"SELECT {names}, TRUE AS {flag} FROM {new.relation(columns)}"
    types_now = {c: new.columns[c] for c in columns}
    came_files, went_files = _moved(old, new)
    arrived, left = relation(came_files, types_now), relation(went_files, types_now)
    if not came_files or not went_files:
        return f"SELECT {names}, TRUE AS {flag} FROM {arrived} UNION ALL SELECT {names}, FALSE FROM {left}"
    # Few rows differ, of many that were carried over: those are told by their hashes first.
    hashes = f"(SELECT _hash FROM {_differing(came_files, went_files, types_now, '')})"
    some = f"WHERE hash({names}) IN (FROM _differing)"
    return (
        f"WITH _differing AS MATERIALIZED {hashes},"
        f" _arrived AS MATERIALIZED (FROM {arrived} {some}), _left AS MATERIALIZED (FROM {left} {some})"
        f" SELECT {names}, TRUE AS {flag} FROM (FROM _arrived EXCEPT ALL FROM _left)"
        f" UNION ALL SELECT {names}, FALSE FROM (FROM _left EXCEPT ALL FROM _arrived)"
    )


def _moved(old: Snapshot, new: Snapshot) -> tuple[list[DataFile], list[DataFile]]:
    """The files that came, and those that went."""
    before, after = {f.path for f in old.files}, {f.path for f in new.files}
    came = [f for f in new.files if f.path not in before]
    return came, [f for f in old.files if f.path not in after]


def _differing(
    came: Sequence[DataFile], went: Sequence[DataFile], columns: Mapping[str, str], wanted: str
) -> str:
    """A relation of ``wanted`` (columns) and ``_hash`` of the rows that are not as often on one side
    as on the other.

    Whole rows are told apart by a hash of 64 bits, in one pass over both sides: a comparison of the
    rows themselves takes ten times as long, and memory for all of them. Two contents of one row
    have the same hash once in 2**64 edits.
    """
    group = f"{wanted}, _hash" if wanted else "_hash"
    row = f"{wanted + ', ' if wanted else ''}hash({identifiers(columns)}) AS _hash"
    return (
        f"(SELECT {group} FROM (SELECT {row}, 1 AS _side FROM {relation(came, columns)}"
        f" UNION ALL SELECT {row}, -1 FROM {relation(went, columns)})"
        f" GROUP BY {group} HAVING sum(_side) <> 0)"
    )


def settled(lake: Lake, dataset: str, version: int) -> int:
    """The last version with the rows of ``version``: it, unless compactions come right after it."""
    key, last = lake.key(dataset), version
    for later in lognames.entries(lake.storage.names(f"{key}/_delta_log")):
        if later <= version:
            continue
        meta = CommitMeta.from_log(lake.storage.read(log_key(key, later)) or b"")
        if meta is None or meta.kind != COMPACTION or meta.detail["same_as"] != version:
            break
        last = later
    return last


def earlier(lake: Lake, now: Snapshot | None, dataset: str, version: int) -> Snapshot | None:
    """The dataset at an earlier version than ``now``, if it can be compared with it.

    None if its files are gone, or if it was rebuilt in another shape since.
    """
    if now is not None and version in (now.version, now.content_version):
        return now
    try:
        # The same rows in the files that they were put together in since: the others may be gone.
        old = lake.snapshot(dataset, settled(lake, dataset, version))
    except NotFoundError:
        return None
    if old is None:
        return None
    if now is not None and any(now.columns.get(c) != t for c, t in old.columns.items()):
        return None
    live = {f.path for f in now.files} if now else set()
    gone = (f for f in old.files if f.path not in live)
    return old if all(Path(f.uri).exists() for f in gone) else None
