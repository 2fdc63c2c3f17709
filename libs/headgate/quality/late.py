"""Rows that come late: new rows of days that the table held already, counted in what was staged alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from headgate.contracts.model import Contract
from headgate.core import json as hjson
from headgate.lake.engines.duckdb import Connection, identifier, literal, one
from headgate.lake.snapshot import DataFile, Snapshot, relation
from headgate.lake.stage import StagedFile

Days = tuple[date, date]
#: Of more stretches of days than this, only the first and last day count.
_MOST = 50


def column_of(contract: Contract) -> str | None:
    """The column that says when a row of a source happened: ``headgate.unitOfChange``, or else the
    first required column of a date or time; None if there is none."""
    kinds = {c.name: c.type for c in contract.columns if c.type in ("date", "timestamp")}
    if contract.unit_of_change in kinds:
        return contract.unit_of_change
    dated = (c for c in contract.columns if c.name in kinds and c.required and not c.of_delivery)
    return next((c.name for c in dated), None)


def late(
    con: Connection,
    contract: Contract,
    base: Snapshot | None,
    staged: Sequence[StagedFile],
    inserted: int,
) -> dict[str, Any] | None:
    """How many of a batch's ``inserted`` rows are of days that ``base`` held: rows, column, first
    and last of those days. None if there are none, or nobody can tell.

    What the table holds is told by the statistics of its files, day by day from the first to the
    last of each; where the batch's own statistics lie outside of that, no row is looked at.
    Staged rows that are no new ones have their days in the table already, which is taken off.
    """
    column = column_of(contract)
    if base is None or column is None or not inserted:
        return None
    held = _merged(_days(base.files, column))
    ours = [d for d in (_staged_days(f, column) for f in staged) if d is not None]
    if not any(a <= last and first <= b for a, b in held for first, last in ours):
        return None
    kinds = {column: contract.table_columns[column]}
    rows = relation([f.as_data_file() for f in staged], kinds)
    name = identifier(column)
    # Compared as they are: to make a day of each takes four times as long.
    within = " OR ".join(_within(name, a, b) for a, b in held)
    count, first, last = one(
        con,
        f"SELECT count(*), CAST(min({name}) AS DATE), CAST(max({name}) AS DATE)"
        f" FROM {rows} WHERE {within}",
    )
    repeated = sum(f.rows for f in staged) - inserted
    found = min(count - repeated, inserted)
    if found <= 0:
        return None
    return {"rows": found, "column": column, "first": str(first), "last": str(last)}


def _within(name: str, first: date, last: date) -> str:
    """A condition for a date or time from the one day to the end of the other."""
    if last == date.max:
        return f"{name} >= {literal(str(first))}"
    after = literal(str(last + timedelta(days=1)))
    return f"({name} >= {literal(str(first))} AND {name} < {after})"


def _days(files: Iterable[DataFile], column: str) -> list[Days]:
    """The days that each file reaches from and to; those that hold nothing but NULL have none."""
    found = []
    for file in files:
        low, high = _day(file.minimum.get(column)), _day(file.maximum.get(column))
        if low is not None and high is not None:
            found.append((low, high))
    return found


def _staged_days(file: StagedFile, column: str) -> Days | None:
    told = hjson.loads(file.stats)
    low = _day(told["minValues"].get(column))
    high = _day(told["maxValues"].get(column))
    return None if low is None or high is None else (low, high)


def _day(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str):
        return date.fromisoformat(value[:10])
    return value if isinstance(value, date) else None


def _merged(days: Iterable[Days]) -> list[Days]:
    """The stretches that touch or overlap as one, in order."""
    found: list[Days] = []
    for first, last in sorted(days):
        if found and (first - found[-1][1]).days <= 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found if len(found) <= _MOST else [(found[0][0], found[-1][1])]
