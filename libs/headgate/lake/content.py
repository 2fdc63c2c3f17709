"""The content hash of a table: the same for the same rows, whatever their order, files or history."""

from __future__ import annotations

from headgate.core import ids
from headgate.lake.engines.duckdb import Connection, identifier, one
from headgate.lake.snapshot import Snapshot


def content_hash(con: Connection, snapshot: Snapshot) -> str:
    """A hash of the rows without the columns that begin with ``_``.

    Rows are hashed one by one and their hashes added, so order does not matter and repeats do.
    """
    columns = [c for c in sorted(snapshot.columns) if not c.startswith("_")]
    fields = ", ".join(f"{identifier(c)} := {identifier(c)}" for c in columns)
    count, low, high = one(
        con,
        "SELECT count(*), sum(md5_number_lower(t)::HUGEINT), sum(md5_number_upper(t)::HUGEINT)"
        f" FROM (SELECT to_json(struct_pack({fields}))::VARCHAR AS t"
        f" FROM {snapshot.relation(columns)})",
    )
    return ids.digest(",".join(columns), str(count), str(low), str(high))
