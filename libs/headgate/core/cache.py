"""What was worked out before and need not be again: texts by kind and key, in one file of the lake.

Nothing depends on it. An entry is named by a digest of all that it follows from and carries one of
what it says, so it is never wrong, only absent: nothing here is synced, and a power cut may leave any
part of the file. One that is damaged is put away and begun anew; one that is locked or cannot be
written counts as empty.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from headgate.core import ids

FILE_NAME = "_cache/worked_out.sqlite"
#: What SQLite calls a file that is not as it wrote it: an error, corrupt, not a database.
_DAMAGED = (1, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
#: Entries of one kind beyond which those that were written first are forgotten.
MOST_ENTRIES = 20_000


class Cache:
    """Texts that can be worked out again, kept in a file at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._con: sqlite3.Connection | None = None

    def get(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        """The texts that are there, by key."""
        con = self._open(make=False)
        if con is None:
            return {}
        found: dict[str, str] = {}
        wanted = list(dict.fromkeys(keys))
        try:
            for start in range(0, len(wanted), 500):
                page = wanted[start : start + 500]
                marks = ", ".join("?" * len(page))
                rows = con.execute(
                    f"SELECT key, text, seal FROM sealed WHERE kind = ? AND key IN ({marks})",
                    (kind, *page),
                ).fetchall()
                found |= {k: text for k, text, seal in rows if seal == _seal(kind, k, text)}
        except (sqlite3.Error, TypeError) as error:
            self._put_away(error)
        return found

    def put(self, kind: str, entries: Mapping[str, str]) -> None:
        """Keep texts by key; those that cannot be kept are not."""
        if not entries:
            return
        con = self._open(make=True)
        if con is None:
            return
        try:
            with con:
                con.executemany(
                    "INSERT OR REPLACE INTO sealed (kind, key, text, seal) VALUES (?, ?, ?, ?)",
                    [(kind, k, text, _seal(kind, k, text)) for k, text in entries.items()],
                )
                con.execute(
                    "DELETE FROM sealed WHERE kind = ?1 AND rowid <="
                    " (SELECT max(rowid) FROM sealed WHERE kind = ?1) - ?2",
                    (kind, MOST_ENTRIES),
                )
        except sqlite3.Error as error:
            self._put_away(error)

    def close(self) -> None:
        """Let go of the file."""
        if self._con is not None:
            self._con.close()
            self._con = None

    def _open(self, *, make: bool) -> sqlite3.Connection | None:
        if self._con is not None:
            return self._con
        if not make and not self.path.is_file():
            return None
        for _ in range(2):
            try:
                self._con = self._connected()
                break
            except (sqlite3.Error, OSError) as error:
                if not self._put_away(error):
                    break
        return self._con

    def _connected(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # dbt builds in threads of its own; each call is one statement or one transaction.
        con = sqlite3.connect(self.path, timeout=1.0, check_same_thread=False)
        try:
            con.execute("PRAGMA journal_mode = WAL")
            con.execute("PRAGMA synchronous = OFF")
            con.execute(
                "CREATE TABLE IF NOT EXISTS sealed (kind TEXT NOT NULL, key TEXT NOT NULL,"
                " text TEXT NOT NULL, seal TEXT NOT NULL, UNIQUE (kind, key))"
            )
            con.execute("SELECT kind, key, text, seal FROM sealed LIMIT 1").fetchall()
        except sqlite3.Error:
            con.close()
            raise
        return con

    def _put_away(self, error: Exception) -> bool:
        """Remove the file if the error says that it is damaged; the next call begins a new one."""
        code = getattr(error, "sqlite_errorcode", None)
        if code is None or code & 0xFF not in _DAMAGED:
            return False
        self.close()
        with contextlib.suppress(OSError):
            for ending in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        return True


def _seal(kind: str, key: str, text: str) -> str:
    return ids.digest(kind, key, text)
