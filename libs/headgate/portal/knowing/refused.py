"""The rows of each quarantine that wait for somebody: counted anew where its table moved."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from headgate.core.errors import HeadgateError
from headgate.lake import lognames
from headgate.lake.engines.duckdb import Connection, one
from headgate.lake.lake import Lake
from headgate.portal.knowing.promised import Wrong


@dataclass(frozen=True, slots=True)
class Open:
    """Rows that wait, and when the oldest of them was set aside."""

    rows: int
    oldest: datetime | None


NONE = Open(0, None)


class Refused:
    """The open rows of every dataset."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._seen: dict[str, str] = {}
        self._open: dict[str, Open] = {}
        self._troubles: dict[str, Wrong] = {}

    @property
    def troubles(self) -> tuple[Wrong, ...]:
        """The quarantines that could not be read."""
        return tuple(self._troubles.values())

    def moved(self, datasets: Iterable[str]) -> list[str]:
        """Those of the datasets whose quarantine was written since it was counted; one listing of a
        folder each."""
        return [d for d in datasets if self._entry(d) != self._seen.get(d, "")]

    def count(self, con: Connection, datasets: Iterable[str]) -> None:
        """Count the open rows of these anew; one that cannot be read counts as it did."""
        for dataset in datasets:
            seen = self._entry(dataset)
            self._troubles.pop(dataset, None)
            try:
                self._count(con, dataset)
            except HeadgateError as error:
                self._troubles[dataset] = Wrong(error.place, error.message, error.remedy)
            self._seen[dataset] = seen

    def _count(self, con: Connection, dataset: str) -> None:
        base = self._lake.snapshot(dataset, quarantine=True)
        if base is None:
            self._open.pop(dataset, None)
            return
        query = (
            "SELECT count(*), min(_quarantined_at) FROM"
            f" {base.relation(['state', '_quarantined_at'])} WHERE state = 'open'"
        )
        self._open[dataset] = Open(*one(con, query))

    def open(self, dataset: str) -> Open:
        """The rows of a dataset that wait."""
        return self._open.get(dataset, NONE)

    def _entry(self, dataset: str) -> str:
        """The newest entry of its quarantine's log; empty if it has none."""
        try:
            key = self._lake.key(dataset, quarantine=True)
            return lognames.newest(os.listdir(f"{self._lake.root}/{key}/_delta_log"))
        except OSError:
            return ""
