"""What one run knows of the lake: the version of each table that it reads, its engine, its staging."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from headgate.contracts.model import Contract
from headgate.core.settings import Settings
from headgate.lake.engines import ownership
from headgate.lake.engines.duckdb import Connection
from headgate.lake.lake import Lake
from headgate.lake.snapshot import Snapshot


@dataclass
class Session:
    """One run's candidate: the tables as it sees them, its own commits included.

    Under the run lock a table's newest version is the released one or what an unfinished run
    left committed, which this run continues; so that is where a candidate starts. ``rebuilding``
    are datasets whose stored rows this run judges anew, so that their contract may have changed;
    ``judged`` are dataset, version and contract, and how many stored rows break it. ``parents``
    are tables of keys that the engine holds, and the version of the parent that each is of.

    ``con`` is the embedded engine, which keeps ledgers, quarantine and the catalogue whatever judges
    the rows; :meth:`engine` gives the one that a contract's rows are worked on by.
    """

    lake: Lake
    con: Connection
    run_id: str
    rebuilding: set[str] = field(default_factory=set)
    judged: dict[tuple[str, int, str], int] = field(default_factory=dict)
    parents: dict[str, int] = field(default_factory=dict)
    _snapshots: dict[str, Snapshot | None] = field(default_factory=dict)
    _distributed: Connection | None = None
    _distributed_parents: dict[str, int] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The project's settings."""
        return self.lake.settings

    def engine_name(self, contract: Contract) -> str:
        """What the contract's rows are judged and written by: ``duckdb`` or ``spark``."""
        return ownership.engine_of(contract, self.settings)

    def engine(self, contract: Contract) -> Connection:
        """The connection that the contract's rows are judged and written by. Spark's, which is
        opened when it is first asked for, takes the same statements.

        Raises:
            UsageError: Spark or its jars are not installed, or it cannot be reached.
        """
        if self.engine_name(contract) == "duckdb":
            return self.con
        if self._distributed is None:
            from headgate.lake.engines.spark.connection import SparkConnection

            self._distributed = cast(Connection, SparkConnection.open(self.settings))
        return self._distributed

    def held(self, con: Connection) -> dict[str, int]:
        """The tables of keys that a connection of this session holds, see ``parents``."""
        if con is self.con:
            return self.parents
        return self._distributed_parents if con is self._distributed else {}

    def close(self) -> None:
        """Let go of the distributed engine, if it was asked for. ``con`` is its opener's."""
        if self._distributed is not None:
            self._distributed.close()
            self._distributed = None
            self._distributed_parents.clear()

    def snapshot(self, dataset: str) -> Snapshot | None:
        """The table at this run's version, or None if it was never written."""
        if dataset not in self._snapshots:
            self._snapshots[dataset] = self.lake.snapshot(dataset)
        return self._snapshots[dataset]

    def advance(self, snapshot: Snapshot) -> None:
        """Read this version from now on: this run committed it."""
        self._snapshots[snapshot.dataset] = snapshot

    def look_at(self, dataset: str, snapshot: Snapshot | None) -> None:
        """Read the table as it was at this version, or before it was first written."""
        self._snapshots[dataset] = snapshot

    def refresh(self, dataset: str) -> Snapshot | None:
        """Look at the log again, after somebody else moved the table."""
        self._snapshots.pop(dataset, None)
        return self.snapshot(dataset)

    def versions(self, datasets: Iterable[str]) -> dict[str, int]:
        """The candidate's versions of those of the datasets that exist, each as that which first
        had these rows: files that were put together are no news to who reads them."""
        found = {d: self.snapshot(d) for d in datasets}
        return {d: s.content_version for d, s in found.items() if s is not None}

    @property
    def staging(self) -> Path:
        """Where this run stages files."""
        return self.lake.staging(self.run_id)
