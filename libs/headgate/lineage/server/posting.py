"""Routes that take events: one, and a batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import request_response

from headgate.lineage.server import described, served
from headgate.lineage.server.bodies import aside
from headgate.lineage.server.problems import Problem, Refusal
from headgate.lineage.server.rules import API
from headgate.lineage.server.served import Served
from headgate.lineage.store import taking


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
    around = served.of(request)
    async with around.bodies.json(request) as (event, size):
        if isinstance(event, list):
            raise Problem(
                422, "This is a list, and one event is expected.",
                remedy="Post several to /api/v1/lineage/batch.",
            )  # fmt: skip
        answer = await _take(around, [event], size)
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
    around = served.of(request)
    async with around.bodies.json(request) as (found, size):
        events = _events(found, around.limits.batch)
        answer = await _take(around, events, size)
    if events and len(answer.refused) == len(events):
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


async def _take(around: Served, events: Sequence[Any], size: int) -> Answer:
    """Have those stored that are events. They are looked at here, so that the one thread that
    stores has nothing else to do."""
    told, wrong = await aside(size, taking.told_by, events, around.lake)
    refused = tuple(Refusal(one.index, one.place, one.why) for one in wrong)
    if not told:
        return Answer(0, 0, refused)
    stored = await asyncio.wrap_future(around.writer.put(told, size))
    return Answer(*stored, refused)


def _events(found: Any, most: int) -> list[Any]:
    events = found.get("events") if isinstance(found, dict) else found
    if not isinstance(events, list):
        raise Problem(
            422, 'A list of events is expected, or {"events": […]}.',
            remedy="Post a single one to /api/v1/lineage.",
        )  # fmt: skip
    if len(events) > most:
        raise Problem(413, f"A batch may have {most:,} events, and this has {len(events):,}.")
    return events
