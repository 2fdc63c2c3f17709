"""Style sheets, scripts and signs: read once, called by what is in them, so that a browser may keep them."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from importlib import resources

from fastapi import APIRouter, Request, Response

from headgate.core import ids
from headgate.core.errors import NotFoundError

_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
#: An address that names the content never means anything else; one that does not is asked again.
_FOR_EVER, _ASK = "public, max-age=31536000, immutable", "public, no-cache"

routes = APIRouter()


@dataclass(frozen=True)
class _File:
    content: bytes
    packed: bytes
    kind: str
    mark: str


def address(name: str) -> str:
    """Where a page finds ``portal.css``; the address changes with what is in it."""
    return f"/static/{name}?v={_files()[name].mark}"


@routes.get("/static/{path:path}")
def static(request: Request, path: str, v: str = "") -> Response:
    """A file that pages are shown with; everybody may have it."""
    found = _files().get(path)
    if found is None:
        raise NotFoundError("there is no such file.")
    headers = {
        "Cache-Control": _FOR_EVER if v == found.mark else _ASK,
        "ETag": f'"{found.mark}"',
        "Vary": "Accept-Encoding",
    }
    if f'"{found.mark}"' in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    packed = "gzip" in request.headers.get("accept-encoding", "")
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(
        found.packed if packed else found.content, headers=headers, media_type=found.kind
    )


@cache
def _files() -> dict[str, _File]:
    found = {}
    for item in resources.files("headgate.portal").joinpath("static").iterdir():
        kind = _KINDS.get(item.name.rpartition(".")[2])
        if kind is not None:
            content = item.read_bytes()
            # mtime: the same bytes for the same content, whenever it is packed.
            packed = gzip.compress(content, mtime=0)
            found[item.name] = _File(content, packed, kind, ids.digest("static", content)[:16])
    return found
