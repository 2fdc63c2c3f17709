"""Reading the store by plain SQL: through SQLAlchemy, or a file of SQLite's without loading that."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.core.errors import LakeError
from headgate.lineage.store import positions
from headgate.lineage.store.edition import EDITION

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store

#: Rows of a query in which parameters are called ``:name``.
Fetch = Callable[..., list[Any]]
_BUSY_SECONDS = 60


class PlainStore:
    """A store that is a file, opened to be read alone. SQLAlchemy takes longer to load than most
    questions take to be answered; what only reads can do without."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def place(self) -> str:
        """Where it is."""
        return str(self.path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the store.

        Raises:
            LakeError: the store is broken.
        """
        try:
            # Whoever reads a file that is written ahead may have to make those beside it.
            with closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS)) as connection:
                connection.isolation_level = None
                connection.execute("PRAGMA query_only = ON")
                connection.execute("BEGIN")
                yield connection
        except sqlite3.Error as error:
            raise LakeError(
                f"the lineage store cannot be read: {error}.",
                remedy="headgate lineage rebuild builds it anew from events.",
                place=self.place,
            ) from error


def up_to_date(path: Path, files: Sequence[Path]) -> PlainStore | None:
    """The store at that path, if it is of this edition and has taken all that is in the files."""
    if not path.exists():
        return None
    store = PlainStore(path)
    try:
        with store.reading() as connection:
            if list(connection.execute("SELECT version_num FROM alembic_version")) != [(EDITION,)]:
                return None
            taken = {
                row[0]: row[1:]
                for row in connection.execute("SELECT path, size, tail FROM taken_file")
            }
    except LakeError:
        return None  # whoever opens it to write says what is wrong
    return store if all(_is_taken(taken, file) for file in files) else None


def _is_taken(taken: dict[str, tuple[int, str]], path: Path) -> bool:
    if not path.exists():
        return True
    size, tail = taken.get(positions.name(path), (0, ""))
    with path.open("rb") as file:
        if size and positions.tail(file, size) != tail:
            return False
        file.seek(size)
        # Half a line is left by whoever takes events, too.
        return not file.readline().endswith(b"\n")


@contextmanager
def fetching(store: Store | PlainStore) -> Iterator[Fetch]:
    """Asks one state of the store: SQL and parameters in, rows out, as tuples.

    Raises:
        LakeError: the store is broken, or cannot be reached.
    """
    if isinstance(store, PlainStore):
        with store.reading() as plain:
            yield lambda sql, **given: plain.execute(sql, given).fetchall()
        return
    from sqlalchemy import text

    with store.reading() as connection:

        def fetch(sql: str, **given: Any) -> list[Any]:
            if given:
                return [tuple(row) for row in connection.execute(text(sql), given)]
            # Rows of the driver's own: of many, SQLAlchemy's cost as much again.
            cursor = connection.connection.cursor()
            try:
                cursor.execute(sql)
                return list(cursor.fetchall())
            finally:
                cursor.close()

        yield fetch
