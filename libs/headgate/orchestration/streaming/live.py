"""Keeping windows up to date while messages come: every few seconds what is open is counted anew.

Each turn is a short run of its own: it holds the lake for a moment, has what lies between the stream
and the model built as any run would, counts the open windows, and releases both. A turn that finds
the lake held is left out. The stream itself is taken by another process and waits for nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headgate.core import clock
from headgate.core.errors import ConflictError, LakeBusyError, UsageError
from headgate.lake import ledger
from headgate.lake.lake import BRIEF
from headgate.lake.maintenance import compaction
from headgate.lake.release import STREAM, Release
from headgate.lineage.emitter import Emitter
from headgate.lineage.steps import State, Step
from headgate.orchestration import curating, evolving
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.part import Part, begun
from headgate.orchestration.project import Project
from headgate.orchestration.run import opened
from headgate.orchestration.streaming import live_windows, measures
from headgate.orchestration.streaming.live_state import LiveModel, model_of

#: Seconds after which the tables are looked at for small files, and lineage is told of a turn again.
TIDY_SECONDS, LINEAGE_SECONDS = 60.0, 300.0
#: Races for a release that may be lost in a row; others then keep releasing.
_TRIES = 20


@dataclass(frozen=True)
class Refreshed:
    """What one turn came to.

    ``whole``: it was built as a run does, for there was nothing to go on from. ``late`` rows, by
    length of window, came after their window was closed, and ``late_windows`` of those that were
    looked at would be otherwise with them; both since the turn before. ``watermark`` is as of when
    windows are closed now, once the stream's tables were ``read`` up to these versions. ``freshness_seconds`` is the age of the newest message counted.
    """

    dataset: str
    at: str
    version: int | None = None
    release: int | None = None
    whole: bool = False
    watermark: str | None = None
    read: Mapping[str, int] = field(default_factory=dict)
    freshness_seconds: float | None = None
    late: Mapping[int, int] = field(default_factory=dict)
    late_windows: int = 0
    rows: int = 0
    seconds: float = 0.0
    problems: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {**dataclasses.asdict(self), "late": {str(n): c for n, c in self.late.items()}}


def refresh(
    project: Project, model: LiveModel, sources: Sources | None = None, *, tidy: bool = False,
    tell: bool = True, show: bool = True,
) -> Refreshed:  # fmt: skip
    """One turn. With ``tidy`` small files of what it builds are put together; without ``tell``
    lineage does not hear of it. Without either of ``tell`` and ``show`` its batches are entered in
    the ledgers and itself, as a run, is not, and the catalogue shows it once somebody next holds
    the lake.

    Raises:
        LakeBusyError: a run holds the lake.
        ConflictError: somebody else released the same group meanwhile.
        ModelError, RefusedError: the model fails, or the gate refuses its rows.
        UsageError: another engine than the embedded one writes the table.
    """
    contract, started = model.contract, clock.monotonic()
    with begun(project, f"{BRIEF} {contract.id}", None, "") as part:
        context, counted, published = part.context, None, None
        if context.session.engine_name(contract) != "duckdb":
            raise UsageError(
                f"{contract.id} is written by {context.session.engine_name(contract)}, and open"
                " windows are counted by the embedded engine.",
                remedy="Say headgate.engine: duckdb in its contract.",
                place=str(contract.path),
            )
        if not tell:
            context.lineage = _Untold(context.lineage.path, context.lineage.lake_name)
        _bring_up(part, model)
        if not part.problems:
            counted = live_windows.count(context, sources or Sources(project), model)
            if tidy:
                _tidy(context, model)
            published = _release(part, model)
        if tell or show:
            part.enter(published)
        else:
            ledger.record(context.session.con, project.lake, project.contracts, context.accounts,
                          context.run_id)  # fmt: skip
    mark = counted.watermark if counted else None
    fresh = None
    if mark is not None:
        fresh = (clock.now() - mark).total_seconds() - model.spec.watermark_seconds
    return Refreshed(
        contract.id, clock.iso(), problems=tuple(part.problems),
        version=counted.outcome.version if counted else None,
        release=published.id if published else None,
        whole=counted.whole if counted else False, rows=counted.outcome.read if counted else 0,
        watermark=clock.iso(mark) if mark else None, read=counted.read if counted else {},
        freshness_seconds=None if fresh is None else round(fresh, 3),
        late=counted.late if counted else {}, late_windows=counted.late_windows if counted else 0,
        seconds=round(clock.monotonic() - started, 3),
    )  # fmt: skip


def keep(
    project: Project,
    dataset: str,
    *,
    every: float,
    stopped: Callable[[], bool] = bool,
    tell: Callable[[Refreshed], None] = lambda told: None,
    once: bool = False,
) -> None:
    """Refresh every so many seconds while there is something new, until it is ``stopped``.

    Raises:
        UsageError: the dataset is not kept up to date.
        HeadgateError: as for :func:`refresh`, but for a lake that is held.
    """
    sources = Sources(project)
    model = model_of(project, dataset, sources)
    seen: dict[str, int] = {}
    tidied, told, shown = clock.monotonic(), -LINEAGE_SECONDS, True
    while not stopped():
        turn = clock.monotonic()
        now = {d: s.version for d in model.streams if (s := project.lake.snapshot(d)) is not None}
        if now and now != seen:
            tidy, tells = turn - tidied > TIDY_SECONDS, turn - told > LINEAGE_SECONDS
            try:
                found = refresh(project, model, sources, tidy=tidy, tell=tells, show=once)
            except (LakeBusyError, ConflictError) as why:
                found = Refreshed(dataset, clock.iso(), problems=(str(why),))
            else:
                seen, tidied, told = now, turn if tidy else tidied, turn if tells else told
                shown = once
            measures.write(project.lake.root, f"live.{dataset}", found.told())
            tell(found)
        elif not shown:
            shown = _show(project, dataset)
        if once:
            return
        while not stopped() and clock.monotonic() - turn < every:
            clock.sleep(min(0.1, every))
    if not shown:
        _show(project, dataset)


def _show(project: Project, dataset: str) -> bool:
    """Have the catalogue show the last turn, as each does that of the one before."""
    try:
        with opened(project, f"{BRIEF} {dataset}"):
            return True
    except LakeBusyError:
        return False  # whoever holds the lake does it


def _bring_up(part: Part, model: LiveModel) -> None:
    """Have what lies between the stream and the model built, as a run would."""
    context, wanted = part.context, {*model.before, model.contract.id}
    part.problems += [told for d, told in context.blocked.items() if d in wanted]
    if not part.problems:
        graph = curating.graph_of(context.project)
        part.problems += curating.bring_up(context, graph, set(model.before))


def _release(part: Part, model: LiveModel) -> Release | None:
    """Show readers what was built, of groups that nothing holds: a release like those of a stream."""
    context, contracts = part.context, part.context.project.contracts
    held = curating.held(context) | evolving.held(context)
    mine = [contracts[d] for d in (*model.before, model.contract.id)]
    part.held |= held & {c.release_group for c in mine}
    part.problems += [f"release group {g} is held." for g in sorted(part.held)]
    store = context.project.releases
    for _ in range(_TRIES):
        parent = store.newest()
        before = parent.versions if parent else {}
        moved = {
            c.id: (s, c.release_group)
            for c in mine
            if c.release_group not in held
            and (s := context.snapshot(c.id)) is not None
            and s.version != before.get(c.id)
        }
        if not moved:
            return None
        try:
            return store.publish(parent, moved, run_id=context.run_id, kind=STREAM)
        except ConflictError:
            continue
    raise ConflictError(f"others kept releasing {model.contract.id} first.")


def _tidy(context: RunContext, model: LiveModel) -> None:
    """Put small files together of what the turns write, where that is worth it."""
    lake, contracts = context.project.lake, context.project.contracts
    for dataset in (*model.before, model.contract.id):
        done = compaction.compact(
            context.session.con, lake, dataset, run_id=context.run_id, key=contracts[dataset].key
        )
        if done is not None:
            context.accounts.append((done.meta, done.snapshot.version))
            context.session.advance(done.snapshot)


class _Untold(Emitter):
    """Tells lineage nothing: turns come every few seconds, and each is like the one before."""

    def emit(self, step: Step, state: State, *, at: datetime | None = None) -> bool:
        """Say nothing."""
        return True
