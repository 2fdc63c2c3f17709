"""What reviewers put on record: sign-offs of reports, exceptions to rules, and the end of both."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from headgate.core.errors import ConflictError, UsageError
from headgate.portal import served, showing
from headgate.portal.access import forms
from headgate.portal.records import exceptions, signoffs
from headgate.portal.reports import asked, periods, quality

routes = APIRouter()


@routes.post("/quality/sign-offs")
async def sign(request: Request) -> Response:
    """Sign a report off: the figures as they were shown to who signs."""
    return await run_in_threadpool(_sign, request, await forms.read(request))


@routes.post("/quality/sign-offs/{number}/withdraw")
async def withdraw(request: Request, number: str) -> Response:
    """Take a sign-off back."""
    return await run_in_threadpool(_withdraw, request, number, await forms.read(request))


@routes.post("/quality/exceptions")
async def grant(request: Request) -> Response:
    """Let a rule be broken for a while."""
    return await run_in_threadpool(_grant, request, await forms.read(request))


@routes.post("/quality/exceptions/{number}/end")
async def end(request: Request, number: str) -> Response:
    """End an exception before its day."""
    return await run_in_threadpool(_end, request, number, await forms.read(request))


def _sign(request: Request, sent: Mapping[str, str]) -> Response:
    parts, known = served.of(request), served.of(request).knowing.now()
    scope, period = periods.scope(sent.get("subject", "")), periods.period(sent)
    periods.demand(scope, known.domains if scope.kind == "domain" else known.owners)
    counts = parts.counts
    report = quality.report(counts, known, scope, period)
    if sent.get("digest") != report.digest:
        raise ConflictError(
            "the figures changed while you read them; nothing is signed.",
            remedy="Go back, load the page anew, and read what it says now.",
        )
    signed = signoffs.sign(
        parts.records, by=served.person(request), subject=scope.subject, first=period.first,
        last=period.last, figures=report.figures, digest=report.digest, note=sent.get("note", ""),
    )  # fmt: skip
    return showing.redirect(
        request, f"/quality/sign-offs/{signed.number}",
        said=f"You signed the figures of {scope} for {period}, as entry {signed.number} of the log.",
    )  # fmt: skip


def _withdraw(request: Request, number: str, sent: Mapping[str, str]) -> Response:
    found = signoffs.withdraw(
        served.of(request).records, asked.number(number, "sign-off"), by=served.person(request),
        why=sent.get("why", ""),
    )  # fmt: skip
    return showing.redirect(
        request, f"/quality/sign-offs/{found.number}",
        said=f"Sign-off {found.number} is withdrawn; it stays on record.",
    )  # fmt: skip


def _grant(request: Request, sent: Mapping[str, str]) -> Response:
    parts = served.of(request)
    dataset, rule = sent.get("dataset", "").strip(), sent.get("rule", "").strip()
    contract = parts.knowing.now().contracts[dataset]
    rules = sorted(r.id for r in contract.rules)
    if rule not in rules:
        raise UsageError(
            f"{dataset} has no rule {rule[:80]!r}.", remedy=f"It has {', '.join(rules) or 'none'}."
        )
    until = periods.day_of(sent.get("until"), "until")
    if until is None:
        raise UsageError("an exception has a last day.", remedy="Give it, at most a year away.")
    granted = exceptions.grant(
        parts.records, by=served.person(request), dataset=dataset, rule=rule, until=until,
        reason=sent.get("reason", ""),
    )  # fmt: skip
    return showing.redirect(
        request, f"/quality/exceptions?dataset={dataset}",
        said=f"{rule} of {dataset} may be broken until {granted.until}. No verdict changes by it.",
    )  # fmt: skip


def _end(request: Request, number: str, sent: Mapping[str, str]) -> Response:
    found = exceptions.end(
        served.of(request).records, asked.number(number, "exception"), by=served.person(request),
        why=sent.get("why", ""),
    )  # fmt: skip
    return showing.redirect(
        request, f"/quality/exceptions?dataset={found.dataset}",
        said=f"Exception {found.number} is ended.",
    )  # fmt: skip
