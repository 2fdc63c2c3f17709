"""Routes that take events: one, and a batch."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import request_response

from headgate.lineage.server import described, served
from headgate.lineage.server.problems import Problem, Refusal
from headgate.lineage.server.rules import API


@dataclass(frozen=True)
class Answer:
    """What became of what was posted: how many events are new, how many were there already, and
    which were refused."""

    accepted: int
    repeated: int
    refused: tuple[Refusal, ...] = ()


routes = APIRouter(prefix=API, tags=["events"])
_REFUSALS = served.refusals(400, 408, 413, 415)


@routes.post(
    "/lineage",
    status_code=201,
    responses={
        201: {"model": Answer, "description": "It is stored, and will outlast a power cut."},
        200: {"model": Answer, "description": "It was stored before; nothing is changed."},
        **_REFUSALS,
    },
    openapi_extra=described.body(described.ONE),
)
async def post_event(request: Request) -> Response:
    """Take one event of OpenLineage, of any producer; told again, it is taken once."""
    answer, _ = await _take(request, several=False)
    if answer.refused:
        first = answer.refused[0]
        raise Problem(422, first.detail, place=first.place)
    return served.answer(answer, 201 if answer.accepted else 200)


@routes.post(
    "/lineage/batch",
    responses={
        200: {
            "model": Answer,
            "description": "All but what is refused is stored, and will outlast a power cut.",
        },
        **_REFUSALS,
    },
    openapi_extra=described.body(described.SEVERAL),
)
async def post_events(request: Request) -> Response:
    """Take several events, as a list or as `{"events": […]}`. One that is wrong refuses itself alone;
    where all are wrong, the answer is 422."""
    answer, count = await _take(request, several=True)
    if count and len(answer.refused) == count:
        first = answer.refused[0]
        raise Problem(
            422, f"None was taken; the first: {first.detail}",
            place=f"/{first.index}{first.place}", refused=answer.refused,
        )  # fmt: skip
    return served.answer(answer)


for _route in routes.routes:
    assert isinstance(_route, APIRoute)
    # What the framework does besides about a request (parameters, dependencies) these have not, and
    # it takes as long as reading an event.
    _route.app = request_response(_route.endpoint)


async def _take(request: Request, *, several: bool) -> tuple[Answer, int]:
    """Have those stored that are events, and count what was sent. They are looked at before, so that
    the one thread that stores has nothing else to do."""
    around = served.of(request)
    async with around.bodies.whole(request) as data:
        found = await around.readers.read(data, several=several, busy=around.writer.waiting > 0)
        if not found.told:
            return Answer(0, 0, found.refused), found.count
        stored = await asyncio.wrap_future(around.writer.put(found.told, len(data)))
    return Answer(*stored, found.refused), found.count
