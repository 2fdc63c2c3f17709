"""Opening the store: a file of SQLite's or a PostgreSQL database, brought to this edition's tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event as sa_event
from sqlalchemy import exc

from headgate.core import clock
from headgate.core.errors import LakeBusyError, LakeError, NotFoundError, UsageError
from headgate.lineage.store import tables
from headgate.lineage.store.edition import EDITION

#: Who takes events, or changes tables, in a PostgreSQL database; "headgate" in bytes.
_LOCK = 0x6865616467617465
_BUSY_SECONDS = 60
_READERS = 40
_REBUILD = (
    "Delete the file (and those beside it called -wal and -shm): it is built anew from events."
)


class Store:
    """What lineage events add up to, in a database.

    Safe to share between threads. ``engine`` may be read from directly; whatever reads more than
    once should do so in one :meth:`reading`.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        #: What the taker of events remembers between transactions; see :mod:`.keys`.
        self.memory: Any = None

    @property
    def is_file(self) -> bool:
        """Whether it is a file of SQLite's."""
        return self.engine.dialect.name == "sqlite"

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        url = self.engine.url
        return str(url.database) if self.is_file else url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the store, whoever takes events meanwhile.

        Raises:
            LakeError: the store is broken, or cannot be reached.
        """
        with self._told(), self.engine.connect() as connection:
            if not self.is_file:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A connection in the one transaction that writes; it is durable once the block is left.

        Raises:
            LakeBusyError: another writer did not end in time.
            LakeError: the store is broken, or cannot be reached.
        """
        with self._told(), self.engine.connect() as connection:
            connection = connection.execution_options(headgate_writes=True)
            with connection.begin():
                if not self.is_file:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
                yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except exc.DBAPIError as error:
            raise told(error, self.place, is_file=self.is_file) from error

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def told(error: exc.DBAPIError, place: str, *, is_file: bool) -> LakeError:
    """What the database says, as an error to act on."""
    text = " ".join(str(error.orig).split())
    if is_file:
        if "locked" in text or "busy" in text:
            return LakeBusyError(
                f"the lineage store is written by another process for over {_BUSY_SECONDS} s.",
                remedy="Try again when it has ended.", place=place,
            )  # fmt: skip
        if "not a database" in text or "malformed" in text or "no such table" in text:
            return LakeError(f"the lineage store is broken: {text}.", remedy=_REBUILD, place=place)
    return LakeError(f"the lineage store gave an error: {text}.", place=place)


def open_store(where: str | Path, *, create: bool = True) -> Store:
    """The store at a path (SQLite) or an SQLAlchemy URL, with the tables of this edition.

    Args:
        where: a file, or a URL such as ``postgresql://user:password@host/name``.
        create: make it if it is not there.

    Raises:
        NotFoundError: there is none, and ``create`` is not set.
        UsageError: the URL is none, or names a database that is not supported or not installed.
        LakeError: the store is broken, is of a newer edition, or cannot be reached.
    """
    url = _url(where)
    path = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    if path is not None:
        if not create and not path.exists():
            raise NotFoundError("there is no lineage store.", place=str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
    store = Store(_engine(url))
    try:
        with store._told():
            if not _is_current(store):
                _migrate(store, create=create)
    except BaseException:
        store.close()
        raise
    return store


def _url(where: str | Path) -> sa.URL:
    if isinstance(where, Path) or "://" not in where:
        return sa.URL.create("sqlite", database=str(where))
    try:
        url = sa.make_url(where)
        backend = url.get_backend_name()
    except (exc.ArgumentError, ValueError):
        raise UsageError(
            "the setting lineage_store is no database URL.",
            remedy="Such as postgresql://user:password@host/name, or the path of a file.",
        ) from None
    if backend in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg2")
    if backend != "sqlite" or not url.database:
        raise UsageError(
            f"the lineage store cannot be in {backend!r}.",
            remedy="It can be a file of SQLite's, or a PostgreSQL database.",
        )
    return url


def _engine(url: sa.URL) -> sa.Engine:
    try:
        if url.get_backend_name() != "sqlite":
            return sa.create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=_READERS)
        engine = sa.create_engine(
            url, pool_size=8, max_overflow=_READERS,
            connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        )  # fmt: skip
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the driver {error.name} is not installed.", remedy="Install headgate[lineage]."
        ) from None
    sa_event.listen(engine, "connect", _prepare)
    sa_event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _: object) -> None:
    """A fresh connection of SQLite's: transactions are begun by us, and what is committed lasts."""
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA temp_store = MEMORY")


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("headgate_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _is_current(store: Store) -> bool:
    try:
        with store.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars()
            return list(found) == [EDITION]
    except (exc.OperationalError, exc.ProgrammingError) as error:
        text = str(error.orig)
        if "no such table" in text or "does not exist" in text:
            return False
        raise


def _migrate(store: Store, *, create: bool) -> None:
    """Take the steps that are missing, while nobody else does so."""
    if store.is_file:
        _write_ahead(store)
    with store.writing() as connection:
        known = sa.inspect(connection).get_table_names()
        if "alembic_version" in known:
            found = list(
                connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars()
            )
            if found == [EDITION]:
                return  # somebody else was faster
            if found and found[0] > EDITION:
                raise LakeError(
                    f"the lineage store is of edition {found[0]}, and this Headgate knows {EDITION}.",
                    remedy=f"Use the newer Headgate. {_REBUILD if store.is_file else ''}".strip(),
                    place=store.place,
                )
        elif "event" in known:
            raise LakeError(
                "this database has tables that are none of a lineage store.", place=store.place
            )
        elif not create:
            raise NotFoundError("there is no lineage store.", place=store.place)
        _step(connection)
        if connection.execute(sa.select(sa.func.count()).select_from(tables.state)).scalar() == 0:
            connection.execute(tables.state.insert(), {"id": 1, "revision": 0})


def _step(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _write_ahead(store: Store) -> None:
    """Readers and the writer of a file must not wait for each other; the file remembers it.

    Raises:
        exc.OperationalError: others hold the file all the time.
    """
    until = clock.monotonic() + _BUSY_SECONDS
    while True:
        connection = store.engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
            return
        except Exception as error:
            if "locked" not in str(error) or clock.monotonic() > until:
                raise exc.OperationalError("PRAGMA journal_mode", None, error) from error
            clock.sleep(0.02)
        finally:
            connection.close()
