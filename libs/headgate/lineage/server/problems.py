"""What is answered when something cannot be done: `application/problem+json`, with a remedy."""

from __future__ import annotations

import http
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from headgate.core import errors, resources
from headgate.core import json as hjson
from headgate.core.secrets import redact
from headgate.lineage.server import rules

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("headgate.lineage.server")
#: Which answer each kind of our errors is, the nearest class first.
_STATUS: tuple[tuple[type[errors.HeadgateError], int], ...] = (
    (errors.SettingError, 500),
    (errors.UsageError, 422),
    (errors.NotFoundError, 404),
    (errors.ConflictError, 409),
    (errors.LakeBusyError, 503),
    (errors.ResourceError, 503),
    (errors.LakeError, 503),
)


@dataclass(frozen=True)
class Refusal:
    """An event of a batch that was not taken: which one, where in it, and why."""

    index: int
    place: str
    detail: str


class Problem(Exception):
    """An answer that says why something cannot be done, and what to do instead.

    ``place`` is where in what was sent; ``wait`` after how many seconds it is worth another try.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        place: str = "",
        remedy: str = "",
        wait: float = 0.0,
        refused: Sequence[Refusal] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.place, self.remedy = status, detail, place, remedy
        self.wait, self.refused, self.headers = wait, tuple(refused), dict(headers or {})

    def __reduce__(self) -> tuple[Any, ...]:
        # By its parts: it is raised in processes that read posts, too.
        return _without_parts, (self.detail,), vars(self)

    def response(self) -> Response:
        """The answer itself."""
        body: dict[str, Any] = {
            "title": http.HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": redact(self.detail),
        }
        if self.place:
            body["place"] = redact(self.place)
        if self.remedy:
            body["remedy"] = redact(self.remedy)
        if self.refused:
            body["refused"] = [
                {"index": r.index, "place": r.place, "detail": r.detail} for r in self.refused
            ]
        headers = self.headers
        if self.wait:
            headers = {**headers, "Retry-After": str(math.ceil(self.wait))}
        # What was sent may be quoted, and be no text that UTF-8 has.
        content = hjson.dumps(body).encode("utf-8", "replace")
        return Response(content, self.status, headers, MEDIA_TYPE)


def _without_parts(detail: str) -> Problem:
    return Problem.__new__(Problem, detail)


def of(error: Exception) -> Problem:
    """What to answer where this was raised; what nobody foresaw is logged, and not told."""
    if isinstance(error, Problem):
        return error
    gave_out = resources.of(error)
    if gave_out is not None:
        error = gave_out
    for kind, status in _STATUS:
        if isinstance(error, kind):
            wait = 1.0 if status == 503 else 0.0
            if status >= 500:
                log.warning("%s", error)
            return Problem(status, error.message, place=error.place, remedy=error.remedy, wait=wait)
    log.error("a request failed", exc_info=error)
    return Problem(500, "Something went wrong here.", remedy="The server's log says what.")


def install(app: FastAPI) -> None:
    """Have errors of the app, of its routing and of parameters answered so; the guard answers what
    nobody foresaw."""

    async def ours(_: Request, error: Exception) -> Response:
        return of(error).response()

    async def routing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        told = {404: "There is nothing here.", 405: "This cannot be done here."}
        remedy = {404: "GET /api/v1/openapi.json says what there is."}
        detail = told.get(error.status_code, str(error.detail))
        found = Problem(error.status_code, detail, remedy=remedy.get(error.status_code, ""))
        found.headers.update(error.headers or {})
        if error.status_code == 405:
            # The framework tells of the first route of that path alone.
            found.headers["Allow"] = ", ".join(rules.methods(request.url.path))
        return found.response()

    async def parameters(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where, *name = [str(part) for part in first["loc"]]
        return Problem(
            422, f"{first['msg']}.", place=f"{where} {'.'.join(name)}".strip()
        ).response()

    app.add_exception_handler(errors.HeadgateError, ours)
    app.add_exception_handler(Problem, ours)
    app.add_exception_handler(HTTPException, routing)
    app.add_exception_handler(RequestValidationError, parameters)
