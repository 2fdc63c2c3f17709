"""What lineage tells of a commit and of a release, from their own accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headgate.lake.meta import CommitMeta
from headgate.lake.release import Release
from headgate.lake.snapshot import Snapshot
from headgate.lineage import change, steps
from headgate.lineage.change import COMPACTION, RESTORE, Change, HeldGroup, Late


def release_step(run_id: str, moved: Mapping[str, tuple[Snapshot, str]]) -> steps.Step:
    """The step that publishes these tables, with what made their versions."""
    snapshots = {d: s for d, (s, _) in moved.items()}
    made = {d: c for d, s in snapshots.items() if (c := of(s)) is not None}
    return steps.release_step(run_id, {d: s.version for d, s in snapshots.items()}, made)


def released(published: Release, held: Sequence[HeldGroup] = ()) -> dict[str, Any]:
    """What its step says of a release, once it is published."""
    told = change.Release(
        published.id, published.parent, published.kind, published.note, tuple(held)
    )
    return {"release": told, "tags": {"release_id": published.id}}


def of(snapshot: Snapshot) -> Change | None:
    """What made a table's version; None of a table that no commit of ours made.

    Of a compaction only that it is one: what made its rows is told of the version it came after.
    """
    meta = snapshot.meta
    if meta is None:
        return None
    if meta.same_as is not None:
        return Change(COMPACTION, same_as=meta.same_as, after=meta.same_as)
    return of_meta(meta)


def of_meta(meta: CommitMeta) -> Change:
    """What a commit did to its table."""
    detail = meta.detail
    late = detail.get("late")
    return Change(
        kind=meta.kind,
        mode=meta.mode,
        batch_id=meta.batch_id,
        source=meta.source,
        after=detail.get("after"),
        read=meta.read,
        inserted=int(detail.get("inserted", 0)),
        # Whose row goes counts as an update in the account, and here as a deletion alone.
        updated=int(detail.get("updated", 0)) - int(detail.get("tombstoned", 0)),
        deleted=int(detail.get("deleted", 0)),
        quarantined=meta.quarantined,
        deduplicated=meta.deduplicated,
        late=Late(**late) if late else None,
        inputs=dict(meta.inputs),
        code_hash=meta.code_hash,
        contract_version=meta.contract_version,
        contract_hash=meta.contract_hash,
        same_as=int(detail["version"]) if _of_this_lake(meta) else None,
    )


def _of_this_lake(meta: CommitMeta) -> bool:
    """Whether it brought back rows of an earlier version; a private lake begins with another's."""
    return meta.kind == RESTORE and meta.source.startswith("release:")
