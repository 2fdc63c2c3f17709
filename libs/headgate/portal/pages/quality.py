"""Quality of domains and owners: scores, worst rules, sign-offs and exceptions; as a page, PDF and CSV."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from headgate.portal import served, showing
from headgate.portal.access.roles import Right
from headgate.portal.acting.recording import record
from headgate.portal.records import exceptions, signoffs
from headgate.portal.reports import asked, pdf, periods, quality, quality_charts, tables
from headgate.portal.reports.periods import Period, Scope

routes = APIRouter()
_MOST_RULES = 50


@routes.get("/quality")
def all_quality(request: Request) -> Response:
    """Every domain and every owner, the worst first, and the exceptions in force."""
    parts, query = served.of(request), request.query_params
    known, period = parts.knowing.now(), periods.period(query)
    counts = parts.counts
    signed = _newest_signed(request)
    found = quality.standings(counts, known, period)
    return showing.page(
        request, "quality.html", period=period, found=found, signed=signed,
        exceptions=exceptions.in_force(parts.records), counted=quality.COUNTED,
        total=quality.added(s.figures for s in found["domain"]), most=asked.limit(query, 100),
    )  # fmt: skip


@routes.get("/quality/exceptions")
def all_exceptions(request: Request) -> Response:
    """Every exception that was ever granted, the newest first."""
    parts, query = served.of(request), request.query_params
    found = exceptions.every(parts.records)
    dataset, limit = query.get("dataset") or "", asked.limit(query)
    found = tuple(e for e in found if not dataset or e.dataset == dataset)
    after = query.get("after")
    if after:
        number = asked.number(after, "after")
        found = tuple(e for e in found if e.number < number)
    shown = found[:limit]
    return showing.page(
        request, "exceptions.html", shown=shown, dataset=dataset,
        can_sign=served.person(request).may(Right.SIGN),
        pager={"next": shown[-1].number if len(found) > limit else None, "total": None},
    )  # fmt: skip


@routes.get("/quality/sign-offs/{number}")
def one_sign_off(request: Request, number: str) -> Response:
    """What somebody signed, and whether its figures changed since."""
    parts, person = served.of(request), served.person(request)
    found = signoffs.one(parts.records, asked.number(number, "sign-off"))
    scope, period = periods.scope(found.subject), Period(found.first, found.last)
    now = quality.report(parts.counts, parts.knowing.now(), scope, period)
    return showing.page(
        request, "sign_off.html", signed=found, scope=scope, period=period, now=now,
        then=quality.signed_figures(found.figures), changed=now.digest != found.digest,
        can_audit=person.may(Right.AUDIT), may_withdraw=person.may(Right.SIGN) and signoffs.may_withdraw(found, person),
    )  # fmt: skip


@routes.get("/quality/domains/{name}.pdf")
@routes.get("/quality/owners/{name:path}.pdf")
def as_pdf(request: Request, name: str) -> Response:
    """The report as PDF; that it was taken away is an entry in the log."""
    found = _report(request, name)
    parts, person = served.of(request), served.person(request)
    body = pdf.quality_report(
        found, exceptions=_exceptions(request, found), signed=_signed(request, found),
        by=person.name, font=parts.project.settings.portal_pdf_font,
    )  # fmt: skip
    _exported(request, found, "PDF")
    return _file(body, "application/pdf", found, "pdf")


@routes.get("/quality/domains/{name}.csv")
@routes.get("/quality/owners/{name:path}.csv")
def as_csv(request: Request, name: str) -> Response:
    """The figures by dataset as CSV; that they were taken away is an entry in the log."""
    found = _report(request, name)
    body = tables.of_report(found, _exceptions(request, found))
    _exported(request, found, "CSV")
    return _file(body.encode(), "text/csv; charset=utf-8", found, "csv")


@routes.get("/quality/domains/{name}")
@routes.get("/quality/owners/{name:path}")
def one_report(request: Request, name: str) -> Response:
    """The quality report of a domain or of an owner."""
    found, person = _report(request, name), served.person(request)
    parts = served.of(request)
    shown = list(found.datasets.items())
    query, limit = request.query_params, asked.limit(request.query_params, 100)
    after = query.get("after")
    if after:
        shown = [(d, f) for d, f in shown if d > after]
    granted = _exceptions(request, found)
    return showing.page(
        request, "quality_report.html", report=found, scope=found.scope, period=found.period,
        shown=shown[:limit], pager={
            "next": shown[limit - 1][0] if len(shown) > limit else None, "total": len(found.datasets),
        },
        rules=found.rules[:_MOST_RULES], exceptions=granted, signed=_signed(request, found),
        excepted=exceptions.by_rule(granted),
        charts=quality_charts.of(found), counted=quality.COUNTED,
        can_sign=person.may(Right.SIGN), can_export=person.may(Right.EXPORT),
        known=parts.knowing.now().datasets,
    )  # fmt: skip


def _report(request: Request, name: str) -> quality.Report:
    parts = served.of(request)
    kind = "domain" if request.url.path.startswith("/quality/domains/") else "owner"
    known, scope = parts.knowing.now(), Scope(kind, name)
    periods.demand(scope, known.domains if kind == "domain" else known.owners)
    counts = parts.counts
    return quality.report(counts, known, scope, periods.period(request.query_params))


def _exceptions(request: Request, found: quality.Report) -> list[exceptions.Granted]:
    """Those in force, of the report's datasets."""
    granted = exceptions.in_force(served.of(request).records)
    return [e for e in granted if e.dataset in found.datasets]


def _signed(request: Request, found: quality.Report) -> list[tuple[signoffs.SignOff, bool | None]]:
    """Sign-offs of the report, and whether its figures changed since where they are of these days."""
    mine = signoffs.of_subject(served.of(request).records, found.scope.subject)
    days = (found.period.first, found.period.last)
    return [(s, s.digest != found.digest if (s.first, s.last) == days else None) for s in mine]


def _newest_signed(request: Request) -> dict[str, signoffs.SignOff]:
    found: dict[str, signoffs.SignOff] = {}
    for signed in signoffs.every(served.of(request).records):
        if signed.stands:
            found.setdefault(signed.subject, signed)
    return found


def _exported(request: Request, found: quality.Report, form: str) -> None:
    record(
        request, "exported", found.scope.subject, what="quality report", form=form,
        digest=found.digest, **found.period.query,
    )  # fmt: skip


def _file(body: bytes, kind: str, found: quality.Report, ending: str) -> Response:
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in found.scope.name)[:60]
    name = f"quality-{found.scope.kind}-{plain}-{found.period.last}.{ending}"
    headers: dict[str, Any] = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=kind, headers=headers)
