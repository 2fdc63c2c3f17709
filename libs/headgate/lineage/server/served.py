"""What the routes of one server share, and how they answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic_core import to_json

from headgate.lineage.access import Keys
from headgate.lineage.server.bodies import Bodies
from headgate.lineage.server.following import Follower
from headgate.lineage.server.limits import Limits
from headgate.lineage.server.problems import MEDIA_TYPE
from headgate.lineage.server.reading import Readers
from headgate.lineage.server.writing import Writer
from headgate.lineage.store.opening import Store


@dataclass(frozen=True)
class Served:
    """A store and what stands around it."""

    store: Store
    limits: Limits
    keys: Keys
    writer: Writer
    follower: Follower
    bodies: Bodies
    readers: Readers
    lake: str | None


def of(request: Request) -> Served:
    """What the app of a request shares."""
    found: Served = request.app.state.served
    return found


def answer(value: Any, status: int = 200) -> Response:
    """A dataclass, or anything of plain values, as JSON. Texts that UTF-8 has no form for are told
    with a mark in their place."""
    return Response(to_json(value), status, media_type="application/json")


def plain(value: Any) -> Any:
    """A value of dataclasses and named tuples as one of mappings, so that every value has its name."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {k: plain(v) for k, v in zip(value._fields, value, strict=True)}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value


#: A text of a query: NUL is none that a database could hold.
_PLAIN = r"^[^\x00]*$"
Text = Annotated[str | None, Query(max_length=2_000, pattern=_PLAIN)]
Needed = Annotated[str, Query(min_length=1, max_length=2_000, pattern=_PLAIN)]
Name = Annotated[Needed, Query(description="The name, or one that it is also called.")]
Space = Annotated[Text, Query(description="The namespace, where the name alone does not say it.")]
Search = Annotated[Text, Query(description="A part of the name, whatever its case.")]
Limit = Annotated[int, Query(ge=1, le=500, description="At most so many.")]
After = Annotated[
    str | None,
    Query(max_length=4_000, pattern=_PLAIN, description="`next` of the page before."),
]

_TOLD = {
    400: "What was sent cannot be read.",
    401: "A token is needed, or this one is not known.",
    403: "The token's role may not do this, or (without tokens) this way of asking is not served.",
    404: "There is none.",
    408: "The body took too long to come.",
    409: "It is in the way of what is there.",
    413: "The body is too long.",
    415: "The body is of a type, or packed in a way, that is not read.",
    421: "Without tokens the server is called `localhost` alone.",
    422: "A parameter or an event is not as it must be; `place` says which.",
    429: "Too many requests; `Retry-After` says when to come again.",
    503: "The database is busy or out of room, or the server is stopping: try again.",
}


def of_schema(name: str) -> dict[str, Any]:
    """What OpenAPI says of an answer whose form stands among its components."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"description": "The answer.", "content": {"application/json": {"schema": schema}}}


def refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the answers that refuse; those that every route may give are added."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in sorted({401, 403, 421, 422, 429, 503, *codes}):
        headers: dict[str, Any] = {}
        if code in (429, 503):
            headers["Retry-After"] = {"schema": {"type": "string"}, "description": "Seconds."}
        if code == 401:
            headers["WWW-Authenticate"] = {"schema": {"type": "string"}}
        found[code] = {
            "description": _TOLD[code],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            **({"headers": headers} if headers else {}),
        }
    return found
