"""The releasing part of a run: what readers see next, all at once, and the catalogue that shows it."""

from __future__ import annotations

import dataclasses

from headgate.core import clock, failpoints
from headgate.lake import catalog, ledger
from headgate.lake.release import Release
from headgate.lake.snapshot import Snapshot
from headgate.lineage import steps
from headgate.orchestration.context import RunContext


def release(context: RunContext, held: set[str]) -> tuple[Release | None, tuple[str, ...]]:
    """Publish what this run's candidate has beyond the newest release, less the held groups.

    Gives the release and the datasets that moved; None if nothing did.

    Raises:
        ConflictError: somebody else released the same groups meanwhile.
    """
    store, contracts = context.project.releases, context.project.contracts
    parent = store.newest()
    before = parent.versions if parent else {}
    moved: dict[str, tuple[Snapshot, str]] = {}
    for dataset, contract in contracts.items():
        if contract.name.layer == "system" or contract.release_group in held:
            continue
        snapshot = context.snapshot(dataset)
        if snapshot is not None and before.get(dataset) != snapshot.version:
            moved[dataset] = (snapshot, contract.release_group)
    if not moved:
        return None, ()
    step = steps.release_step(context.run_id, {d: s.version for d, (s, _) in moved.items()})
    with context.lineage.running(step) as update:
        published = store.publish(parent, moved, run_id=context.run_id)
        update(dataclasses.replace(step, tags={"release_id": published.id}))
    return published, tuple(sorted(moved))


def settle(context: RunContext) -> None:
    """Bring ledger and catalogue up to the newest release, whoever published it."""
    project, session = context.project, context.session
    newest = project.releases.newest()
    if newest is None:
        return
    if catalog.release_of(project.lake) == newest.id:
        return
    known = {
        r["release_id"]
        for r in ledger.rows(project.lake, session.con, ledger.RELEASES, limit=1_000_000)
    }
    for number in project.releases.ids():
        if number not in known:
            rows = ledger.release_rows(project.releases.get(number))
            ledger.append(
                session.con, project.lake, project.contracts, ledger.RELEASES, rows, context.run_id
            )
    failpoints.reach("release.published")
    write_catalog(context, newest)


def write_catalog(context: RunContext, newest: Release) -> None:
    """``catalog.duckdb`` for a release: its tables, and the ledgers as they stand."""
    lake = context.project.lake
    snapshots = {}
    for dataset, version in newest.versions.items():
        found = lake.snapshot(dataset, version)
        if found is not None:
            snapshots[dataset] = found
    for name in ledger.ALL:
        own = lake.snapshot(name)
        if own is not None:
            snapshots[name] = own
    catalog.write(lake, newest, snapshots)


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
