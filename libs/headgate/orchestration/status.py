"""The platform at a glance: each dataset's version, freshness, and what waits for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from headgate.core import clock
from headgate.lake import ledger
from headgate.lake.engines.duckdb import Connection, connect, literal
from headgate.lake.maintenance.compaction import worth
from headgate.orchestration.project import Project
from headgate.quality.quarantine import open_rows


@dataclass(frozen=True)
class DatasetStatus:
    """One dataset now. ``fresh`` is None where no freshness is promised or nothing was published.

    ``version`` is the table's newest, ``released_version`` what readers see; ages are in hours.
    ``small_files`` are worth putting together, which maintenance does.
    """

    dataset: str
    owner: str
    version: int | None
    released_version: int | None
    rows: int
    freshness_hours_allowed: float | None
    last_published_at: datetime | None
    fresh: bool | None
    open_quarantine: int
    last_outcome: str | None
    small_files: int = 0


def status(project: Project) -> list[DatasetStatus]:
    """Every dataset that somebody's contract describes, in id order; ledgers left out."""
    newest = project.releases.newest()
    released = newest.versions if newest else {}
    with connect(project.settings) as con:
        last = _last_batches(project, con)
        return [
            _one(project, con, dataset, released.get(dataset), last.get(dataset))
            for dataset, contract in project.contracts.items()
            if contract.name.layer != "system"
        ]


def _one(
    project: Project,
    con: Connection,
    dataset: str,
    released: int | None,
    last: tuple[str, datetime | None] | None,
) -> DatasetStatus:
    contract, snapshot = project.contracts[dataset], project.lake.snapshot(dataset)
    at = last[1] if last else None
    allowed = contract.freshness_hours
    fresh = None if at is None or allowed is None else clock.hours_since(at) <= allowed
    return DatasetStatus(
        dataset=dataset,
        owner=contract.owner,
        version=snapshot.version if snapshot else None,
        released_version=released,
        rows=snapshot.rows if snapshot else 0,
        freshness_hours_allowed=allowed,
        last_published_at=at,
        fresh=fresh,
        open_quarantine=open_rows(project.lake, con, dataset),
        last_outcome=last[0] if last else None,
        small_files=len(worth(snapshot, project.settings)) if snapshot else 0,
    )


def _last_batches(project: Project, con: Connection) -> dict[str, tuple[str, datetime | None]]:
    base = project.lake.snapshot(ledger.BATCHES)
    if base is None:
        return {}
    kinds = ", ".join(map(literal, ledger.NOT_NEWS))
    found = con.execute(
        "SELECT dataset, arg_max(outcome, committed_at),"
        f" max(committed_at) FILTER (WHERE outcome = 'published' AND kind NOT IN ({kinds}))"
        f" FROM {base.relation()} GROUP BY 1"
    ).fetchall()
    return {d: (outcome, at) for d, outcome, at in found}
