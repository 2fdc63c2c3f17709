"""The first page: the platform at a glance."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from headgate.portal import served, showing

routes = APIRouter()


@routes.get("/")
def home(request: Request) -> Response:
    """Every dataset, its owner and what it is for."""
    contracts = served.of(request).project.contracts
    shown = [c for c in contracts.values() if c.name.layer != "system"]
    return showing.page(request, "home.html", contracts=shown)
