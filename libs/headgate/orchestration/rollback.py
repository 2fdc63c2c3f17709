"""Rolling back: readers see an earlier release again, and the tables go on from there."""

from __future__ import annotations

import dataclasses

from headgate.contracts.model import Contract
from headgate.core import clock, ids
from headgate.core.errors import LakeError, NotFoundError
from headgate.lake import ledger
from headgate.lake.commit import commit
from headgate.lake.meta import CommitMeta
from headgate.lake.release import Release
from headgate.lake.snapshot import Snapshot
from headgate.lineage import steps
from headgate.orchestration import releasing
from headgate.orchestration.context import RunContext
from headgate.orchestration.project import Project
from headgate.orchestration.run import opened


def rollback(project: Project, release_id: int) -> Release:
    """Put every table back as the release ``release_id`` has it, and release that.

    Nothing is erased: each table gets a new version with the old files, so a rollback can itself
    be rolled back. Files taken since stay taken: they come in again when their content changes.

    Raises:
        NotFoundError: no such release, or it is the newest.
        LakeError: a file of the release is gone.
    """
    with opened(project, f"release rollback {release_id}") as context:
        target, newest = project.releases.get(release_id), project.releases.newest()
        if newest is None or target.id == newest.id:
            raise NotFoundError(f"release {release_id} is the newest already.")
        moved: dict[str, tuple[Snapshot, str]] = {}
        for dataset, table in target.tables.items():
            contract = project.contracts[dataset]
            restored = _restore(context, contract, table.version, release_id)
            if restored.version != newest.versions.get(dataset):
                moved[dataset] = (restored, contract.release_group)
        step = steps.release_step(context.run_id, {d: s.version for d, (s, _) in moved.items()})
        with context.lineage.running(step):
            published = project.releases.publish(
                newest, moved, run_id=context.run_id, kind="rollback", note=f"to {release_id}"
            )
        ledger.record(context.session.con, project.lake, project.contracts, context.accounts,
                      context.run_id)  # fmt: skip
        releasing.record_run(
            context, outcome="published", release_id=published.id, started=clock.now(),
            command=f"release rollback {release_id}",
        )  # fmt: skip
        releasing.settle(context)
    return published


def _restore(context: RunContext, contract: Contract, version: int, release_id: int) -> Snapshot:
    """A new version of the table with the files of ``version``; none if they are live already."""
    lake = context.project.lake
    head, old = context.snapshot(contract.id), lake.snapshot(contract.id, version)
    if head is None or old is None:
        raise LakeError(f"{contract.id} has no version {version} any more.")
    live, wanted = {f.path for f in head.files}, {f.path for f in old.files}
    if live == wanted and head.meta and old.meta and head.meta.inputs == old.meta.inputs:
        return head
    before = old.meta
    meta = CommitMeta(
        batch_id=ids.new_id(), run_id=context.run_id, dataset=contract.id, kind="restore",
        mode="replace", source=f"release:{release_id}", content_hash="",
        contract_version=before.contract_version if before else contract.version,
        contract_hash=before.contract_hash if before else contract.hash,
        committed_at=clock.now(), code_hash=before.code_hash if before else "",
        inputs=dict(before.inputs) if before else {}, detail={"version": version},
    )  # fmt: skip
    restored = commit(
        lake, contract.id, base=head, columns=head.columns,
        add=[f for f in old.files if f.path not in live],
        remove=[f for f in head.files if f.path not in wanted], meta=meta,
    )  # fmt: skip
    context.session.advance(restored)
    context.accounts.append((dataclasses.replace(meta), restored.version))
    return restored
