"""Great Expectations' Data Docs of the lake, read-only: pages that run nothing and ask nobody for anything."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from headgate.governance import layout
from headgate.portal import addresses, served, showing
from headgate.portal.acting.recording import record
from headgate.portal.pages.problems import Problem
from headgate.portal.told import data_docs, subject
from headgate.portal.told.data_docs import Docs

routes = APIRouter()
#: Their style stands in the pages; nothing else is loaded, nothing runs and nothing is sent, whatever
#: a value of the data might have smuggled in. They stay of this origin, so that links carry who asks.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'; sandbox allow-same-origin"
)
#: Columns that the log and a refusal name, at the most.
_MOST = 20


@routes.get("/quality/data-docs/{path:path}")
def page(request: Request, path: str) -> Response:
    """A file of the Data Docs, for whom the portal's own pages keep nothing of it back; that values
    of rows were seen is an entry in the log."""
    lake = served.of(request).project.settings.lake_path
    if path in ("", "index.html") and not data_docs.is_built(lake):
        return showing.page(request, "data_docs.html", command=data_docs.COMMAND)
    found = data_docs.read(lake, path)
    if found.dataset is not None:
        _demand_seen(request, found.dataset, found)
    content = found.content
    if found.media_type.startswith("text/html"):
        content = content.replace(layout.TRAIL.encode(), _way_back(found).encode(), 1)
    return Response(
        content, media_type=found.media_type, headers={"Content-Security-Policy": _POLICY}
    )


def _demand_seen(request: Request, dataset: str, found: Docs) -> None:
    """Let pass whoever sees all that is quoted, and put on record that they see it.

    Raises:
        NotFoundError: nothing says any more who may see values of that dataset.
        Problem: something is quoted that is kept from who asks.
    """
    about, person = subject.of(request, dataset), served.person(request)
    kept = [q.column for q in found.quotes if not q.is_seen_by(about.contract, person)]
    if found.batch is None:
        return
    if kept:
        named = sorted({c or "whole rows" for c in kept})
        raise Problem(
            403,
            f"It quotes values of {', '.join(named[:_MOST])}, which are kept from you.",
            remedy=f"{addresses.batch(dataset, found.batch)} has the same verdict without them.",
        )
    shown = [q.column for q in found.quotes if not q.kind]
    if shown:
        record(
            request, "sample_seen", about.id, what="Data Docs", batch=found.batch,
            values=len(shown), columns=sorted({c or "whole rows" for c in shown})[:_MOST],
        )  # fmt: skip


def _way_back(found: Docs) -> str:
    """The links above a page, with one to where the portal tells of the same before them."""
    if found.dataset is None:
        return f"{layout.TRAIL}{layout.link('Portal', '/quality')} "
    text, address = "Portal: the dataset", addresses.dataset(found.dataset)
    if found.batch is not None:
        text, address = "Portal: the batch", addresses.batch(found.dataset, found.batch)
    return f"{layout.TRAIL}{layout.link(text, address)} / "
