"""The log of who saw and did what: a page to look through, and a file to take away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from headgate.core import json as hjson
from headgate.core.errors import UsageError
from headgate.portal import served, showing
from headgate.portal.acting.recording import record
from headgate.portal.records import chain
from headgate.portal.reports import spreadsheet

routes = APIRouter()
_HEADS = ("number", "at", "who", "role", "action", "subject", "detail", "hash")


@dataclass(frozen=True)
class Asked:
    """Which entries are asked for, as addresses say it; "" where all are."""

    by: Annotated[str, Query(max_length=400)] = ""
    action: Annotated[str, Query(max_length=100)] = ""
    subject: Annotated[str, Query(max_length=1_000)] = ""
    since: Annotated[str, Query(max_length=10)] = ""
    until: Annotated[str, Query(max_length=10)] = ""

    @property
    def filters(self) -> dict[str, Any]:
        """As :func:`chain.entries` takes them.

        Raises:
            UsageError: the action is none of the log's, or a day is none.
        """
        if self.action and self.action not in chain.ACTIONS:
            raise UsageError(
                f"{self.action!r} is no action of the log.", remedy="Choose one from the list."
            )
        to = _day(self.until)
        return {
            "by": self.by or None, "action": self.action or None, "subject": self.subject or None,
            "since": _day(self.since), "until": None if to is None else to + timedelta(days=1),
        }  # fmt: skip


Those = Annotated[Asked, Depends()]


@routes.get("/audit")
def audit(
    request: Request,
    those: Those,
    after: int | None = Query(None, ge=1, le=2**62),
    limit: int = Query(50, ge=1, le=200),
) -> Response:
    """The newest entries first, as they are asked for."""
    around = served.of(request)
    found = chain.entries(around.records, after=after, limit=limit + 1, **those.filters)
    shown = found[:limit]
    return showing.page(
        request, "audit.html", entries=shown, head=chain.head(around.records),
        next=shown[-1].number if len(found) > limit else None, checked=around.access.checker.now(),
        actions=chain.ACTIONS, asked=asdict(those),
    )  # fmt: skip


@routes.get("/audit.csv")
def taken_away(request: Request, those: Those) -> Response:
    """The same as a file, the oldest first; that it was taken is the last entry of all."""
    filters = those.filters
    told = {key: value for key, value in asdict(those).items() if value}
    record(request, "exported", "audit log", filters=told)

    def lines() -> Iterator[str]:
        rows = (
            (e.number, e.at, e.who, e.role, e.action, e.subject, hjson.dumps(e.detail), e.hash)
            for e in chain.every(served.of(request).records, **filters)
        )
        return spreadsheet.lines(_HEADS, rows)

    return StreamingResponse(
        lines(), media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )  # fmt: skip


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
