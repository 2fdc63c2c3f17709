"""Reads each row of a ledger once: what was added to it since the last look, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.lake import lognames
from headgate.lake.lake import Lake
from headgate.lake.snapshot import Snapshot, relation


@dataclass(frozen=True)
class Added:
    """Rows of a ledger as a DuckDB table expression, and ``every`` row of it; ``anew``: these are the
    same, and what was counted before is to be forgotten."""

    rows: str
    every: str
    anew: bool


class Followed:
    """A ledger and how far it was read."""

    def __init__(self, lake: Lake, ledger: str) -> None:
        self._lake, self._ledger = lake, ledger
        self._entry = ""
        self._read: Snapshot | None = None

    @property
    def moved(self) -> bool:
        """Whether something was committed to it since; one listing of a folder."""
        return self._newest() != self._entry

    def added(self, columns: list[str]) -> Added | None:
        """The rows since the last call, of these columns; None if there are none.

        Raises:
            LakeError: the log cannot be read.
        """
        entry = self._newest()
        if entry == self._entry:
            return None
        found = self._lake.snapshot(self._ledger)
        if found is None:
            return None
        before, now = self._read, found
        old = {f.path for f in before.files} if before else set()
        new = [f for f in now.files if f.path not in old]
        kept = len(old) == len(now.files) - len(new)
        # A note of the table as it was just read: more may have come since the folder was listed.
        self._entry, self._read = f"{now.version:020d}.json", now
        if before is not None and now.content_version <= before.version:
            return None  # files were put together, no row came
        types = {c: now.columns[c] for c in columns}
        every = relation(now.files, types)
        if before is None or not kept:
            return Added(every, every, anew=True)
        return Added(relation(new, types), every, anew=False)

    def _newest(self) -> str:
        names = self._lake.storage.names(f"{self._lake.key(self._ledger)}/_delta_log")
        return lognames.newest(names) or ""
