"""What ran: the runs of the lake, what each did with which dataset, and what is known of who began it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from headgate.core import ids
from headgate.core.errors import NotFoundError
from headgate.lake import ledger
from headgate.lake.engines.duckdb import literal

if TYPE_CHECKING:
    from headgate.lineage.questions.runs import Run as LineageRun
    from headgate.lineage.questions.runs import RunItem
    from headgate.lineage.store.opening import Store
    from headgate.portal.reports.counting import Counts

#: What the ledger says of a run's end, and what it means. A run that was killed says nothing.
OUTCOMES = {
    "published": "all of it was published",
    "refused": "something was refused",
    "unchanged": "there was nothing to do",
    "failed": "it failed",
    "unended": "no end is recorded: it was killed, or it is still at work",
}
#: Parts of a run and broken rules that one page shows at the most.
_MOST_PARTS = 200
_MOST_RULES = 500
_BATCH = ("batch_id", "run_id", "dataset", "kind", "source", "contract_version", "contract_hash",
          "code_hash", "outcome", "read", "published", "quarantined", "deduplicated", "refused",
          "version", "committed_at")  # fmt: skip


@dataclass(frozen=True)
class RunLine:
    """A run in short. ``outcome`` is one of :data:`OUTCOMES`; ``ended_at`` is None where no end is
    recorded; counts are of the batches that it judged."""

    id: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    release: int | None
    datasets: int
    command: str
    batches: int
    refused_batches: int

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else None


@dataclass(frozen=True)
class RunPage:
    """Runs, the newest first; ``next`` is the key of the next page."""

    runs: tuple[RunLine, ...]
    total: int
    next: str | None


@dataclass(frozen=True)
class BatchLine:
    """What a run did with one dataset: a batch, its account and versions; ``broken`` are the rules
    that did not hold, as (rule, severity, breaches)."""

    id: str
    run: str
    dataset: str
    kind: str
    source: str
    contract_version: str
    contract_hash: str
    code_hash: str
    outcome: str
    read: int
    published: int
    quarantined: int
    deduplicated: int
    refused: int
    version: int | None
    at: datetime
    broken: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True)
class RunTold:
    """All of a run. ``line`` is None of one that is not the lake's own; ``parts`` and ``told`` are
    what lineage events say, ``errors`` what its parts failed of, as (job, error)."""

    id: str
    line: RunLine | None
    batches: tuple[BatchLine, ...]
    next: str | None
    told: LineageRun | None
    parts: tuple[RunItem, ...] = ()
    errors: tuple[tuple[str, str], ...] = ()


_RUNS = """
WITH w AS (SELECT run_id, min(first_at) AS first_at, max(last_at) AS last_at,
    sum(batches)::INT AS batches, sum(refused_batches)::INT AS refused_batches
  FROM working GROUP BY 1),
found AS (SELECT coalesce(r.run_id, w.run_id) AS id, coalesce(r.started_at, w.first_at) AS started_at,
    r.ended_at, coalesce(r.outcome, 'unended') AS outcome, r.release_id, coalesce(r.datasets, 0) AS datasets,
    coalesce(r.command, '') AS command, coalesce(w.batches, 0) AS batches,
    coalesce(w.refused_batches, 0) AS refused_batches
  FROM runs r FULL JOIN w ON r.run_id = w.run_id)
"""


def listed(
    counts: Counts,
    *,
    outcome: str | None = None,
    dataset: str | None = None,
    day: date | None = None,
    run: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> RunPage:
    """Runs, the newest first: of an outcome, that judged a batch of a dataset, that began on a day, or
    the one of an id."""
    where, given = "TRUE", list[Any]()
    if outcome == "refused":
        # A run is refused as a whole, or a part of it is.
        where += " AND (outcome = 'refused' OR refused_batches > 0)"
    elif outcome:
        where, given = f"{where} AND outcome = ?", [*given, outcome]
    if run is not None:
        where, given = f"{where} AND id = ?", [*given, run]
    if day is not None:
        where, given = f"{where} AND started_at::DATE = ?", [*given, day]
    if dataset is not None:
        where, given = f"{where} AND id IN (SELECT unnest(?))", [*given, _runs_of(counts, dataset)]
    total = counts.rows(f"{_RUNS} SELECT count(*) FROM found WHERE {where}", given)[0][0]
    if after is not None:
        where, given = f"{where} AND id < ?", [*given, after]
    asked = f"{_RUNS} SELECT * FROM found WHERE {where} ORDER BY id DESC LIMIT {limit + 1}"
    rows = [RunLine(*row) for row in counts.rows(asked, given)]
    return RunPage(tuple(rows[:limit]), total, rows[limit - 1].id if len(rows) > limit else None)


def one(
    counts: Counts, store: Store, run_id: str, *, after: str | None = None, limit: int = 100
) -> RunTold:
    """A run of the lake, or one that only lineage knows.

    Raises:
        NotFoundError: nobody knows it.
    """
    from headgate.lineage.questions import runs as told_runs

    found = listed(counts, run=run_id, limit=1).runs
    line = found[0] if found else None
    told = None
    try:
        ids.demand_uuid(run_id)
        told = told_runs.one(store, run_id)
    except (ValueError, NotFoundError):
        if line is None:
            raise NotFoundError(
                f"no run {run_id[:80]} is known.", remedy="The page Runs lists those of this lake."
            ) from None
    parts = told_runs.page(store, whole=run_id, limit=_MOST_PARTS).runs if told or line else ()
    errors = []
    for part in parts:
        if part.state in ("FAIL", "ABORT"):
            error = told_runs.one(store, part.run_id).error
            errors.append((part.job.name, error or "it failed; no event says of what"))
    batches, following = _batches(counts, run_id, after, limit)
    return RunTold(run_id, line, batches, following, told, parts, tuple(errors))


def _batches(
    counts: Counts, run_id: str, after: str | None, limit: int
) -> tuple[tuple[BatchLine, ...], str | None]:
    where, given = "run_id = ?", [run_id]
    if after:
        where, given = f"{where} AND batch_id > ?", [run_id, after]
    rows = counts.entries(
        ledger.BATCHES, _BATCH, where, given, between=("run_id", run_id, run_id),
        order="batch_id", limit=limit + 1,
    )  # fmt: skip
    shown = rows[:limit]
    broken = broken_of(counts, {r["batch_id"]: r["dataset"] for r in shown})
    lines = tuple(
        replace(BatchLine(*(r[c] for c in _BATCH)), broken=tuple(broken.get(r["batch_id"], ())))
        for r in shown
    )
    return lines, lines[-1].id if len(rows) > limit else None


def broken_of(
    counts: Counts, batches: Mapping[str, str]
) -> dict[str, list[tuple[str, str, int]]]:  # fmt: skip
    """By batch, the rules that did not hold: rule, severity and how many rows broke it.

    ``batches`` has the dataset of each: the ledger's files lie in order of these.
    """
    if not batches:
        return {}
    found: dict[str, list[tuple[str, str, int]]] = {}
    datasets = ", ".join(literal(d) for d in sorted(set(batches.values())))
    for row in counts.entries(
        ledger.VERDICTS, ("batch_id", "dataset", "rule_id", "severity", "breaches", "passed"),
        f"NOT passed AND dataset IN ({datasets}) AND list_contains(?, batch_id)", [list(batches)],
        between=("batch_id", min(batches), max(batches)), order="batch_id, rule_id",
        limit=_MOST_RULES,
    ):  # fmt: skip
        found.setdefault(row["batch_id"], []).append(
            (row["rule_id"], row["severity"], row["breaches"])
        )
    return found


def _runs_of(counts: Counts, dataset: str) -> list[str]:
    rows = counts.entries(
        ledger.BATCHES, ("run_id", "dataset"), "dataset = ?", [dataset], order="run_id DESC",
        limit=10_000,
    )  # fmt: skip
    return list(dict.fromkeys(row["run_id"] for row in rows))
