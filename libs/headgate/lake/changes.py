"""What changed between two versions of a table, from the files that came and went."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headgate.contracts import types
from headgate.core.errors import NotFoundError
from headgate.lake.engines.duckdb import identifier, identifiers
from headgate.lake.lake import Lake
from headgate.lake.snapshot import Snapshot, relation


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
    before = {f.path for f in old.files}
    after = {f.path for f in new.files}
    columns = {**old.columns, **new.columns}
    came = relation([f for f in new.files if f.path not in before], columns)
    went = relation([f for f in old.files if f.path not in after], columns)
    if before == after:
        kind = types.duckdb_type(columns[column])
        return f"(SELECT NULL::{kind} AS {name} WHERE FALSE)"
    touched = f"(FROM {came} EXCEPT ALL FROM {went}) UNION ALL (FROM {went} EXCEPT ALL FROM {came})"
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
    before, after = {f.path for f in old.files}, {f.path for f in new.files}
    arrived = relation([f for f in new.files if f.path not in before], types_now)
    left = relation([f for f in old.files if f.path not in after], types_now)
    return (
        f"SELECT {names}, TRUE AS {flag} FROM (FROM {arrived} EXCEPT ALL FROM {left})"
        f" UNION ALL SELECT {names}, FALSE FROM (FROM {left} EXCEPT ALL FROM {arrived})"
    )


def earlier(lake: Lake, now: Snapshot | None, dataset: str, version: int) -> Snapshot | None:
    """The dataset at an earlier version than ``now``, if it can be compared with it.

    None if its files are gone, or if it was rebuilt in another shape since.
    """
    if now is not None and now.version == version:
        return now
    try:
        old = lake.snapshot(dataset, version)
    except NotFoundError:
        return None
    if old is None:
        return None
    if now is not None and any(now.columns.get(c) != t for c, t in old.columns.items()):
        return None
    live = {f.path for f in now.files} if now else set()
    gone = (f for f in old.files if f.path not in live)
    return old if all(Path(f.uri).exists() for f in gone) else None
