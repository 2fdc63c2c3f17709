"""Asking the lake from many threads at once: snapshots that are kept, and queries that are bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastapi import Request

from headgate.lake.engines.duckdb import Connection, configure, connect
from headgate.lake.lake import Lake
from headgate.portal import served

if TYPE_CHECKING:
    from headgate.core.settings import Settings
    from headgate.lake.snapshot import DataFile, Snapshot

#: Tables whose files are remembered; of each, at one version.
_MOST_KEPT = 300
_making = threading.Lock()


class Asking:
    """One lake, asked by pages. Any thread may ask; each query has a cursor of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._engine: Connection | None = None
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
        with self._cursor() as cursor:
            found = cursor.execute(query, list(parameters))
            names = [d[0] for d in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def _cursor(self) -> Connection:
        with self._lock:
            if self._engine is None:
                # Opened once there is a lake: a folder that is not there yet would stay out of reach.
                self._engine = connect(self.settings)
            cursor = self._engine.cursor()
        configure(cursor, self.settings)
        return cursor


def of(request: Request) -> Asking:
    """Who asks the lake for a request's portal; one a portal."""
    state = request.app.state
    with _making:
        if not hasattr(state, "asking"):
            state.asking = Asking(served.of(request).project.settings)
    found: Asking = state.asking
    return found


def holding(files: Sequence[DataFile], column: str, value: str) -> list[DataFile]:
    """The files that may hold a row whose ``column`` has that value, by what the log says of them."""
    return [
        f
        for f in files
        if (column not in f.minimum or f.minimum[column] <= value)
        and (column not in f.maximum or f.maximum[column] >= value)
    ]
