"""Exceptions as the pages of one dataset show them: each with the reports of it that were signed meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from fastapi import Request

from headgate.portal import served
from headgate.portal.records import exceptions, signoffs
from headgate.portal.records.exceptions import Granted
from headgate.portal.records.signoffs import SignOff
from headgate.portal.reports.periods import Scope
from headgate.portal.told.subject import Subject

#: Exceptions that one page shows; a link leads to all.
MOST = 20


@dataclass(frozen=True)
class Line:
    """An exception; ``signed`` are the sign-offs that stand of reports on its dataset over days on
    which it held, and ``held_then`` is whether it held when a batch was judged (None: of no batch)."""

    granted: Granted
    signed: tuple[SignOff, ...]
    held_then: bool | None = None


@dataclass(frozen=True)
class Excepted:
    """The exceptions of a page: at most :data:`MOST` of ``total``. ``by_rule`` has those that hold
    (of a batch: held when it was judged), by rule."""

    lines: tuple[Line, ...]
    total: int
    by_rule: dict[str, Granted]


def of(
    request: Request,
    about: Subject,
    *,
    rules: Collection[str] | None = None,
    judged_at: datetime | None = None,
) -> Excepted:
    """Exceptions of a dataset, or of ``rules`` of it alone; of a batch that was ``judged_at`` a moment
    those that held then, or hold now."""
    records = served.of(request).records
    found = exceptions.concerning(records, about.id, rules=rules)
    if judged_at is not None:
        found = tuple(e for e in found if e.is_in_force(judged_at) or e.is_in_force())
    signed = _signed(request, about) if found else ()
    lines = tuple(
        Line(
            e,
            tuple(s for s in signed if s.first <= _last(e) and s.last >= e.at.date()),
            None if judged_at is None else e.is_in_force(judged_at),
        )
        for e in found[:MOST]
    )
    held = exceptions.by_rule(found, judged_at)
    return Excepted(lines, len(found), {rule: e for (_, rule), e in held.items()})


def _last(granted: Granted) -> date:
    """The last day on which it held."""
    ended = granted.ended_at
    return min(granted.until, ended.date()) if ended else granted.until


def _signed(request: Request, about: Subject) -> tuple[SignOff, ...]:
    """Sign-offs that stand of the reports that the dataset is in."""
    name = about.contract.name
    scopes = (Scope("domain", name.domain), Scope("owner", about.contract.owner))
    records = served.of(request).records
    return tuple(s for o in scopes for s in signoffs.of_subject(records, o.subject) if s.stands)
