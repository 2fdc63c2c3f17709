"""What lineage tells of a commit, from the commit's own account."""

from __future__ import annotations

from headgate.lake.meta import CommitMeta
from headgate.lake.snapshot import Snapshot
from headgate.lineage.change import COMPACTION, RESTORE, Change, Late


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
        updated=int(detail.get("updated", 0)),
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
