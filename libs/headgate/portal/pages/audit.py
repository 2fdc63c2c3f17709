"""The log of who saw and did what: a page to look through, and a file to take away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from headgate.core import json as hjson
from headgate.core.errors import UsageError
from headgate.portal import served, showing
from headgate.portal.records import chain
from headgate.portal.reports import spreadsheet

routes = APIRouter()
_HEADS = ("number", "at", "who", "role", "action", "subject", "detail", "hash")


@routes.get("/audit")
def audit(
    request: Request,
    by: str = Query("", max_length=400),
    action: str = Query("", max_length=100),
    subject: str = Query("", max_length=1_000),
    since: str = Query("", max_length=10),
    until: str = Query("", max_length=10),
    after: int | None = Query(None, ge=1, le=2**62),
    limit: int = Query(50, ge=1, le=200),
) -> Response:
    """The newest entries first, as they are asked for."""
    around = served.of(request)
    found = chain.entries(
        around.records, after=after, limit=limit + 1, **_filters(by, action, subject, since, until)
    )
    shown = found[:limit]
    return showing.page(
        request, "audit.html", entries=shown, head=chain.head(around.records),
        next=shown[-1].number if len(found) > limit else None, checked=around.access.checker.now(),
        actions=chain.ACTIONS,
        asked={"by": by, "action": action, "subject": subject, "since": since, "until": until},
    )  # fmt: skip


@routes.get("/audit.csv")
def taken_away(
    request: Request,
    by: str = Query("", max_length=400),
    action: str = Query("", max_length=100),
    subject: str = Query("", max_length=1_000),
    since: str = Query("", max_length=10),
    until: str = Query("", max_length=10),
) -> Response:
    """The same as a file, the oldest first; that it was taken is the last entry of all."""
    around = served.of(request)
    asked = {"by": by, "action": action, "subject": subject, "since": since, "until": until}
    filters = _filters(**asked)
    told = {key: value for key, value in asked.items() if value}
    chain.append(
        around.records,
        by=served.person(request),
        action="exported",
        subject="audit log",
        **{"filters": told},
    )

    def lines() -> Iterator[str]:
        rows = (
            (e.number, e.at, e.who, e.role, e.action, e.subject, hjson.dumps(e.detail), e.hash)
            for e in chain.every(around.records, **filters)
        )
        return spreadsheet.lines(_HEADS, rows)

    return StreamingResponse(
        lines(), media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )  # fmt: skip


def _filters(by: str, action: str, subject: str, since: str, until: str) -> dict[str, Any]:
    if action and action not in chain.ACTIONS:
        raise UsageError(f"{action!r} is no action of the log.", remedy="Choose one from the list.")
    to = _day(until)
    return {
        "by": by or None, "action": action or None, "subject": subject or None,
        "since": _day(since), "until": None if to is None else to + timedelta(days=1),
    }  # fmt: skip


def _day(text: str) -> datetime | None:
    """The beginning of a day.

    Raises:
        UsageError: the text is none.
    """
    if not text:
        return None
    with suppress(ValueError):
        found = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        if 1970 <= found.year <= 9000:
            return found
    raise UsageError(f"{text!r} is no day.", remedy="Write it like 2026-05-31.")
