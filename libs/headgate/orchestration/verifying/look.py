"""A consistent look at a lake without its run lock: what is looked at is pinned first, in an order in
which nothing that is named can be missing because a run went on meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from headgate.contracts.model import Contract
from headgate.core.errors import ContractError
from headgate.lake import ledger, streams
from headgate.lake.engines.duckdb import Connection
from headgate.lake.meta import CommitMeta
from headgate.lake.release import Release
from headgate.lake.snapshot import relation
from headgate.lake.streams import Held
from headgate.orchestration import private_lakes
from headgate.orchestration.base_lake import Base
from headgate.orchestration.context import Progress
from headgate.orchestration.project import Project
from headgate.orchestration.verifying.holder import Holder, holder
from headgate.orchestration.verifying.pinned import Pinned, pin, replay
from headgate.orchestration.verifying.tablelog import State
from headgate.quality import evolution


@dataclass
class Look:
    """The lake as it stood. Checks leave in ``damaged`` the data files (by uri) that no later check
    should trust, so that one fault is told once."""

    project: Project
    con: Connection
    progress: Progress
    deep: bool
    selected: frozenset[str] | None
    held_before: Holder | None
    held_after: Holder | None = None
    streams: tuple[Held, ...] = ()
    tables: dict[str, Pinned] = field(default_factory=dict)
    quarantines: dict[str, Pinned] = field(default_factory=dict)
    releases: dict[int, Release | str] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    files_read: set[str] = field(default_factory=set)
    rows_read: int = 0
    _ledgers: dict[str, list[dict[str, Any]] | None] = field(default_factory=dict)

    @property
    def running(self) -> frozenset[str]:
        """The ids of runs and streams that went on while we looked."""
        runs = {h.run_id for h in (self.held_before, self.held_after) if h and h.alive}
        return frozenset(runs | {h.run_id for h in self.streams if h.alive})

    @property
    def dead(self) -> Holder | None:
        """The run that died holding the lake, if nothing put that right yet."""
        found = self.held_after
        return found if found and not found.alive else None

    def every(self) -> Iterator[Pinned]:
        """Every table and quarantine that was asked for."""
        for dataset, table in sorted({**self.tables}.items()):
            if self.asked(dataset):
                yield table
        for dataset, table in sorted(self.quarantines.items()):
            if self.asked(dataset):
                yield table

    def data(self) -> Iterator[Pinned]:
        """Every table that was asked for and is neither a ledger nor a quarantine."""
        for table in self.every():
            if not table.quarantine and not table.dataset.startswith("system."):
                yield table

    def asked(self, dataset: str) -> bool:
        """Whether it was asked for."""
        return self.selected is None or dataset in self.selected

    @cached_property
    def kept_releases(self) -> dict[int, Release]:
        """Those releases that can be read."""
        return {n: r for n, r in self.releases.items() if isinstance(r, Release)}

    @cached_property
    def newest_release(self) -> Release | None:
        """The newest, if it can be read."""
        last = max(self.releases, default=None)
        return None if last is None else self.kept_releases.get(last)

    @cached_property
    def base(self) -> Base | None:
        """What a private lake began as."""
        return private_lakes.base_of(self.project)

    @property
    def just_begun(self) -> bool:
        """Whether it is a private lake in which nothing ran yet: ledger and catalogue come then."""
        return self.base is not None and set(self.releases) == {1}

    @cached_property
    def batches(self) -> dict[str, CommitMeta]:
        """Every batch that a log tells of, quarantines and ledgers left out, by id."""
        return {m.batch_id: m for t in self.tables.values() for _, m in t.metas()}

    def sound(self, table: Pinned, state: State) -> bool:
        """Whether no file of that version is known to be damaged."""
        return not any(f"{table.uri}/{path}" in self.damaged for path in state.files)

    def ledger(self, name: str) -> list[dict[str, Any]] | None:
        """A ledger's rows as it stood; None where it cannot be trusted, which is told elsewhere."""
        table = self.tables.get(name)
        if table is not None and (table.head is None or not self.sound(table, table.head)):
            return None
        if name not in self._ledgers:
            self._ledgers[name] = self._ledger(name)
        return self._ledgers[name]

    def _ledger(self, name: str) -> list[dict[str, Any]] | None:
        import duckdb

        table = self.tables.get(name)
        state = table.head if table else None
        if table is None or state is None:
            return []
        found = relation(table.snapshot(state).files, state.columns)
        try:
            rows = self.con.execute(f"SELECT * FROM {found}").fetchall()
        except (duckdb.Error, UnicodeDecodeError):
            return None
        return [dict(zip(state.columns, row, strict=True)) for row in rows]

    def today(self, dataset: str) -> Contract | None:
        """The project's contract of the dataset, if there is one by now."""
        contracts = self.project.contracts
        if dataset not in contracts:
            return None
        return contracts[dataset]

    def contract(self, table: Pinned) -> Contract | None:
        """The contract under which the table was last committed, or None if it cannot be told."""
        today = self.today(table.dataset)
        metas = table.metas()
        if not metas or today is None:
            return None
        if metas[-1][1].contract_hash == today.hash:
            return today
        try:
            before = evolution.earlier(self.project.lake, today, metas[-1][1].contract_hash)
        except (ContractError, ValueError):
            return None
        return before if isinstance(before, Contract) else None


def look(
    project: Project, con: Connection, progress: Progress, *, deep: bool, selected: Collection[str]
) -> Look:
    """Pin what there is: releases first, then what they name, then the ledgers, which tell of it.

    Raises:
        ContractError: a contract of the project is wrong.
    """
    lake = project.lake
    found = Look(project, con, progress, deep, frozenset(selected) or None, holder(lake.root))
    found.streams = tuple(streams.all_held(lake.root))
    for number in project.releases.ids():
        found.releases[number] = _release(project, number)
    own = [d for d in _datasets(project) if not d.startswith("system.")]
    for dataset in own:
        progress.step(dataset, "reading its log")
        _pin_into(found.tables, project, dataset)
    for dataset in own:
        _pin_into(found.quarantines, project, dataset, quarantine=True)
    for dataset in sorted(
        {*ledger.ALL, *(d for d in _datasets(project) if d.startswith("system."))}
    ):
        _pin_into(found.tables, project, dataset)
    wanted: dict[str, set[int]] = {}
    for release in found.kept_releases.values():
        for dataset, version in release.versions.items():
            wanted.setdefault(dataset, set()).add(version)
    for table in [*found.tables.values(), *found.quarantines.values()]:
        replay(con, table, () if table.quarantine else wanted.get(table.dataset, ()))
    found.held_after = holder(lake.root)
    found.streams += tuple(streams.all_held(lake.root))
    return found


def _release(project: Project, number: int) -> Release | str:
    try:
        return project.releases.get(number)
    except Exception as error:  # whatever is wrong with it, it is told as a finding
        return (str(error).splitlines() or [type(error).__name__])[0]


def _datasets(project: Project) -> list[str]:
    """Datasets that have a contract, and those that have a table all the same."""
    storage, found = project.lake.storage, set(project.contracts)
    for layer in ("bronze", "silver", "gold", "system"):
        for domain in storage.names(layer):
            for name in storage.names(f"{layer}/{domain}"):
                if storage.names(f"{layer}/{domain}/{name}/_delta_log"):
                    plain = name.removesuffix("__quarantine")
                    found.add(f"{layer}.{domain}.{plain}")
    return sorted(found)


def _pin_into(
    tables: dict[str, Pinned], project: Project, dataset: str, *, quarantine: bool = False
) -> None:
    table = pin(project.lake, dataset, quarantine=quarantine)
    if table is not None:
        tables[dataset] = table
