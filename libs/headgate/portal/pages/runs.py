"""What ran, who began it, what it did with which dataset, and what failed."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from headgate.core.errors import UsageError
from headgate.portal import served, showing
from headgate.portal.records import exceptions
from headgate.portal.reports import asked, runs

routes = APIRouter()


@routes.get("/runs")
def all_runs(request: Request) -> Response:
    """Runs of the lake, the newest first, filtered by outcome, dataset and day."""
    parts, query = served.of(request), request.query_params
    outcome = query.get("outcome") or None
    if outcome is not None and outcome not in runs.OUTCOMES:
        raise UsageError(
            f"{outcome[:40]!r} is no outcome.", remedy=f"Use one of {', '.join(runs.OUTCOMES)}."
        )
    dataset = query.get("dataset") or None
    found = runs.listed(
        parts.counts,
        outcome=outcome,
        dataset=dataset,
        day=asked.day(query, "day"),
        after=query.get("after") or None,
        limit=asked.limit(query),
    )
    return showing.page(
        request, "runs.html", found=found, outcomes=runs.OUTCOMES, outcome=outcome or "",
        dataset=dataset or "", day=query.get("day") or "",
    )  # fmt: skip


@routes.get("/runs/{run}")
def one_run(request: Request, run: str) -> Response:
    """A run: what it did with each dataset, how it ended, and who began it."""
    parts, query = served.of(request), request.query_params
    found = runs.one(
        parts.counts,
        parts.lineage,
        run,
        after=query.get("after") or None,
        limit=asked.limit(query),
    )
    return showing.page(
        request, "run.html", found=found, outcomes=runs.OUTCOMES,
        known=parts.knowing.now().datasets,
        excepted=exceptions.by_rule(exceptions.in_force(parts.records)),
    )  # fmt: skip
