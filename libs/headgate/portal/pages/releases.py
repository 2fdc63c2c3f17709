"""What readers see: releases, what each moved and why, and which one was shown when."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime

from fastapi import APIRouter, Request, Response

from headgate.core.errors import NotFoundError, UsageError
from headgate.lineage import names
from headgate.portal import served, showing
from headgate.portal.access.roles import Right
from headgate.portal.records import exceptions, signoffs
from headgate.portal.reports import asked, releases, runs
from headgate.portal.reports.periods import Scope

routes = APIRouter()


@routes.get("/releases")
def all_releases(request: Request) -> Response:
    """Releases, the newest first; or the one that readers saw at a moment."""
    parts, query = served.of(request), request.query_params
    known, limit = parts.knowing.now(), asked.limit(query)
    at = asked.moment(query, "at")
    kind = query.get("kind") or ""
    found = [r for r in known.releases if not kind or r.kind == kind]
    after = query.get("after")
    if after:
        number = asked.number(after, "after")
        found = [r for r in found if r.number < number]
    shown = found[:limit]
    return showing.page(
        request, "releases.html", shown=shown, kind=kind, at=query.get("at") or "",
        then=releases.shown_at(known, at) if at else None,
        newest=known.releases[0].number if known.releases else None,
        pager={"next": shown[-1].number if len(found) > limit else None,
               "total": None if after else len(found)},
    )  # fmt: skip


@routes.get("/releases/{number}")
def one_release(request: Request, number: str) -> Response:
    """A release: what it moved against the one before or another, and what the gate said of it."""
    parts, query = served.of(request), request.query_params
    settings, known, limit = parts.project.settings, parts.knowing.now(), asked.limit(query)
    release = releases.read(settings, asked.number(number, "release"))
    against = query.get("against")
    other = asked.number(against, "against") if against else release.parent
    before = None if other is None else releases.read(settings, other)
    changed = releases.changes(settings, before, release)
    datasets = [c.dataset for c in changed]
    start = bisect_right(datasets, query.get("after") or "")
    page = changed[start : start + limit]
    following = page[-1].dataset if start + limit < len(changed) else None
    counts = parts.counts
    person = served.person(request)
    line = runs.listed(counts, after=None, limit=1, run=release.run_id).runs
    return showing.page(
        request, "release.html", release=release, before=before,
        moved=releases.moved(settings, page), pager={"next": following, "total": len(changed)},
        run=line[0] if line else None, signed=_signed(request, release.published_at, datasets),
        newest=known.releases[0].number if known.releases else None, known=known.datasets,
        excepted=exceptions.by_rule(exceptions.in_force(parts.records)),
        can_export=person.may(Right.EXPORT), can_audit=person.may(Right.AUDIT),
        others=[r.number for r in known.releases if r.number != release.id][:100],
    )  # fmt: skip


@routes.get("/releases/{number}/why")
def why(request: Request, number: str) -> Response:
    """Why a dataset, or a column of it, is other than in another release."""
    from headgate.lineage.questions import why as asking

    parts, query = served.of(request), request.query_params
    after = asked.number(number, "release")
    dataset, column = query.get("dataset") or "", query.get("column") or None
    if not dataset:
        raise UsageError("why of which dataset?", remedy="Choose one on the release's page.")
    against = query.get("against")
    release = releases.read(parts.project.settings, after)
    before = asked.number(against, "against") if against else release.parent
    if before is None:
        raise NotFoundError(
            f"nothing comes before release {after}.", remedy="Give another with 'against'."
        )
    answer = asking.why(
        parts.lineage, dataset, f"release:{before}", f"release:{after}", column=column,
        namespace=names.namespace(parts.project.settings.lake_name),
    )  # fmt: skip
    known = parts.knowing.now().datasets.get(dataset)
    return showing.page(
        request, "release_why.html", answer=answer, dataset=dataset, column=column or "",
        before=before, after=after, columns=known.columns if known else (),
    )  # fmt: skip


def _signed(request: Request, at: datetime, datasets: list[str]) -> list[signoffs.SignOff]:
    """Sign-offs of reports that cover the day of a release and hold what it moved."""
    parts = served.of(request)
    known = parts.knowing.now().datasets
    mine = [known[d] for d in datasets if d in known]
    subjects = {Scope("domain", s.domain).subject for s in mine}
    subjects |= {Scope("owner", s.owner).subject for s in mine}
    return [
        s
        for s in signoffs.every(parts.records)
        if s.subject in subjects and s.first <= at.date() <= s.last
    ]
