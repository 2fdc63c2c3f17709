"""The evidence of a release, to be taken away: one archive with checksums."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from headgate.portal import served
from headgate.portal.evidence.taking import take
from headgate.portal.reports import asked

routes = APIRouter()


@routes.get("/releases/{number}/evidence.zip")
def evidence(request: Request, number: str) -> Response:
    """The pack, as it is made; that it was taken away is an entry in the log."""
    pack = take(served.of(request), asked.number(number, "release"), by=served.person(request))
    headers = {"Content-Disposition": f'attachment; filename="{pack.name}"'}
    return StreamingResponse(pack.stream(), media_type="application/zip", headers=headers)
