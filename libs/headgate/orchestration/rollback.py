"""Rolling back: readers see an earlier release again, and the tables go on from there."""

from __future__ import annotations

from headgate.contracts.model import Contract
from headgate.core import clock, ids
from headgate.core.errors import LakeError, NotFoundError
from headgate.lake import ledger
from headgate.lake.commit import commit
from headgate.lake.meta import CommitMeta
from headgate.lake.release import Release
from headgate.lake.snapshot import Snapshot
from headgate.lineage import steps
from headgate.orchestration import curating, releasing
from headgate.orchestration.context import RunContext
from headgate.orchestration.order import topological
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
        # Sources first: what a model's table was made from is, from now on, what they have now.
        for dataset in topological(curating.graph_of(project)):
            if dataset not in target.tables:
                continue
            contract = project.contracts[dataset]
            restored = _restore(context, contract, target)
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


def _restore(context: RunContext, contract: Contract, target: Release) -> Snapshot:
    """A new version of the table with the files of ``target``; none if they are live already."""
    lake, version = context.project.lake, target.tables[contract.id].version
    head, old = context.snapshot(contract.id), lake.snapshot(contract.id, version)
    if head is None or old is None or old.meta is None or head.meta is None:
        raise LakeError(f"{contract.id} has no version {version} that this lake committed.")
    before = old.meta
    inputs = {
        d: now.version
        if target.versions.get(d) == v and (now := context.snapshot(d)) is not None
        else v
        for d, v in before.inputs.items()
    }
    live, wanted = {f.path for f in head.files}, {f.path for f in old.files}
    if live == wanted and dict(head.meta.inputs) == inputs:
        return head
    meta = CommitMeta(
        batch_id=ids.new_id(), run_id=context.run_id, dataset=contract.id, kind="restore",
        mode="replace", source=f"release:{target.id}", content_hash="",
        contract_version=before.contract_version, contract_hash=before.contract_hash,
        committed_at=clock.now(), code_hash=before.code_hash, inputs=inputs,
        detail={"version": version},
    )  # fmt: skip
    # A table that was rebuilt in another shape since gets its old one back with its old files.
    whole = any(head.columns.get(c) != t for c, t in old.columns.items())
    restored = commit(
        lake, contract.id, base=head, columns=old.columns if whole else head.columns,
        add=[f for f in old.files if whole or f.path not in live],
        remove=[f for f in head.files if whole or f.path not in wanted], meta=meta,
        key=contract.key if whole else (), whole=whole,
    )  # fmt: skip
    context.session.advance(restored)
    context.accounts.append((meta, restored.version))
    return restored
