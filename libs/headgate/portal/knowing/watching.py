"""Keeps what is known of the platform up to date, beside the requests that ask for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from headgate.core import clock
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect, literal
from headgate.orchestration.project import Project
from headgate.orchestration.status import DatasetStatus, status
from headgate.portal.knowing.known import Known
from headgate.portal.knowing.summary import (
    Batch,
    Released,
    Summary,
    classes_of,
    health,
    personal_of,
)

if TYPE_CHECKING:
    from headgate.contracts.model import Contract
    from headgate.lineage.store.opening import Store

_BATCH = ("batch_id", "run_id", "dataset", "kind", "source", "outcome", "read", "published",
          "quarantined", "deduplicated", "refused", "committed_at", "version")  # fmt: skip


class Watcher:
    """Knows the platform of a project; ``every`` is how many seconds it looks for changes."""

    def __init__(self, project: Project, lineage: Store, *, every: float = 2.0) -> None:
        self._project, self._lineage, self._every = project, lineage, every

    def now(self) -> Known:
        """What is known now; only the first to ask waits for it."""
        return self.looked()

    def looked(self) -> Known:
        """What is known after a look at what moved; waits for it."""
        project = Project(self._project.settings, self._project.sound)
        at = clock.now()
        return Known(
            at=at,
            project=project,
            datasets={s.dataset: _summary(project.contracts[s.dataset], s) for s in status(project)},
            releases=tuple(
                Released(r.id, r.parent, r.run_id, r.kind, r.published_at, len(r.tables), 0, ())
                for r in project.releases.list()
            ),
            batches=_batches(project),
            batches_from=at - timedelta(days=7),
        )

    def stop(self) -> None:
        """Look no more."""


def _summary(contract: Contract, found: DatasetStatus) -> Summary:
    allowed, at = contract.freshness_hours, found.last_published_at
    return Summary(
        id=contract.id, layer=contract.name.layer, domain=contract.name.domain,
        owner=contract.owner, description=contract.description, tags=contract.tags,
        classes=classes_of(contract), personal=personal_of(contract),
        columns=tuple(c.name for c in contract.columns), contract_version=contract.version,
        maker=contract.maker or "source", rows=found.rows, version=found.version,
        released_version=found.released_version, published_at=at, hours_allowed=allowed,
        fresh=found.fresh,
        late_since=at + timedelta(hours=allowed) if at and allowed and not found.fresh else None,
        open_quarantine=found.open_quarantine, oldest_open=None, outcome=found.last_outcome,
        batch=None, judged_at=None, broken=(),
        health=health(found.last_outcome, found.fresh, found.open_quarantine, found.version),
    )  # fmt: skip


def _batches(project: Project) -> tuple[Batch, ...]:
    since = literal(clock.iso(clock.now() - timedelta(days=7)))
    with connect(project.settings) as con:
        rows = ledger.rows(
            project.lake, con, ledger.BATCHES, f"committed_at >= {since}::TIMESTAMPTZ",
            "committed_at DESC, batch_id DESC", 100_000,
        )  # fmt: skip
    return tuple(Batch(*(row[name] for name in _BATCH)) for row in rows)
