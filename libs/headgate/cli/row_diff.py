"""Rows that two versions of a table differ in, counted by the contract's key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headgate.lake.release import TableChange
    from headgate.orchestration.project import Project


@dataclass(frozen=True)
class RowDiff:
    """Keys that only the newer version holds, only the older, or both with other content."""

    added: int
    removed: int
    changed: int


def count(project: Project, change: TableChange) -> RowDiff:
    """How many rows were added, removed and changed; columns with a leading _ do not count."""
    from headgate.lake.engines import duckdb as engine
    from headgate.orchestration import comparing

    sides = [
        project.lake.snapshot(change.dataset, version) if version is not None else None
        for version in (change.before, change.after)
    ]
    before, after = sides
    if before is None or after is None:
        return RowDiff(change.rows_after, change.rows_before, 0)
    key = project.contracts[change.dataset].key
    # Columns that one side lacks make every row differ, which is the truth.
    shared = [c for c in after.columns if not c.startswith("_")]
    content = [c for c in shared if c not in key and c in before.columns]
    widened = {c for c in (*before.columns, *shared) if not c.startswith("_")} - {*key, *content}
    same = " AND ".join(
        f"a.{engine.identifier(c)} IS NOT DISTINCT FROM b.{engine.identifier(c)}" for c in content
    )
    keys = ", ".join(engine.identifier(c) for c in key)
    first = engine.identifier(key[0])
    con = engine.connect(project.settings)
    old, new = before.relation(), after.relation()
    if not widened:
        # Rows of files that both versions have are the same.
        old, new = (side.relation for side in comparing.of_versions(con, before, after))
    row = con.execute(
        f"SELECT count(*) FILTER (a.{first} IS NULL), count(*) FILTER (b.{first} IS NULL),"
        f" count(*) FILTER (a.{first} IS NOT NULL AND b.{first} IS NOT NULL"
        f" AND NOT ({'FALSE' if widened else same or 'TRUE'}))"
        f" FROM {old} a FULL JOIN {new} b USING ({keys})"
    ).fetchone()
    assert row is not None
    return RowDiff(*row)
