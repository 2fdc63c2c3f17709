"""The evidence of a release, to be taken away: one archive with checksums."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from headgate.portal import served
from headgate.portal.evidence.pack import Pack
from headgate.portal.records import chain
from headgate.portal.reports import asked, counting

routes = APIRouter()


@routes.get("/releases/{number}/evidence.zip")
def evidence(request: Request, number: str) -> Response:
    """The pack, as it is made; that it was taken away is an entry in the log."""
    parts = served.of(request)
    settings = parts.project.settings
    pack = Pack(
        settings, counting.of(parts.lineage, settings), parts.lineage, parts.records,
        asked.number(number, "release"), chain.head(parts.records),
    )  # fmt: skip
    chain.append(
        parts.records, by=served.person(request), action="exported",
        subject=f"release:{pack.gathered.release.id}", what="evidence pack", form="ZIP",
        head=str(pack.head),
    )  # fmt: skip
    headers = {"Content-Disposition": f'attachment; filename="{pack.name}"'}
    return StreamingResponse(pack.stream(), media_type="application/zip", headers=headers)
