"""Databases of ours: a file of SQLite's or one in PostgreSQL, brought to the tables of an edition.

Imported by who opens one, and by nobody else: SQLAlchemy takes longer to import than most runs take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import event as sa_event
from sqlalchemy import exc

from headgate.core import clock
from headgate.core.errors import LakeBusyError, LakeError, NotFoundError, UsageError

_BUSY_SECONDS = 60
_READERS = 40


@dataclass(frozen=True)
class Kind:
    """What databases of one kind are for, and how they come to be.

    ``called`` is what errors call it (``lineage store``), ``setting`` what names its place.
    ``steps`` is a folder of Alembic's, ``edition`` its newest step, and ``noted_in`` the table that
    says which was taken last. ``known_by`` is a table of the first step. ``lock`` is taken by who
    writes in PostgreSQL. ``if_broken`` is the remedy for a file that is. ``begin`` puts into fresh
    tables what has to be there.
    """

    called: str
    setting: str
    edition: str
    steps: Path
    known_by: str
    lock: int
    if_broken: str
    noted_in: str = "alembic_version"
    begin: Callable[[sa.Connection], None] = lambda _: None


class Database:
    """A database of ours. Safe to share between threads. ``engine`` may be read from directly;
    whatever reads more than once should do so in one :meth:`reading`."""

    kind: Kind

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

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
        """A connection that sees one state of the database, whoever writes meanwhile.

        Raises:
            LakeError: it is broken, or cannot be reached.
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
            LakeError: it is broken, or cannot be reached.
        """
        with self._told(), self.engine.connect() as connection:
            connection = connection.execution_options(headgate_writes=True)
            with connection.begin():
                if not self.is_file:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({self.kind.lock})")
                yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        driver: Any = self.engine.dialect.loaded_dbapi
        try:
            yield
        except (exc.DBAPIError, driver.Error) as error:
            raise told(error, self.kind, self.place, is_file=self.is_file) from error

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    @classmethod
    def open(cls, where: str | Path, *, create: bool = True) -> Self:
        """The database at a path (SQLite) or an SQLAlchemy URL, with the tables of this edition.

        Args:
            where: a file, or a URL such as ``postgresql://user:password@host/name``.
            create: make it if it is not there.

        Raises:
            NotFoundError: there is none, and ``create`` is not set.
            UsageError: the URL is none, or names a database that is not supported or not installed.
            LakeError: it is broken, is of a newer edition, or cannot be reached.
        """
        url = _url(where, cls.kind)
        path = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        if path is not None:
            if not create and not path.exists():
                raise NotFoundError(f"there is no {cls.kind.called}.", place=str(path))
            path.parent.mkdir(parents=True, exist_ok=True)
        found = cls(_engine(url))
        try:
            with found._told():
                if not _is_current(found):
                    _migrate(found, create=create)
        except BaseException:
            found.close()
            raise
        return found


def told(error: Exception, kind: Kind, place: str, *, is_file: bool) -> LakeError:
    """What the database says, by its driver or through SQLAlchemy, as an error to act on."""
    text = " ".join(str(error.orig if isinstance(error, exc.DBAPIError) else error).split())
    if is_file:
        if "locked" in text or "busy" in text:
            return LakeBusyError(
                f"the {kind.called} is written by another process for over {_BUSY_SECONDS} s.",
                remedy="Try again when it has ended.", place=place,
            )  # fmt: skip
        if "not a database" in text or "malformed" in text or "no such table" in text:
            return LakeError(
                f"the {kind.called} is broken: {text}.", remedy=kind.if_broken, place=place
            )
    return LakeError(f"the {kind.called} gave an error: {text}.", place=place)


def _url(where: str | Path, kind: Kind) -> sa.URL:
    if isinstance(where, Path) or "://" not in where:
        return sa.URL.create("sqlite", database=str(where))
    try:
        url = sa.make_url(where)
        backend = url.get_backend_name()
    except (exc.ArgumentError, ValueError):
        raise UsageError(
            f"the setting {kind.setting} is no database URL.",
            remedy="Such as postgresql://user:password@host/name, or the path of a file.",
        ) from None
    if backend in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg2")
    if backend != "sqlite" or not url.database:
        raise UsageError(
            f"the {kind.called} cannot be in {backend!r}.",
            remedy="It can be a file of SQLite's, or a PostgreSQL database.",
        )
    return url


def _engine(url: sa.URL) -> sa.Engine:
    try:
        if url.get_backend_name() != "sqlite":
            return sa.create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=_READERS)
        engine = sa.create_engine(
            url, pool_size=8, max_overflow=_READERS,
            connect_args={
                "timeout": _BUSY_SECONDS, "check_same_thread": False, "cached_statements": 500,
            },
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


def _is_current(found: Database) -> bool:
    try:
        with found.engine.connect() as connection:
            return _edition(connection, found.kind) == found.kind.edition
    except (exc.OperationalError, exc.ProgrammingError) as error:
        text = str(error.orig)
        if "no such table" in text or "does not exist" in text:
            return False
        raise


def _edition(connection: sa.Connection, kind: Kind) -> str | None:
    found = connection.exec_driver_sql(f"SELECT version_num FROM {kind.noted_in}").scalars()
    return next(iter(found), None)


def _migrate(found: Database, *, create: bool) -> None:
    """Take the steps that are missing, while nobody else does so."""
    kind = found.kind
    if found.is_file:
        _write_ahead(found)
    with found.writing() as connection:
        known = sa.inspect(connection).get_table_names()
        if kind.noted_in in known:
            edition = _edition(connection, kind)
            if edition == kind.edition:
                return  # somebody else was faster
            if edition and edition > kind.edition:
                raise LakeError(
                    f"the {kind.called} is of edition {edition}, and this Headgate knows"
                    f" {kind.edition}.",
                    remedy=f"Use the newer Headgate. {kind.if_broken if found.is_file else ''}".strip(),
                    place=found.place,
                )
        elif kind.known_by in known:
            raise LakeError(
                f"this database has tables that are none of a {kind.called}.", place=found.place
            )
        elif not create:
            raise NotFoundError(f"there is no {kind.called}.", place=found.place)
        _step(connection, kind)
        kind.begin(connection)


def _step(connection: sa.Connection, kind: Kind) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(kind.steps))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _write_ahead(found: Database) -> None:
    """Readers and the writer of a file must not wait for each other; the file remembers it.

    Raises:
        exc.OperationalError: others hold the file all the time.
    """
    until = clock.monotonic() + _BUSY_SECONDS
    while True:
        connection = found.engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
            return
        except Exception as error:
            if "locked" not in str(error) or clock.monotonic() > until:
                raise exc.OperationalError("PRAGMA journal_mode", None, error) from error
            clock.sleep(0.02)
        finally:
            connection.close()
