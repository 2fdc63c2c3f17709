"""The first page: the platform at a glance, and what waits for who opens it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from fastapi import APIRouter, Request, Response

from headgate.core import clock
from headgate.portal import served, showing
from headgate.portal.access.roles import Role
from headgate.portal.drawing import bars
from headgate.portal.drawing.chart import Chart, Series
from headgate.portal.knowing.needing import needs
from headgate.portal.records import exceptions, signoffs

routes = APIRouter()
#: Of each kind of thing so many are named; a link leads to the others.
MOST = 8
_DAYS = 14
_OUTCOMES = (
    Series("published", "published"),
    Series("published in part", "quarantined"),
    Series("refused", "refused"),
)


@routes.get("/")
def home(request: Request) -> Response:
    """Freshness, refused batches, open quarantine, releases, changes, and what needs me."""
    parts, person, now = served.of(request), served.person(request), clock.now()
    known = parts.knowing.now()
    yesterday = now - timedelta(days=1)
    refused = [b for b in known.batches_since(yesterday) if b.failed]
    return showing.page(
        request,
        "home.html",
        known=known,
        needs=needs(
            known,
            person,
            now,
            exceptions.in_force(parts.records),
            # Nobody else is asked to sign.
            signoffs.every(parts.records) if person.role is Role.REVIEWER else (),
        ),
        refused=refused,
        waiting=sum(s.open_quarantine for s in known.quarantined),
        released=[r for r in known.releases if r.at >= yesterday],
        changed=[e for e in known.editions if not e.first],
        began=[e for e in known.editions if e.first],
        chart=days_chart(known.days, now.date()),
        most=MOST,
    )


def days_chart(days: Sequence[tuple[date, str, int]], until: date) -> Chart:
    """What became of the batches of each of the last days."""
    counts = {(day, outcome): count for day, outcome, count in days}
    listed = [until - timedelta(days=back) for back in range(_DAYS - 1, -1, -1)]
    if not any(day in listed for day, _ in counts):
        listed = []
    return bars.stacked(
        "Batches by day",
        [(f"{day:%d %b}", [counts.get((day, one.name), 0) for one in _OUTCOMES]) for day in listed],
        series=_OUTCOMES,
        of="day (UTC)",
        shown=[day.isoformat() for day in listed],
    )
