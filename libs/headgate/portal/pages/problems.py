"""What cannot be done, told as a page (or as JSON to who asks for that): what, where, and what to do."""

from __future__ import annotations

import http
import logging
import math
from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from headgate.core import errors, resources
from headgate.core.secrets import redact
from headgate.portal import showing

log = logging.getLogger("headgate.portal")
#: Which answer each kind of our errors is, the nearest class first.
_STATUS: tuple[tuple[type[errors.HeadgateError], int], ...] = (
    (errors.SettingError, 500),
    (errors.UsageError, 400),
    (errors.NotFoundError, 404),
    (errors.ConflictError, 409),
    (errors.LakeBusyError, 503),
    (errors.ResourceError, 503),
    (errors.LakeError, 503),
    (errors.RefusedError, 409),
)
_TITLES = {
    400: "This cannot be done so",
    401: "Sign in first",
    403: "This is not yours to see or do",
    404: "There is no such thing here",
    405: "This cannot be done here",
    409: "Something else came first",
    413: "That is too long",
    421: "This is no name of this server",
    422: "This cannot be done so",
    429: "Too many requests",
    500: "Something went wrong here",
    503: "Not now",
}


class Problem(Exception):
    """A page that says why something cannot be done, and what to do instead.

    ``wait`` is after how many seconds it is worth another try.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        place: str = "",
        remedy: str = "",
        wait: float = 0.0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.place, self.remedy = status, message, place, remedy
        self.wait, self.headers = wait, dict(headers or {})


def of(error: Exception) -> Problem:
    """What to answer where this was raised; what nobody foresaw is logged, and not told."""
    if isinstance(error, Problem):
        return error
    gave_out = resources.of(error)
    if gave_out is not None:
        error = gave_out
    if isinstance(error, errors.HeadgateError):
        status = next((s for kind, s in _STATUS if isinstance(error, kind)), 500)
        if status >= 500:
            log.warning("%s", error)
        wait = 1.0 if status == 503 else 0.0
        return Problem(status, error.message, place=error.place, remedy=error.remedy, wait=wait)
    log.error("a request failed", exc_info=error)
    return Problem(500, "Nobody foresaw this.", remedy="The portal's log says what it was.")


def answer(request: Request, error: Exception) -> Response:
    """The page, or the JSON, that tells of an error."""
    found = of(error)
    headers = dict(found.headers)
    if found.wait:
        headers["Retry-After"] = str(math.ceil(found.wait))
    title = _TITLES.get(found.status) or http.HTTPStatus(found.status).phrase
    told = {
        "message": redact(found.message),
        "place": redact(found.place),
        "remedy": redact(found.remedy),
    }
    if _wants_json(request):
        body = {"title": title, "status": found.status, **{k: v for k, v in told.items() if v}}
        return JSONResponse(body, found.status, headers, "application/problem+json")
    page = showing.page(request, "problem.html", status=found.status, title=title, **told)
    page.headers.update(headers)
    return page


def install(app: FastAPI) -> None:
    """Have errors of the app, of its routing and of parameters answered so; the guard answers what
    nobody foresaw."""

    async def ours(request: Request, error: Exception) -> Response:
        return answer(request, error)

    async def routing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        told = {404: "There is nothing at this address.", 405: "That is not how this is asked."}
        message = told.get(error.status_code, str(error.detail))
        found = Problem(error.status_code, message, headers=error.headers)
        if error.status_code == 404:
            found.remedy = "Look for it in the catalogue."
        return answer(request, found)

    async def parameters(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = " ".join(str(part) for part in first["loc"])
        return answer(
            request,
            Problem(
                422,
                f"{first['msg']}.",
                place=where,
                remedy="Correct the address, or begin from the catalogue.",
            ),
        )

    app.add_exception_handler(errors.HeadgateError, ours)
    app.add_exception_handler(Problem, ours)
    app.add_exception_handler(HTTPException, routing)
    app.add_exception_handler(RequestValidationError, parameters)


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "json" in accepted and "text/html" not in accepted
