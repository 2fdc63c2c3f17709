"""The lineage page: the graph around a dataset or column, or of the whole platform, as of any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from headgate.core.errors import HeadgateError, NotFoundError, UsageError
from headgate.lineage.graph_node import ROWS, Node
from headgate.portal import addresses, served, showing
from headgate.portal.graphs import asked as asking
from headgate.portal.graphs import listed, reached
from headgate.portal.graphs.about import Knowledge
from headgate.portal.graphs.asked import ALL, Asked
from headgate.portal.graphs.cards import WHICH_ROWS
from headgate.portal.graphs.compose import MOST_DRAWN, Composed

if TYPE_CHECKING:
    from headgate.portal.graphs.reached import Reached
    from headgate.portal.knowing.known import Known

routes = APIRouter()
#: How many releases are offered to choose from, and datasets that a search found.
_RELEASES, _FOUND = 20, 20


@dataclass(frozen=True)
class End:
    """An end of an edge as the table has it: a dataset, perhaps a column of it, and where each is shown."""

    dataset: str
    column: str
    address: str
    column_address: str
    graph: str


@routes.get("/lineage")
def lineage(request: Request) -> Response:
    """The picture, and the same as a table of edges."""
    try:
        asked = asking.read(request.query_params.multi_items())
    except UsageError as error:
        return _wrong(request, Asked(), error, 400)
    try:
        return _page(request, asked)
    except UsageError as error:
        return _wrong(request, asked, error, 400)
    except NotFoundError as error:
        return _wrong(request, asked, error, 404)


def _page(request: Request, asked: Asked) -> Response:
    parts = served.of(request)
    now = parts.knowing.now()
    found = reached.find(parts.lineage, asked)
    knowledge = Knowledge.at(found.graph.names, now)
    drawn = parts.pictures.of(found, knowledge, asked)
    composed = drawn.composed
    page = listed.page(parts.lineage, found, after=asked.after, limit=asked.limit)
    return showing.page(
        request,
        "lineage.html",
        **_common(asked, now),
        found=found,
        columns=_columns(found),
        composed=composed,
        picture=drawn.svg,
        notes=_notes(asked, found, composed),
        opened=[(told, asked.closing(key)) for key, told in composed.grouped.opened.items()],
        everything=asked.address(opened=(ALL,)) if composed.datasets <= MOST_DRAWN else "",
        edges=page,
        end=lambda node: _end(node, knowledge, asked),
        problem=None,
    )


def _wrong(request: Request, asked: Asked, error: HeadgateError, status: int) -> Response:
    """The page with what is wrong, and the form to ask anew."""
    now = served.of(request).knowing.now()
    return showing.page(
        request, "lineage.html", status=status, **_common(asked, now), found=None, columns=(),
        problem=error,
    )  # fmt: skip


def _common(asked: Asked, now: Known) -> dict[str, Any]:
    hits = now.search(asked.q, limit=_FOUND) if asked.q and not asked.dataset else None
    return {
        "asked": asked, "hits": hits, "releases": now.releases[:_RELEASES],
        "which_rows": (ROWS, WHICH_ROWS),
    }  # fmt: skip


def _columns(found: Reached) -> list[tuple[str, str]]:
    """The columns to choose from, as the form has them and as they are shown."""
    if found.start is None:
        return []
    return [(c, c) for c in found.graph.columns(found.start.dataset)]


def _notes(asked: Asked, found: Reached, composed: Composed) -> list[tuple[str, str]]:
    """What the reader has to know of the picture: a sentence, and where it leads, if anywhere."""
    notes: list[tuple[str, str]] = []
    if found.start is not None and not len(found.source):
        notes.append((_nothing(asked, found.start), asked.address(as_of="") if asked.as_of else ""))
    if found.cut:
        told = f"More than {reached.MOST_NODES:,} nodes are reached; the farthest are left out."
        notes.append((told, ""))
    if found.left_out:
        told = f"What only decides which value or row is taken is left out: {found.left_out} more. Show it."
        notes.append((told, asked.address(indirect="yes")))
    for dataset in found.untraced[:10]:
        told = f"What the columns of {dataset} are made from is not known, only what it is made from as a whole."
        notes.append((told, asked.around(dataset)))
    if len(found.untraced) > 10:
        notes.append((f"The same is true of {len(found.untraced) - 10} more datasets.", ""))
    if composed.undrawn:
        told = f"Of the lines between the cards the {composed.undrawn} thinnest are not drawn; the table has all."
        notes.append((told, ""))
    if composed.grouped.shut:
        told = "There is no room to open all of these groups at once; close others first."
        notes.append((told, ""))
    return notes


def _nothing(asked: Asked, start: Node) -> str:
    when = f"As of {asked.as_of}" if asked.as_of else "By now"
    what = {"up": "what it is made from", "down": "anything made from it"}
    told = what.get(asked.direction, "what it is made from, or of anything made from it")
    return f"{when} nothing was recorded for {start} of {told}."


def _end(node: Node, knowledge: Knowledge, asked: Asked) -> End:
    about = knowledge.named(node.dataset)
    column = WHICH_ROWS if node.column == ROWS else node.column
    page = addresses.dataset(about.name) if about.has_page else ""
    of_column = ""
    if page and node.column not in ("", ROWS):
        of_column = addresses.column(about.name, node.column)
    return End(about.name, column, page, of_column, asked.around(about.name, node.column))
