"""The batches of a dataset: what each brought, what became of it, and how it was judged."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from headgate.portal import served, showing
from headgate.portal.pages import excepted
from headgate.portal.told import batches, data_docs, files, reasons, subject

routes = APIRouter()
Limit = Annotated[int, Query(ge=1, le=200)]


@routes.get("/datasets/{dataset}/batches")
def every(
    request: Request,
    dataset: str,
    outcome: Literal["published", "refused"] | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Response:
    """The batches, the newest first."""
    about = subject.of(request, dataset)
    page = batches.accounts(
        served.of(request).asking, about.id, outcome=outcome, limit=limit, after=after
    )
    return showing.page(request, "dataset/batches.html", about=about, page=page, outcome=outcome)


@routes.get("/datasets/{dataset}/batches/{batch}")
def one(request: Request, dataset: str, batch: str) -> Response:
    """One batch: its account, its verdict rule by rule, what it was made from, and its files."""
    about = subject.of(request, dataset)
    lake = served.of(request).asking
    found = batches.account(lake, about.id, batch)
    judged = batches.verdicts(lake, about.id, [found]).get(found.batch_id, ())
    person = served.person(request)
    return showing.page(
        request, "dataset/batch.html", about=about, batch=found,
        rules=[(one, reasons.observed(about.contract, one, person)) for one in judged],
        excepted=excepted.of(request, about, judged_at=found.at),
        files=files.of_version(lake, about.id, found.version),
        docs=data_docs.is_built(
            served.of(request).project.settings.lake_path, f"{about.id}/{found.batch_id}.html"
        ),
    )  # fmt: skip
