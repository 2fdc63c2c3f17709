"""Asking the lake from many threads at once: snapshots that are kept, and queries that are bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headgate.lake.engines.duckdb import UNGUARDING, Connection, configure, connect
from headgate.lake.lake import Lake

if TYPE_CHECKING:
    from headgate.core.settings import Settings
    from headgate.lake.snapshot import DataFile, Snapshot

#: Tables whose files are remembered; of each, at one version.
_MOST_KEPT = 300
_MOST_FREE = 16
#: Rows of a ledger that are looked through first for what is newest.
_FIRST_ROWS = 200_000


class Asking:
    """One lake, asked by pages. Any thread may ask; each query has a cursor of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._engine: Connection | None = None
        self._free: list[Connection] = []
        self._kept: OrderedDict[tuple[str, bool, int, str], Snapshot] = OrderedDict()

    @property
    def lake(self) -> Lake:
        """The lake, with nothing open that another thread might move."""
        return Lake(self.settings)

    def snapshot(self, dataset: str, *, quarantine: bool = False) -> Snapshot | None:
        """The newest version of a table; None if it was never written.

        Raises:
            LakeError: its log cannot be read.
        """
        found = self.lake.snapshot(dataset, quarantine=quarantine)
        if found is None:
            return None
        # A lake that was thrown away and made anew has the same numbers.
        batch = found.meta.batch_id if found.meta else ""
        key = (dataset, quarantine, found.version, batch)
        with self._lock:
            found = self._kept.setdefault(key, found)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """The rows of a query, as mappings by column."""
        cursor = self._cursor()
        found = cursor.execute(query, list(parameters))
        names = [d[0] for d in found.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        # One that failed is not used again: who knows what it was left in.
        with self._lock:
            if len(self._free) < _MOST_FREE:
                self._free.append(cursor)
        return rows

    def _cursor(self) -> Connection:
        """A cursor that nobody else uses now; setting one up takes a third of a small query."""
        with self._lock:
            if self._free:
                return self._free.pop()
            if self._engine is None:
                # Opened once there is a lake: a folder that is not there yet would stay out of reach.
                self._engine = connect(self.settings)
            cursor = self._engine.cursor()
        configure(cursor, self.settings)
        # To find the newest rows first and their other columns in a second scan costs twice as much
        # where the rows of a dataset lie together.
        cursor.execute(f"SET disabled_optimizers = 'late_materialization,{UNGUARDING}'")
        return cursor


def newest_first(files: Sequence[DataFile], column: str) -> Iterator[list[DataFile]]:
    """The files in portions, those first that hold the latest times in ``column``; each portion holds
    twice as many rows as the one before, so that who finds enough early reads little."""
    left = sorted(files, key=lambda f: latest([f], column), reverse=True)
    most = _FIRST_ROWS
    while left:
        portion: list[DataFile] = []
        while left and (not portion or sum(f.rows for f in portion) + left[0].rows <= most):
            portion.append(left.pop(0))
        yield portion
        most *= 2


def latest(files: Iterable[DataFile], column: str) -> datetime:
    """The latest time that ``column`` may have in any of the files; the end of time if none says."""
    never, end = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return max((_utc(f.maximum.get(column)) or end for f in files), default=never)


def within(
    files: Sequence[DataFile], column: str, since: datetime, until: datetime
) -> list[DataFile]:
    """The files that may hold a time of that span (both ends count) in ``column``."""
    return [
        f
        for f in files
        if (_utc(f.minimum.get(column)) or since) <= until
        and (_utc(f.maximum.get(column)) or until) >= since
    ]


def _utc(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def holding(files: Sequence[DataFile], column: str, value: str) -> list[DataFile]:
    """The files that may hold a row whose ``column`` has that value, by what the log says of them."""
    return [
        f
        for f in files
        if (column not in f.minimum or f.minimum[column] <= value)
        and (column not in f.maximum or f.maximum[column] >= value)
    ]
