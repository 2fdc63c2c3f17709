"""Filling the measured stores with a million events: they are made up and read by a process beside the one that writes.

PostgreSQL's store, where it is to have no less than SQLite's, gets a copy of that one's rows: taking them again
would tell nothing new.
"""

from __future__ import annotations

import io
import multiprocessing
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from headgate.core import collecting
from headgate.lineage.store import instants, tables
from headgate.lineage.store.taking import told_by, write
from tests.bench.lineage_databases import Place

#: So many events a transaction, and so many of these may wait to be written.
_AT_ONCE, _WAITING = 1_000, 6
_TOLD = 20_000
_ROWS = 5_000


def fill_by_two(places: Sequence[Place], events: Iterator[Any], count: int) -> dict[str, Any]:
    """Take the next ``count`` events into all stores; how long that took.

    ``events`` are followed by another process; what this one has of them stays as it was.
    """
    forked = multiprocessing.get_context("fork")
    waiting: Any = forked.Queue(_WAITING)
    reader = forked.Process(target=_read, args=(islice(events, count), waiting), daemon=True)
    reader.start()
    began, done = time.monotonic(), 0
    with collecting.seldom():
        while told := waiting.get():
            for place in places:
                write(place.store, told, received_at=instants.now(), lake=None)
            done += len(told)
            if done % _TOLD < len(told):
                rate = done / (time.monotonic() - began)
                print(f"{done:,} events, {rate:,.0f} a second", file=sys.stderr, flush=True)
    reader.join()
    if done != count:
        raise AssertionError(f"only {done:,} of {count:,} events came: the reader ended early")
    return {"events": done, "seconds": round(time.monotonic() - began, 1)}


def _read(events: Iterator[Any], waiting: Any) -> None:
    try:
        with collecting.seldom():
            while some := list(islice(events, _AT_ONCE)):
                told, refused = told_by(some, None)
                if refused:
                    raise AssertionError(f"refused {refused[0]}")
                waiting.put(told)
    finally:
        waiting.put([])


def copied(source: Place, target: Place) -> dict[str, Any]:
    """Give PostgreSQL's store, which has taken nothing yet, the rows of SQLite's; how long that took."""
    began = time.monotonic()
    target.store.memory = None
    with source.store.reading() as reading, target.store.engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        with driver.cursor() as cursor:
            for table in tables.metadata.sorted_tables:
                indexes = sorted(table.indexes, key=lambda i: str(i.name))
                for index in indexes:
                    cursor.execute(f'DROP INDEX "{index.name}"')
                cursor.execute(f'DELETE FROM "{table.name}"')
                columns = ", ".join(f'"{c.name}"' for c in table.columns)
                rows = reading.exec_driver_sql(f"SELECT {columns} FROM {table.name}")
                while some := rows.fetchmany(_ROWS):
                    cursor.copy_expert(
                        f'COPY "{table.name}" ({columns}) FROM STDIN', io.StringIO(_text(some))
                    )
                for index in indexes:
                    index.create(connection)
                spent = time.monotonic() - began
                print(f"{table.name} copied, {spent:,.0f} s", file=sys.stderr, flush=True)
        driver.commit()
    return {"seconds": round(time.monotonic() - began, 1)}


def _text(rows: Iterable[Any]) -> str:
    """Rows in the form that PostgreSQL's COPY reads."""
    return "".join("\t".join(map(_field, row)) + "\n" for row in rows)


def _field(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    if isinstance(value, str):
        text = value.replace("\\", "\\\\").replace("\t", "\\t")
        return text.replace("\n", "\\n").replace("\r", "\\r")
    return str(int(value))
