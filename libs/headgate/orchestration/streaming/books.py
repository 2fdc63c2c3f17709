"""What a stream writes down beside its commits, at intervals of their own: releases, ledgers, lineage."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from headgate.contracts.model import Contract
from headgate.core import clock
from headgate.core.errors import ConflictError
from headgate.lake import ledger
from headgate.lake.meta import CommitMeta
from headgate.lake.release import STREAM, Release
from headgate.lineage import steps
from headgate.orchestration import releasing, told_changes
from headgate.orchestration.context import RunContext
from headgate.orchestration.streaming.plan import Plan

#: Races for a release that may be lost in a row; others then keep releasing.
_TRIES = 20


@dataclasses.dataclass
class Books:
    """When what was written last, and what is still to be written."""

    context: RunContext
    contract: Contract
    plan: Plan
    entered: list[tuple[CommitMeta, int | None]] = dataclasses.field(default_factory=list)
    told: list[CommitMeta] = dataclasses.field(default_factory=list)
    published: Release | None = None
    _at: dict[str, float] = dataclasses.field(default_factory=dict)

    def committed(self, meta: CommitMeta, version: int | None) -> None:
        """A batch to be entered, refused or not."""
        self.entered.append((meta, version))
        self.told.append(meta)

    def due(self, what: str, seconds: float) -> bool:
        """Whether ``what`` was not done for so long; it then counts as done now."""
        now = clock.monotonic()
        if now - self._at.setdefault(what, now) < seconds:
            return False
        self._at[what] = now
        return True

    def release(self) -> Release | None:
        """Show readers what is committed by now; None if they see it already.

        Raises:
            ConflictError: others kept releasing the same group first.
        """
        store, dataset = self.context.project.releases, self.contract.id
        for _ in range(_TRIES):
            snapshot, parent = self.context.session.snapshot(dataset), store.newest()
            if snapshot is None:
                return None
            # Another process of the same dataset may have released ours with its own.
            if parent is not None and parent.versions.get(dataset, -1) >= snapshot.version:
                return None
            try:
                self.published = store.publish(
                    parent, {dataset: (snapshot, self.contract.release_group)},
                    run_id=self.context.run_id, kind=STREAM,
                )  # fmt: skip
                return self.published
            except ConflictError:
                continue
        raise ConflictError(f"others kept releasing {dataset} first.")

    def show(self) -> None:
        """Have the catalogue show the newest release."""
        newest = self.context.project.releases.newest()
        if newest is not None and self.published is not None:
            releasing.write_catalog(self.context, newest)

    def enter(self) -> None:
        """Enter batches and releases into the ledgers.

        Raises:
            ConflictError: others kept writing to them; all stays to be entered.
        """
        project, con = self.context.project, self.context.session.con
        if self.entered:
            ledger.record(con, project.lake, project.contracts, self.entered, self.context.run_id)
            self.entered.clear()
            releasing.enter_releases(self.context)

    def tell(self) -> None:
        """Tell lineage of the batches since it was told last, as one."""
        metas, self.told = [m for m in self.told if m.outcome == "published"], []
        if not metas:
            return
        session = self.context.session
        snapshot = session.snapshot(self.contract.id)
        if snapshot is None:
            return
        whole = _summed(metas)
        lineage, run_id = self.context.lineage, self.context.run_id
        step = steps.gate_step(self.contract, run_id, whole.batch_id)
        with lineage.running(step) as update:
            table = steps.DatasetRef.of(
                self.contract, version=snapshot.content_version,
                path=self.context.project.lake.storage.uri(session.lake.key(self.contract.id)),
                statistics=steps.Statistics(snapshot.rows, snapshot.bytes, len(snapshot.files)),
                change=dataclasses.replace(told_changes.of_meta(whole), kind="ingest"),
            )  # fmt: skip
            counts = {n: getattr(whole, n) for n in ("read", "published", "quarantined")}
            tags = {**step.tags, **counts, "batches": len(metas)}
            update(dataclasses.replace(step, outputs=(table,), tags=tags))


def _summed(metas: Sequence[CommitMeta]) -> CommitMeta:
    """The account of several batches as one's; what they began from is what the first did."""
    last, first = metas[-1], metas[0]
    names = ("read", "published", "quarantined", "deduplicated", "refused")
    counts = {n: sum(getattr(m, n) for m in metas) for n in names}
    detail = {**last.detail, "after": first.detail.get("after"),
              "inserted": counts["published"]}  # fmt: skip
    return dataclasses.replace(last, detail=detail, **counts)
