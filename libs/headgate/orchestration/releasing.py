"""The releasing part of a run: what readers see next, all at once, and the catalogue that shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from headgate.core import clock, failpoints
from headgate.core.errors import NotFoundError
from headgate.lake import catalog, ledger, streams
from headgate.lake.release import Release
from headgate.lake.snapshot import Snapshot
from headgate.lineage import change
from headgate.orchestration import told_changes
from headgate.orchestration.context import RunContext


def release(
    context: RunContext, held: set[str], *, only: str | None = None
) -> tuple[Release | None, tuple[str, ...]]:
    """Publish what this run's candidate has beyond the newest release, less the held groups.

    With ``only``, nothing but the group of that name moves. Gives the release and the datasets that moved; None if nothing did.

    Raises:
        ConflictError: somebody else released the same groups meanwhile.
    """
    store, contracts = context.project.releases, context.project.contracts
    # A stream that goes on releases its own.
    living = streams.living(context.project.lake.root)
    parent = store.newest()
    before = parent.versions if parent else {}
    moved: dict[str, tuple[Snapshot, str]] = {}
    for dataset, contract in contracts.items():
        if contract.name.layer == "system" or contract.release_group in held:
            continue
        if dataset in living:
            continue
        if only is not None and contract.release_group != only:
            continue
        snapshot = context.snapshot(dataset)
        if snapshot is not None and before.get(dataset) != snapshot.version:
            moved[dataset] = (snapshot, contract.release_group)
    if not moved:
        return None, ()
    behind = [] if only is not None else _held(context, held, before)
    published = publish(context, parent, moved, held=behind)
    return published, tuple(sorted(moved))


def publish(
    context: RunContext,
    parent: Release | None,
    moved: Mapping[str, tuple[Snapshot, str]],
    *,
    kind: str = "publish",
    note: str = "",
    held: Sequence[change.HeldGroup] = (),
) -> Release:
    """Publish, and tell lineage of it: what made the versions that readers see from now on.

    Raises:
        ConflictError: somebody else released the same groups meanwhile.
    """
    step = told_changes.release_step(context.run_id, moved)
    contracts = context.project.contracts
    streamed = [g for d, (_, g) in moved.items() if d in contracts and contracts[d].stream]
    with context.lineage.running(step) as update:
        published = context.project.releases.publish(
            parent, moved, run_id=context.run_id, kind=kind, note=note,
            yielding=() if kind == "rollback" else streamed,
        )  # fmt: skip
        update(dataclasses.replace(step, **told_changes.released(published, held)))
    return published


def _held(context: RunContext, held: set[str], before: Mapping[str, int]) -> list[change.HeldGroup]:
    """Groups that do not move, what of them is committed beyond what readers see, and why."""
    failed, found = {**context.failed, **context.blocked}, []
    for group in sorted(held):
        mine = [d for d, c in context.project.contracts.items() if c.release_group == group]
        versions = {d: s.version for d in mine if (s := context.snapshot(d)) is not None}
        behind = {d: v for d, v in versions.items() if before.get(d) != v}
        why = tuple(dict.fromkeys(failed[d] for d in mine if d in failed))
        found.append(change.HeldGroup(group, tuple(mine), behind, why))
    return found


def settle(context: RunContext) -> None:
    """Bring ledger and catalogue up to the newest release, whoever published it."""
    project = context.project
    newest = project.releases.newest()
    if newest is None:
        return
    if catalog.release_of(project.lake) == newest.id:
        return
    enter_releases(context)
    failpoints.reach("release.published")
    write_catalog(context, newest)


def enter_releases(context: RunContext) -> None:
    """Enter the releases that the ledger does not know."""
    project, con = context.project, context.session.con
    known = ledger.known_releases(project.lake, con)
    late = [project.releases.get(n) for n in project.releases.ids() if n not in known]
    rows = [row for release in late for row in ledger.release_rows(release)]
    if rows:
        ledger.append(con, project.lake, project.contracts, ledger.RELEASES, rows, context.run_id)


def write_catalog(context: RunContext, newest: Release) -> None:
    """``catalog.duckdb`` for a release: its tables, and the ledgers as they stand.

    Where it shows an earlier release, only the views of what moved since are defined anew.
    """
    lake, shows = context.project.lake, catalog.shown(context.project.lake)
    versions, before, gone = newest.versions, dict[str, int](), None
    if shows is not None and shows.ours:
        try:
            before = context.project.releases.get(shows.release).versions
            gone = sorted(before.keys() - versions.keys())
        except NotFoundError:
            pass  # that release was cleaned away: write it whole
    moved = [d for d, version in versions.items() if before.get(d) != version]
    snapshots = {d: _at(context, d, versions[d]) for d in moved}
    snapshots |= {name: lake.snapshot(name) for name in ledger.ALL}
    catalog.write(lake, newest, {d: s for d, s in snapshots.items() if s is not None}, gone)


def _at(context: RunContext, dataset: str, version: int) -> Snapshot | None:
    mine = context.snapshot(dataset) if dataset in context.project.contracts else None
    if mine is not None and mine.version == version:
        return mine
    return context.project.lake.snapshot(dataset, version)


def record_run(context: RunContext, *, outcome: str, release_id: int | None, started: object,
               command: str) -> None:  # fmt: skip
    """Enter the run itself."""
    row = {
        "run_id": context.run_id, "started_at": started, "ended_at": clock.now(),
        "outcome": outcome, "release_id": release_id,
        "datasets": len({o.dataset for o in context.outcomes}), "command": command,
    }  # fmt: skip
    project = context.project
    ledger.append(context.session.con, project.lake, project.contracts, ledger.RUNS, [row],
                  context.run_id)  # fmt: skip
