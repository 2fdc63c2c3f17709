"""One run: recover, ingest, curate, release, record; the same steps Airflow would take one by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from headgate.core import clock, failpoints, ids, resources
from headgate.lake import drafts, ledger, recovery, streams
from headgate.lake.engines.duckdb import connect
from headgate.lake.lake import Lake
from headgate.lake.session import Session
from headgate.lineage import steps
from headgate.lineage.emitter import Emitter
from headgate.lineage.steps import State, Step
from headgate.orchestration import (
    curating,
    evolving,
    forwarding_lineage,
    ingesting,
    releasing,
    replaying,
    restoring,
    waiting,
)
from headgate.orchestration.context import Progress, RunContext, Silent, activate
from headgate.orchestration.order import select as select_datasets
from headgate.orchestration.project import Project
from headgate.orchestration.report import RunReport
from headgate.quality import accepted, quarantine
from headgate.quality.outcome import BatchOutcome

__all__ = ["BatchOutcome", "Progress", "RunReport", "opened", "run", "run_with"]


def run(
    project: Project,
    *,
    sources: Mapping[str, Sequence[str]] | None = None,
    select: Sequence[str] = (),
    progress: Progress | None = None,
) -> RunReport:
    """Take what is new at the sources, build what is stale, release what passed.

    ``sources`` maps datasets to paths, folders or globs; without it every source is looked for
    where its contract says. ``select`` limits the run to some datasets.

    Raises:
        UsageError: a dataset, path or selection does not exist; nothing was touched.
        LakeBusyError: another run holds the lake.
    """
    graph = curating.graph_of(project)
    selected = select_datasets(project.contracts, graph, select)
    files = ingesting.files_of(project, sources or {}, selected)

    def work(context: RunContext) -> list[str]:
        problems = ingesting.ingest_all(context, files)
        waiting.replay_waiting(
            context, [d for d in project.contracts if d in selected - context.blocked.keys()]
        )
        return problems

    return run_with(project, work, selected=selected, progress=progress, command="run")


def run_with(
    project: Project,
    work: Callable[[RunContext], list[str]],
    *,
    selected: set[str],
    progress: Progress | None,
    command: str,
    rebuilding: Collection[str] = (),
) -> RunReport:
    """A run whose first part is ``work`` (which gives sentences for what failed).

    ``rebuilding`` are datasets whose rows it judges anew under a changed contract; others whose
    contract asks for that are left as they are, and told of if they are selected.
    """
    started, clock_started = clock.now(), clock.monotonic()
    with opened(project, command, progress) as context:
        context.session.rebuilding |= set(rebuilding)
        context.blocked |= evolving.blocked(context)
        problems = [told for d, told in context.blocked.items() if d in selected]
        problems += work(context)
        ingested = tuple(context.outcomes)
        problems += curating.bring_up(context, curating.graph_of(project), selected)
        held = curating.held(context) | evolving.held(context)
        models = tuple(context.outcomes[len(ingested) :])
        ledger.record(context.session.con, project.lake, project.contracts, context.accounts,
                      context.run_id)  # fmt: skip
        published, released = releasing.release(context, held)
        report = RunReport(
            run_id=context.run_id, started=started, seconds=0.0, batches=ingested, models=models,
            release_id=published.id if published else None, released=released,
            held=tuple(sorted(held)), problems=(*problems, *context.lineage.problems),
            notes=tuple(context.notes),
        )  # fmt: skip
        if context.outcomes or published or problems:
            outcome = "refused" if report.exit_code else "published"
            releasing.record_run(
                context, outcome=outcome, release_id=report.release_id, started=started,
                command=command,
            )  # fmt: skip
        releasing.settle(context)
    # Once the lake was let go of, more may be worth knowing.
    return dataclasses.replace(
        report, seconds=clock.monotonic() - clock_started, notes=tuple(context.notes)
    )


@contextmanager
def opened(
    project: Project, command: str, progress: Progress | None = None
) -> Iterator[RunContext]:
    """Hold the lake for one run, after putting right what a dead one left.

    Raises:
        UsageError: a ledger has no contract.
        LakeBusyError: another run holds the lake.
        ResourceError: the disk, memory or a limit of the system gave out.
    """
    context = None
    try:
        with resources.told(project.lake.root), _opened(project, command, progress) as context:
            yield context
    except Exception:
        _forward(context)
        raise
    _forward(context)


def _forward(context: RunContext | None) -> None:
    """Send lineage on, once the lake was let go of: who waits for that does not wait for others."""
    if context is not None:
        told = forwarding_lineage.in_passing(context.project.settings)
        if context.lineage.emitted:  # who did nothing tells nothing
            context.notes += told


@contextmanager
def _opened(project: Project, command: str, progress: Progress | None) -> Iterator[RunContext]:
    lake, run_id = project.lake, ids.new_id()
    for name in ledger.ALL:
        project.contracts[name]  # a project without contracts for its ledgers cannot keep them
    lake.make()
    accepted.keep_in(project.cache)
    with lake.run_lock(run_id, command, recovers=True) as died, _doubting(lake):
        failpoints.reach("run.started")
        lake.sweep_staging()
        held = streams.all_held(lake.root)
        # A stream that was killed leaves the lake as a killed run does.
        died = died or any(not h.alive for h in held)
        if died and not any(h.alive for h in held):
            drafts.sweep(lake)  # else one may be a living stream's; maintenance takes old ones
        emitter = _RunEmitter(
            lake.root / project.settings.lineage_file,
            project.settings.lake_name,
            steps.run_step(run_id, started=clock.now()),
        )
        with (
            connect(project.settings) as con,
            closing(Session(lake, con, run_id)) as session,
            emitter,
        ):
            context = RunContext(project, session, emitter, progress=progress or Silent())
            # A power cut may have taken with it that a run was going on.
            emitter.abort_unfinished()
            context.notes += recovery.before_a_run(lake, con, project.contracts, died=died)
            lake.storage.unsure = False  # whatever it was, it was made sure of
            streams.forget_dead(lake.root)
            _recover(context)
            if died:
                releasing.enter_releases(context)  # a stream enters its own now and then
            try:
                with activate(context):
                    yield context
            except BaseException as error:
                emitter.end(State.FAIL if isinstance(error, Exception) else State.ABORT)
                raise
            emitter.end(State.COMPLETE)
        lake.sweep_staging()


@contextmanager
def _doubting(lake: Lake) -> Iterator[None]:
    """Where a resource gives out, whatever comes next looks at what was left half done."""
    try:
        yield
    except BaseException as error:  # as a panic of a library in Rust is
        if resources.of(error) is not None:
            lake.storage.unsure = True
        raise


class _RunEmitter(Emitter):
    """Lineage of one run: the run itself starts there when its first step does, or not at all."""

    def __init__(self, path: Path, lake_name: str, step: Step) -> None:
        super().__init__(path, lake_name)
        self.step, self.started, self.since = step, False, clock.now()

    def emit(self, step: Step, state: State, *, at: datetime | None = None) -> bool:
        if not self.started:
            self.started = True
            super().emit(self.step, State.START, at=self.since)
        return super().emit(step, state, at=at)

    def abort_unfinished(self) -> int:
        """End in lineage what a dead run left running; that is no step of this run."""
        self.started, before = True, self.started
        try:
            return super().abort_unfinished()
        finally:
            self.started = before

    def end(self, state: State) -> None:
        """Say how the run ended, if anything was done in it."""
        if self.started:
            super().emit(self.step, state)


def _recover(context: RunContext) -> None:
    """Close what a dead run would have closed, and enter what it committed.

    In that order: once the ledger knows a batch, nobody looks for what was left open with it.
    """
    project, session = context.project, context.session
    contracts, con = project.contracts, session.con
    sources = [d for d, c in contracts.items() if c.name.layer != "system"]
    late = ledger.unrecorded(con, project.lake, sources)
    for meta, _ in late:
        if meta.kind == "ingest":
            quarantine.supersede(
                session, con, contracts[meta.dataset], meta.source, meta.content_hash, meta
            )
    replaying.resume(context)
    ledger.record(con, project.lake, contracts, late, context.run_id)
    restoring.resume(context)
    releasing.settle(context)
