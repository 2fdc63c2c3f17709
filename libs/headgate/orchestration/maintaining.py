"""Maintenance of a lake: files put together, logs cut short, and what nobody can read removed.

The order is what makes it safe to die anywhere: a release goes before the log entries that it
needed, those before the data files that they named. Everything is decided from what lies there, so
that the next maintenance ends what this one began.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from headgate.contracts.names import QUARANTINE_SUFFIX
from headgate.core import clock, failpoints, ids, resources
from headgate.core.errors import HeadgateError
from headgate.lake import ledger, unnamed
from headgate.lake.engines.duckdb import Connection, connect
from headgate.lake.maintenance import compaction, history, sweeping
from headgate.lake.maintenance.releases import expired
from headgate.lake.release import FOLDER, Release
from headgate.orchestration import private_lakes, releasing
from headgate.orchestration.context import RunContext
from headgate.orchestration.project import Project
from headgate.orchestration.run import opened

COMPACTED, CHECKPOINT, LOG = "compacted", "checkpoint", "log"
SUPERSEDED, ORPHANS, DRAFTS = "superseded", "orphans", "drafts"
SET_ASIDE, RELEASES = "set aside", "releases"


@dataclass(frozen=True)
class Work:
    """One thing that was done, or would be: ``files`` of ``bytes`` that go.

    ``where`` is a dataset, a dataset's quarantine, or a folder of the lake.
    """

    where: str
    what: str
    files: int
    bytes: int
    detail: str = ""


@dataclass
class MaintenanceReport:
    """What maintenance did. ``problems`` are sentences of what was left alone because it cannot be
    read; ``notes`` of what was put right before."""

    dry_run: bool
    works: list[Work] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def freed(self) -> int:
        """Bytes that went; files that were put together are counted when they go."""
        return sum(w.bytes for w in self.works if w.what not in (COMPACTED, CHECKPOINT))

    @property
    def exit_code(self) -> int:
        """1 if something could not be maintained."""
        return 1 if self.problems else 0

    def add(self, where: str, what: str, files: int, size: int, detail: str = "") -> None:
        """One more thing, if it is any."""
        if files:
            self.works.append(Work(where, what, files, size, detail))


def maintain(
    project: Project, datasets: Sequence[str] = (), *, dry_run: bool = False
) -> MaintenanceReport:
    """Maintain the whole lake, or only the tables of some datasets, as settings say.

    With ``dry_run`` nothing is done; the report says what would be.

    Raises:
        UsageError: a dataset does not exist.
        LakeBusyError: a run holds the lake.
    """
    chosen = [project.contracts[d].id for d in datasets]
    report = MaintenanceReport(dry_run)
    if dry_run:
        with connect(project.settings) as con:
            _Maintenance(project, con, ids.new_id(), chosen, report).run(None)
        return report
    with opened(project, "maintain") as context:
        _Maintenance(project, context.session.con, context.run_id, chosen, report).run(context)
        report.notes += context.notes
    return report


@dataclass
class _Maintenance:
    project: Project
    con: Connection
    run_id: str
    chosen: Sequence[str]
    report: MaintenanceReport
    going: list[Release] = field(default_factory=list)

    def run(self, context: RunContext | None) -> None:
        """All of it; nothing is changed without a ``context``."""
        if not self.chosen:
            self._expire(context)
        self._compact_all(context)
        lake, gone = self.project.lake, {r.id for r in self.going}
        keys = self._keys()
        versions = history.pinned(lake, without=gone)
        cuts = {key: self._shorten(key, versions.get(key, set()), context) for key in keys}
        failpoints.reach("maintain.logs_cut")
        try:
            pinned = unnamed.pins(lake, without=gone)
        except HeadgateError as error:
            self.report.problems.append(str(resources.of(error) or error))
            return
        for key in keys:
            self._sweep(key, pinned, cuts[key], context)
        if not self.chosen:
            self._clear(context)

    def _expire(self, context: RunContext | None) -> None:
        lake, store = self.project.lake, self.project.releases
        self.going = expired(store, self.project.settings, self._bases())
        names = [f"{r.id:020d}.json" for r in self.going]
        sizes = {o.name: o.size for o in lake.storage.objects(FOLDER)}
        if context is not None:
            lake.storage.remove(FOLDER, names)
            failpoints.reach("maintain.releases_expired")
        told = f"{self.going[0].id} to {self.going[-1].id}" if self.going else ""
        self.report.add(FOLDER, RELEASES, len(names), sum(sizes[n] for n in names), told)

    def _bases(self) -> set[int]:
        """The releases that private lakes of the project began as: they are compared with them."""
        folder = self.project.settings.private_lakes_path
        found = set()
        for name in sorted(p.name for p in folder.iterdir()) if folder.is_dir() else ():
            if not name.startswith("."):
                base = private_lakes.base_of(Project(self.project.settings.with_lake(name)))
                if base is not None and base.root == str(self.project.lake.root):
                    found.add(base.release)
        return found

    def _compact_all(self, context: RunContext | None) -> None:
        """First what runs write, then the ledgers, which are told of it."""
        started, contracts = clock.now(), self.project.contracts
        named = [d for d in contracts if not self.chosen or d in self.chosen]
        ledgers = [d for d in named if contracts[d].name.layer == "system"]
        for dataset in (d for d in named if d not in ledgers):
            self._compact(dataset, context)
            self._compact(dataset, context, quarantine=True)
        if context is not None and context.accounts:
            self._tell(context, started)
        newest = self.project.releases.newest()
        moved = [d for d in ledgers if self._compact(d, context)]
        if moved and context is not None and newest:
            # The catalogue shows the ledgers as they are; while it does not, it keeps their old files.
            try:
                releasing.write_catalog(context, newest)
            except (HeadgateError, OSError) as error:
                self.report.problems.append(str(resources.of(error) or error))

    def _tell(self, context: RunContext, started: datetime) -> None:
        """Enter what was put together; what cannot be entered now the next run enters."""
        project = self.project
        try:
            ledger.record(self.con, project.lake, project.contracts, context.accounts, self.run_id)
            releasing.record_run(
                context, outcome="published", release_id=None, started=started, command="maintain"
            )
        except (HeadgateError, OSError) as error:
            self.report.problems.append(str(resources.of(error) or error))

    def _compact(
        self, dataset: str, context: RunContext | None, *, quarantine: bool = False
    ) -> bool:
        lake, contract = self.project.lake, self.project.contracts[dataset]
        where = f"{dataset}{' (quarantine)' if quarantine else ''}"
        try:
            if context is None:
                base = lake.snapshot(dataset, quarantine=quarantine)
                files = compaction.worth(base, lake.settings) if base else ()
                self.report.add(where, COMPACTED, len(files), sum(f.size for f in files))
                return bool(files)
            key = () if quarantine else contract.key
            done = compaction.compact(
                self.con, lake, dataset, run_id=self.run_id, key=key,
                order=() if quarantine else ledger.ORDER.get(dataset, ()), quarantine=quarantine,
            )  # fmt: skip
        except (HeadgateError, OSError) as error:  # no space, say: removing is all the more needed
            self.report.problems.append(str(resources.of(error) or error))
            return False
        if done is None:
            return False
        told = f"into {done.new_files} of {done.new_bytes:,} bytes"
        self.report.add(where, COMPACTED, done.files, done.bytes, told)
        if not quarantine:
            context.session.advance(done.snapshot)
            if contract.name.layer != "system":
                context.accounts.append((done.meta, done.snapshot.version))
        failpoints.reach("maintain.compacted")
        return True

    def _keys(self) -> list[str]:
        lake = self.project.lake
        if not self.chosen:
            return unnamed.tables(lake)
        wanted = {lake.key(d, quarantine=q) for d in self.chosen for q in (False, True)}
        return [key for key in unnamed.tables(lake) if key in wanted]

    def _shorten(
        self, key: str, pinned: Iterable[int], context: RunContext | None
    ) -> history.Cut | None:
        lake = self.project.lake
        try:
            log = history.read(lake, key)
            if log.since_checkpoint >= history.WORTH:
                told = f"at version {log.entries[-1]}"
                self.report.add(where(key), CHECKPOINT, 1, 0, told)
                if context is not None:
                    history.sum_up(lake, log, log.entries[-1], self.run_id)
                    log = history.read(lake, key)
            found = history.cut(lake, log, set(pinned))
            if found is None:
                return None
            if context is not None:
                history.clean(lake, log, found, self.run_id)
        except (HeadgateError, OSError) as error:
            self.report.problems.append(str(resources.of(error) or error))
            return None
        told = f"begins at version {found.version}"
        self.report.add(where(key), LOG, len(found.names), found.bytes, told)
        return found

    def _sweep(
        self, key: str, pinned: dict[str, set[str]], found: history.Cut | None,
        context: RunContext | None,
    ) -> None:  # fmt: skip
        lake = self.project.lake
        try:
            if context is None and found is not None:
                live = history.live(lake, history.read(lake, key), found.version)
                swept = sweeping.table(lake, key, pinned, without=found.names, live=live)
            else:
                swept = sweeping.table(lake, key, pinned)
        except HeadgateError as error:
            self.report.problems.append(str(resources.of(error) or error))
            return
        if context is not None and swept.names:
            lake.storage.remove(key, swept.names)
            failpoints.reach("maintain.swept")
        for what, files in ((SUPERSEDED, swept.superseded), (ORPHANS, swept.orphans)):
            self.report.add(where(key), what, len(files), sum(f.size for f in files))

    def _clear(self, context: RunContext | None) -> None:
        lake = self.project.lake
        for what, place, files in (
            (DRAFTS, ".", sweeping.drafts(lake)),
            (SET_ASIDE, sweeping.SET_ASIDE, sweeping.set_aside(lake)),
        ):
            if context is not None:
                sweeping.remove(lake, files)
            self.report.add(place, what, len(files), sum(f.size for f in files))


def where(key: str) -> str:
    """A table's key, as people call it."""
    name = key.removesuffix(QUARANTINE_SUFFIX).replace("/", ".")
    return f"{name} (quarantine)" if key.endswith(QUARANTINE_SUFFIX) else name
