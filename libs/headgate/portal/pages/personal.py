"""What personal data is where: by class, domain, dataset and column, who sees it, and where it flows."""

from __future__ import annotations

from bisect import bisect_right

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from headgate.core.errors import NotFoundError
from headgate.lineage.questions import personal as asking
from headgate.lineage.questions.personal import PersonalData
from headgate.portal import served, showing
from headgate.portal.access.roles import Right
from headgate.portal.acting.recording import record
from headgate.portal.reports import asked, personal_map, tables

routes = APIRouter()
_FILTERS = ("classification", "domain", "owner", "dataset", "seen_by")
#: Flows and findings that one page shows at the most.
_MOST = 200


@routes.get("/personal-data")
def personal_data(request: Request) -> Response:
    """The map, filtered; and the flows of one dataset where one is asked for."""
    parts, query = served.of(request), request.query_params
    chosen = {name: query.get(name) or "" for name in _FILTERS}
    everything = query.get("all") == "yes"
    found, limit = _those(request), asked.limit(query, 100)
    start = bisect_right([c.key for c in found], query.get("after") or "")
    shown = found[start : start + limit]
    flows = personal_map.flows(parts.lineage)
    wrong = [(f, one) for f in flows.flows for one in f.of(asking.UNDECLARED)]
    unknown = [(f, one) for f in flows.flows for one in f.of(asking.UNKNOWN)]
    mine = _flows_of(request, chosen["dataset"])
    whole = personal_map.of_contracts(parts.knowing.now())
    return showing.page(
        request, "personal.html", shown=shown, chosen=chosen, everything=everything,
        pager={"next": shown[-1].key if start + limit < len(found) else None, "total": len(found)},
        counts={name: personal_map.counted(found, name) for name in _FILTERS if name != "dataset"},
        datasets=len({c.dataset for c in found}), wrong=wrong[:_MOST], unknown=unknown[:_MOST],
        untraced=flows.untraced[:_MOST], mine=mine, flow_words=_WORDS,
        ended=[c for c in whole.ended if not chosen["dataset"] or c.dataset == chosen["dataset"]][:_MOST],
        can_export=served.person(request).may(Right.EXPORT),
    )  # fmt: skip


@routes.get("/personal-data.csv")
def as_csv(request: Request) -> Response:
    """The map as CSV; that it was taken away is an entry in the log."""
    found = _those(request)
    chosen = {n: v for n in _FILTERS if (v := request.query_params.get(n))}
    record(
        request, "exported", "personal-data", what="map of personal data", form="CSV",
        columns=len(found), filters=chosen,
    )  # fmt: skip
    headers = {"Content-Disposition": 'attachment; filename="personal-data.csv"'}
    body = (line.encode() for line in tables.of_personal(found))
    return StreamingResponse(body, media_type="text/csv; charset=utf-8", headers=headers)


#: What may be said of where a flow lands, for a reader.
_WORDS = {
    asking.DECLARED: ("it says so itself", "good"),
    asking.ENDED: ("it ends here, as declared", "good"),
    asking.UNDECLARED: ("it should say so, and does not", "bad"),
    asking.UNKNOWN: ("nobody says anything of it", "warn"),
    asking.INFLUENCED: ("only decided by it", "quiet"),
}


def _those(request: Request) -> tuple[personal_map.Held, ...]:
    query, whole = request.query_params, personal_map.of_contracts(served.of(request).knowing.now())
    found = whole.those(**{name: query.get(name) for name in _FILTERS})
    return found if query.get("all") == "yes" else tuple(c for c in found if c.personal)


def _flows_of(request: Request, dataset: str) -> PersonalData | None:
    """The flows of a dataset's protected columns; None if none is asked for, or lineage knows none."""
    if not dataset:
        return None
    try:
        return personal_map.flows_of(served.of(request).lineage, dataset)
    except NotFoundError:
        return None
