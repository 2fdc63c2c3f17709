"""What changed between two versions of a table, from the files that came and went."""

from __future__ import annotations

from headgate.contracts import types
from headgate.lake.engines.duckdb import identifier
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
