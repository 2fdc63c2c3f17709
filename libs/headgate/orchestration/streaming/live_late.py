"""What came to a stream's table too late for its windows, of each length, from what two versions differ in.

A message is late for a window if the window was closed when the message was first read. So it may be
late for its minute and in time for its hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from headgate.core import clock
from headgate.lake.changes import changed_rows_sql
from headgate.lake.engines.duckdb import Connection, identifier, identifiers, one
from headgate.lake.snapshot import Snapshot

_MINUTE = 60_000_000


def too_late(event: str, minutes: int, closed: datetime | None) -> str:
    """A condition on a row: the window of so many minutes, counted from the epoch, was closed."""
    if closed is None:
        return "FALSE"
    length, moment = minutes * _MINUTE, f"epoch_us({identifier(event)})"
    return f"({moment} - {moment} % {length} + {length} <= {clock.micros(closed)})"


def count(
    con: Connection, old: Snapshot | None, new: Snapshot, columns: Sequence[str], event: str,
    closed: datetime | None, lengths: Sequence[int],
) -> dict[int, int]:  # fmt: skip
    """How many rows came, were edited or went too late, by length of window.

    An edit of ``columns`` counts once; of others, not at all.
    """
    if closed is None or not lengths:
        return dict.fromkeys(lengths, 0)
    asked = ", ".join(
        f"greatest(count(*) FILTER (WHERE _came AND {late}),"
        f" count(*) FILTER (WHERE NOT _came AND {late}))"
        for late in (too_late(event, n, closed) for n in lengths)
    )
    moved = changed_rows_sql(old, new, columns)
    found = one(con, f"SELECT {asked} FROM ({moved})")
    return dict(zip(lengths, map(int, found), strict=True))


def begin(con: Connection, table: str, new: Snapshot, columns: Sequence[str]) -> None:
    """Make an empty table of late rows: ``columns``, ``_minutes`` (of the window) and ``_times``: how
    often a row came (or, below zero, went) too late."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {identifiers(columns)},"
        f" 0::BIGINT AS _minutes, 0::BIGINT AS _times FROM {new.relation(columns)} LIMIT 0"
    )


def collect(
    con: Connection, table: str, old: Snapshot | None, new: Snapshot, columns: Sequence[str],
    event: str, closed: datetime | None, lengths: Sequence[int],
) -> None:  # fmt: skip
    """Add the rows that came, or went, too late between two versions."""
    if closed is None:
        return
    # What is in time for the shortest window is so for the longer ones.
    shortest = too_late(event, min(lengths), closed)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _late_moved AS"
        f" SELECT * FROM ({changed_rows_sql(old, new, columns)}) WHERE {shortest}"
    )
    for minutes in lengths:
        con.execute(
            f"INSERT INTO {table} SELECT {identifiers(columns)}, {minutes},"
            f" CASE WHEN _came THEN 1 ELSE -1 END FROM _late_moved"
            f" WHERE {too_late(event, minutes, closed)}"
        )
    con.execute("DROP TABLE _late_moved")


def settle(con: Connection, table: str, columns: Sequence[str]) -> None:
    """Add up what came and went several times; what cancels out is gone."""
    names = identifiers(columns)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {names}, _minutes, sum(_times) AS _times"
        f" FROM {table} GROUP BY {names}, _minutes HAVING sum(_times) <> 0"
    )


def counted(con: Connection, table: str) -> dict[int, int]:
    """How many rows are late, by length of window; an edited row counts once."""
    return {
        int(minutes): max(int(came), int(went))
        for minutes, came, went in con.execute(
            f"SELECT _minutes, coalesce(sum(_times) FILTER (WHERE _times > 0), 0),"
            f" coalesce(-sum(_times) FILTER (WHERE _times < 0), 0) FROM {table}"
            f" GROUP BY _minutes ORDER BY _minutes"
        ).fetchall()
    }


def without(table: str, new: Snapshot, columns: Sequence[str], minutes: int) -> str:
    """A query for the rows of ``new`` as they would be, had nothing come too late for the windows of
    this length: late ones are left out, and those that went too late are there still."""
    names = identifiers(columns)
    late = f"FROM {table}, unnest(range(CAST(abs(_times) AS BIGINT))) WHERE _minutes = {minutes}"
    return (
        f"(SELECT {names} FROM {new.relation(columns)}"
        f" EXCEPT ALL SELECT {names} {late} AND _times > 0)"
        f" UNION ALL SELECT {names} {late} AND _times < 0"
    )
