"""Opening the store: a file of SQLite's or a PostgreSQL database, brought to this edition's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from headgate.core.database import Database, Kind
from headgate.lineage.store import tables
from headgate.lineage.store.edition import EDITION


def _begin(connection: sa.Connection) -> None:
    if connection.execute(sa.select(sa.func.count()).select_from(tables.state)).scalar() == 0:
        connection.execute(tables.state.insert(), {"id": 1, "revision": 0})


class Store(Database):
    """What lineage events add up to, in a database; see there."""

    kind = Kind(
        called="lineage store",
        setting="lineage_store",
        edition=EDITION,
        steps=Path(__file__).parent / "migrations",
        known_by="event",
        # Who takes events, or changes tables; "headgate" in bytes.
        lock=0x6865616467617465,
        if_broken="Delete the file (and those beside it called -wal and -shm): it is built anew from"
        " events.",
        begin=_begin,
    )

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        #: What the taker of events remembers between transactions; see :mod:`.keys`.
        self.memory: Any = None
        if self.is_file:
            sa.event.listen(engine, "connect", _prepare)


def _prepare(connection: Any, _: object) -> None:
    """Of a fresh connection to a file: every event changes a few pages of many indexes, often the
    same ones, which are written back seldomer than by default."""
    connection.execute("PRAGMA wal_autocheckpoint = 4000")


def open_store(where: str | Path, *, create: bool = True) -> Store:
    """The store at a path (SQLite) or an SQLAlchemy URL; see :meth:`Database.open`."""
    return Store.open(where, create=create)
