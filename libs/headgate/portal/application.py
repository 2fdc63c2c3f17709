"""The app: pages behind their rules, and static files."""

from __future__ import annotations

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from headgate.portal import rules, static_files
from headgate.portal.access.guard import Guard
from headgate.portal.access.people import Person
from headgate.portal.pages import (
    audit,
    batches,
    catalogue,
    column,
    contract,
    data_docs,
    dataset,
    deciding,
    evidence,
    examples,
    home,
    lineage,
    people,
    personal,
    problems,
    quality,
    quarantine,
    releases,
    runs,
    signing_in,
)
from headgate.portal.served import Served


def create_app(parts: Served, *, local: Person | None = None) -> FastAPI:
    """The portal of a project.

    Args:
        parts: what the pages are made from; it stays open when the app ends.
        local: who sits at this machine, if nobody has to sign in.

    Raises:
        LookupError: a route has no rule about who may open it.
    """
    app = FastAPI(title="Headgate", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.served = parts
    for part in (
        home.routes,
        catalogue.routes,
        lineage.routes,
        dataset.routes,
        column.routes,
        contract.routes,
        batches.routes,
        examples.routes,
        quarantine.routes,
        runs.routes,
        releases.routes,
        quality.routes,
        data_docs.routes,
        deciding.routes,
        personal.routes,
        evidence.routes,
        signing_in.routes,
        people.routes,
        audit.routes,
    ):
        app.router.routes.extend(part.routes)
    app.router.routes.extend(static_files.routes.routes)
    app.add_api_route("/health", health, methods=["GET"])
    for route in app.routes:
        if isinstance(route, APIRoute) and "GET" in route.methods:
            route.methods.add("HEAD")  # who checks links asks so
    rules.demand(rules.routes(app))
    problems.install(app)
    if local is not None:
        parts.access.opened_by(local)
    app.add_middleware(Guard, access=parts.access, limits=parts.limits)
    return app


def health() -> Response:
    """Whether the portal lives; everybody may ask."""
    return JSONResponse({"status": "ok"})
