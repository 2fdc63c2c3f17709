"""Putting tables back as a release has them: as one step for readers, finished by whoever comes next."""

from __future__ import annotations

from headgate.contracts.model import Contract
from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.core.errors import LakeError, NotFoundError, ResourceError, UnknownOutcomeError
from headgate.lake import ledger
from headgate.lake.commit import commit
from headgate.lake.lake import Lake
from headgate.lake.meta import CommitMeta
from headgate.lake.release import Release
from headgate.lake.snapshot import Snapshot
from headgate.orchestration import curating, releasing
from headgate.orchestration.context import RunContext
from headgate.orchestration.order import topological

#: A rollback that was begun: to which release, and from which. Without it the next run would take
#: the tables that were put back already for what it has to go on from.
NOTE = "_state/rollback.json"


def restore(context: RunContext, release_id: int) -> Release:
    """Put every table back as the release ``release_id`` has it, and release that.

    Raises:
        NotFoundError: no such release, or readers see it already.
        LakeError: a file of the release is gone.
    """
    store, storage = context.project.releases, context.project.lake.storage
    target, newest = store.get(release_id), store.newest()
    if newest is None or target.id == newest.id:
        raise NotFoundError(f"release {release_id} is the newest already.")
    if newest.kind == "rollback" and newest.note == _told(target):
        raise NotFoundError(
            f"release {release_id} is what readers see already: release {newest.id} shows it."
        )
    storage.put(NOTE, hjson.dumps({"to": target.id, "from": newest.id}).encode())
    return _finish(context, target, newest)


def resume(context: RunContext) -> None:
    """Finish a rollback that a dead run began."""
    storage, store = context.project.lake.storage, context.project.releases
    data = storage.read(NOTE)
    if data is None:
        return
    noted, newest = hjson.loads(data), store.newest()
    if newest is None or newest.id != noted["from"]:
        _forget(context)  # it was released
        return
    try:
        _finish(context, store.get(noted["to"]), newest)
    except (ResourceError, UnknownOutcomeError):
        raise
    except LakeError as error:
        _forget(context)
        context.notes.append(f"The rollback to release {noted['to']} was given up: {error}")
        return
    context.notes.append(
        f"The rollback to release {noted['to']}, which was interrupted, is finished."
    )


def _finish(context: RunContext, target: Release, newest: Release) -> Release:
    project, started = context.project, clock.now()
    moved: dict[str, tuple[Snapshot, str]] = {}
    try:
        # Sources first: what a model's table was made from is, from now on, what they have now.
        for dataset in topological(curating.graph_of(project)):
            if dataset not in target.tables:
                continue
            contract = project.contracts[dataset]
            restored = _restored(context, contract, target)
            if restored.version != newest.versions.get(dataset):
                moved[dataset] = (restored, contract.release_group)
    except (ResourceError, UnknownOutcomeError):
        raise  # to be finished
    except LakeError:
        _forget(context)
        raise
    published = releasing.publish(context, newest, moved, kind="rollback", note=_told(target))
    _forget(context)
    ledger.record(context.session.con, project.lake, project.contracts, context.accounts,
                  context.run_id)  # fmt: skip
    context.accounts.clear()
    releasing.record_run(
        context, outcome="published", release_id=published.id, started=started,
        command=f"release rollback {target.id}",
    )  # fmt: skip
    return published


def _told(target: Release) -> str:
    return f"to {target.id}"


def _forget(context: RunContext) -> None:
    folder, _, name = NOTE.rpartition("/")
    context.project.lake.storage.remove(folder, [name])


def _restored(context: RunContext, contract: Contract, target: Release) -> Snapshot:
    """A new version of the table with the files of ``target``; none if they are live already."""
    lake, version = context.project.lake, target.tables[contract.id].version
    head, old = context.snapshot(contract.id), lake.snapshot(contract.id, version)
    if head is None or old is None or old.meta is None or head.meta is None:
        raise LakeError(f"{contract.id} has no version {version} that this lake committed.")
    before = old.meta
    inputs = {
        d: now.content_version
        if _released(lake, target, d) == v and (now := context.snapshot(d)) is not None
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
        detail={"version": version}, engine=before.engine,
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


def _released(lake: Lake, target: Release, dataset: str) -> int | None:
    """The version whose rows the release has of the dataset."""
    table = target.tables.get(dataset)
    old = lake.snapshot(dataset, table.version) if table else None
    return old.content_version if old else None
