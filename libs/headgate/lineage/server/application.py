"""The app: a store behind its routes, and a guard before them."""

from __future__ import annotations

import importlib.metadata
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from headgate.lineage.access import Keys
from headgate.lineage.server import (
    asking,
    described,
    listing,
    managing,
    posting,
    problems,
    rules,
    served,
)
from headgate.lineage.server.bodies import Bodies
from headgate.lineage.server.following import Follower
from headgate.lineage.server.guard import Guard
from headgate.lineage.server.limits import Limits
from headgate.lineage.server.reading import Readers
from headgate.lineage.server.served import Served
from headgate.lineage.server.writing import Writer
from headgate.lineage.store import loading
from headgate.lineage.store.opening import Store

_ABOUT = """Lineage by column: events of OpenLineage are posted, and questions are asked.

Lists come in pages: give `next` of one as `after` for the one behind. What cannot be done is
answered with `application/problem+json`, which says why, where, and what to do.
"""
routes = APIRouter(prefix=rules.API, tags=["the server"])


@dataclass(frozen=True)
class Health:
    """That the server lives. ``caught_up_at``: when all that was in the lake's event files was in
    the store; null where none is followed, or until it is so for the first time."""

    status: str
    version: str
    waiting: int
    caught_up_at: datetime | None
    problem: bool


@dataclass(frozen=True)
class Metrics:
    """Counts of events since the start, ``waiting`` now, and ``followed`` out of the lake's files."""

    accepted: int
    repeated: int
    commits: int
    failed: int
    waiting: int
    followed: int


def create_app(
    store: Store,
    *,
    lake: str | None = None,
    files: Sequence[Path] = (),
    limits: Limits | None = None,
    loopback: bool = False,
) -> FastAPI:
    """A store over HTTP.

    Args:
        store: what is served; it stays open when the app ends.
        lake: the name of the lake whose paths events may speak of.
        files: event files that are followed as they grow.
        limits: what requests may take.
        loopback: it is bound to this machine alone, and so open as long as nobody holds a token.

    Raises:
        LookupError: a route has no rule about who may call it.
    """
    loading.settle(store, home=lake, ahead=True)
    allowed = limits or Limits()
    keys = Keys(store)
    around = Served(
        store=store,
        limits=allowed,
        keys=keys,
        writer=Writer(store, allowed, lake=lake, keys=keys),
        follower=Follower(store, files, lake=lake),
        bodies=Bodies(allowed),
        readers=Readers(allowed, lake),
        lake=lake,
    )
    app = FastAPI(
        title="Headgate lineage",
        version=importlib.metadata.version("headgate"),
        description=_ABOUT,
        openapi_url=f"{rules.API}/openapi.json",
        # Both would load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_alive,
    )
    app.state.served = around
    # As they are: to include a router would make each of its routes a second time.
    for part in (posting.routes, listing.routes, asking.routes, managing.routes, routes):
        app.router.routes.extend(part.routes)
    rules.demand(rules.routes(app))
    problems.install(app)
    described.install(app)
    app.add_middleware(Guard, keys=keys, limits=allowed, may_be_open=loopback)
    return app


def openapi() -> dict[str, Any]:
    """What OpenAPI says of any such app; no store is needed for that."""
    nothing = sqlalchemy.create_engine("sqlite://")
    try:
        return create_app(Store(nothing)).openapi()
    finally:
        nothing.dispose()


@asynccontextmanager
async def _alive(app: FastAPI) -> AsyncIterator[None]:
    around: Served = app.state.served
    around.writer.start()
    around.follower.start()
    yield
    await run_in_threadpool(around.follower.stop)
    await run_in_threadpool(around.writer.stop)
    await run_in_threadpool(around.readers.stop)


@routes.get("/health", responses={200: {"model": Health, "description": "The answer."}})
async def health(request: Request) -> Response:
    """Whether the server lives, and how far it is; no token is needed."""
    around = served.of(request)
    return served.answer(
        Health(
            status="ok",
            version=request.app.version,
            waiting=around.writer.waiting,
            caught_up_at=around.follower.caught_up_at,
            problem=bool(around.follower.problem),
        )
    )


@routes.get(
    "/metrics",
    responses={200: {"model": Metrics, "description": "The answer."}, **served.refusals()},
)
async def metrics(request: Request) -> Response:
    """What was done since the server was started."""
    around = served.of(request)
    counts: dict[str, Any] = dict(vars(around.writer.counts))
    waiting, followed = around.writer.waiting, around.follower.accepted
    return served.answer(Metrics(**counts, waiting=waiting, followed=followed))
