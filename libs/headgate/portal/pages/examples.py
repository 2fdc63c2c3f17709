"""A few rows of a dataset; whoever looks is on record."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from headgate.portal import served, showing
from headgate.portal.acting.recording import record
from headgate.portal.told import masked, rows, subject

routes = APIRouter()


@routes.get("/datasets/{dataset}/examples")
def examples(request: Request, dataset: str) -> Response:
    """Up to 20 rows of the newest release, each value as the contract lets who asks see it."""
    about = subject.of(request, dataset)
    person = served.person(request)
    found = rows.examples(served.of(request).asking, about.id)
    kept = [c for c in masked.kept_from(about.contract, person) if c in found.columns]
    record(
        request, "examples_seen", about.id, rows=len(found.rows), release=found.release,
        version=found.version, kept_from_them=kept,
    )  # fmt: skip
    return showing.page(
        request, "dataset/examples.html", about=about, found=found, kept=kept,
        rows=masked.rows(about.contract, found, person),
    )  # fmt: skip
