"""The app: pages behind their rules, and static files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from headgate.portal import rules
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.pages import home, lineage, problems
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
    for part in (home.routes, lineage.routes):
        app.router.routes.extend(part.routes)
    app.add_api_route("/health", health, methods=["GET"])
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    rules.demand(r for r in rules.routes(app) if not r[1].startswith("/static"))
    problems.install(app)
    sitting = local or Person("local:admin", Role.ADMIN)

    @app.middleware("http")
    async def let_in(request: Request, go_on: Any) -> Response:
        request.state.person = sitting
        answer: Response = await go_on(request)
        return answer

    return app


def health() -> Response:
    """Whether the portal lives; everybody may ask."""
    return JSONResponse({"status": "ok"})
