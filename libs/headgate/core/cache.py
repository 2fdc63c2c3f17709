"""What was worked out before and need not be again: texts by kind and key, in one file of the lake.

Nothing depends on it. An entry is named by a digest of all that it follows from, so it is never
wrong, only absent; a file that is damaged, locked or cannot be written counts as empty.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

FILE_NAME = "_cache/worked_out.sqlite"
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
                found |= con.execute(
                    f"SELECT key, text FROM entries WHERE kind = ? AND key IN ({marks})",
                    (kind, *page),
                ).fetchall()
        except sqlite3.Error:
            return found
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
                    "INSERT OR REPLACE INTO entries (kind, key, text) VALUES (?, ?, ?)",
                    [(kind, key, text) for key, text in entries.items()],
                )
                con.execute(
                    "DELETE FROM entries WHERE kind = ?1 AND rowid <="
                    " (SELECT max(rowid) FROM entries WHERE kind = ?1) - ?2",
                    (kind, MOST_ENTRIES),
                )
        except sqlite3.Error:
            return

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
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # dbt builds in threads of its own; each call is one statement or one transaction.
            con = sqlite3.connect(self.path, timeout=1.0, check_same_thread=False)
            con.execute("PRAGMA journal_mode = WAL")
            con.execute("PRAGMA synchronous = OFF")
            con.execute(
                "CREATE TABLE IF NOT EXISTS entries"
                " (kind TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (kind, key))"
            )
        except (sqlite3.Error, OSError):
            return None
        self._con = con
        return con
