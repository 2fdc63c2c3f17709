"""Opening the records: a file of SQLite's or a PostgreSQL database, brought to this edition's tables."""

from __future__ import annotations

from pathlib import Path

from headgate.core.database import Database, Kind
from headgate.core.settings import Settings
from headgate.portal.records.edition import EDITION

_FILE = "_state/portal.db"


class Records(Database):
    """What people put on record, and who may come in; see :class:`Database`."""

    kind = Kind(
        called="database of the portal",
        setting="portal_store",
        edition=EDITION,
        steps=Path(__file__).parent / "migrations",
        known_by="portal_entry",
        # Who writes; "portal" in bytes.
        lock=0x706F7274616C,
        if_broken="Bring it back from a backup: nothing else has the log of who saw and did what.",
        noted_in="portal_edition",
    )


def open_records(where: str | Path, *, create: bool = True) -> Records:
    """The records at a path (SQLite) or an SQLAlchemy URL; see :meth:`Database.open`."""
    return Records.open(where, create=create)


def where(settings: Settings) -> str | Path:
    """Where the records of a project's lake are: a path, or an SQLAlchemy URL, which is secret.

    A private lake has a file of its own: what somebody tries out is on nobody's record.
    """
    if settings.portal_store and not settings.is_private:
        if "://" in settings.portal_store:
            return settings.portal_store
        return settings.root / Path(settings.portal_store).expanduser()
    return settings.lake_path / _FILE
