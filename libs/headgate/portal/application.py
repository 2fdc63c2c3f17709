"""The app: pages behind their rules, and static files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from headgate.portal import rules
from headgate.portal.pages import home
from headgate.portal.served import Served

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store
    from headgate.orchestration.project import Project


def create_app(project: Project, lineage: Store) -> FastAPI:
    """The portal of a project.

    Raises:
        LookupError: a route has no rule about who may open it.
    """
    app = FastAPI(title="Headgate", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.served = Served(project, lineage)
    for part in (home.routes,):
        app.router.routes.extend(part.routes)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    rules.demand(r for r in rules.routes(app) if not r[1].startswith("/static"))
    return app
