"""The contract of a dataset, its history as the lake kept it, and how two versions of it differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from headgate.portal import served, showing
from headgate.portal.told import code, masked, subject, versions
from headgate.portal.told.subject import Subject
from headgate.portal.told.versions import CURRENT, Compared, Span

routes = APIRouter()
Which = Annotated[str | None, Query(max_length=80)]


@routes.get("/datasets/{dataset}/contract")
def contract(
    request: Request, dataset: str, version: Which = None, against: Which = None, to: Which = None
) -> Response:
    """The document (of ``version``, a hash, or as it is now) and its history; with ``against`` how
    that one differs from ``to``."""
    about = subject.of(request, dataset)
    lake = served.of(request).asking
    spans = versions.spans(lake, about.id)
    person = served.person(request)
    kept = masked.kept_from(about.contract, person)
    which = version or CURRENT
    written = versions.document(lake, about.contract, which)
    hidden = versions.hidden(written, kept, masked.INSTEAD)
    return showing.page(
        request, "dataset/contract.html", about=about, spans=spans, which=which,
        text=_text(about, which, hidden is written) or versions.text(hidden),
        as_written=which == CURRENT and hidden is written,
        kept=[c.name for c in about.contract.columns if c.name in kept and c.examples],
        unused=bool(spans) and spans[0].hash != about.contract.hash,
        named=_named(about, spans),
        compared=_compared(request, about, spans, against, to) if against or to else None,
        asked=(against or _before(about, spans), to or CURRENT),
    )  # fmt: skip


@routes.get("/datasets/{dataset}/code")
def compiled(
    request: Request, dataset: str, of: Annotated[str | None, Query(max_length=64)] = None
) -> Response:
    """The code that made the rows, as it was compiled: of the newest commit, or of that hash."""
    about = subject.of(request, dataset)
    found = code.code(served.of(request).asking, about.contract, of)
    return showing.page(request, "dataset/code.html", about=about, found=found)


def _text(about: Subject, which: str, is_whole: bool) -> str:
    """The file as it is, comments and all, if that is what is asked for and nothing in it is hidden."""
    if which != CURRENT or not is_whole:
        return ""
    try:
        return about.contract.path.read_text("utf-8")
    except OSError:
        return ""  # gone since it was read; what it said is known all the same


def _named(about: Subject, spans: tuple[Span, ...]) -> dict[str, str]:
    """What each contract that can be chosen is called, by its hash; the newest first."""
    found = {CURRENT: f"{about.contract.version}, as it is now"}
    for span in spans:
        if span.kept and span.hash != about.contract.hash:
            found.setdefault(span.hash, f"{span.version}, from {span.since:%Y-%m-%d %H:%M} UTC")
    return found


def _before(about: Subject, spans: tuple[Span, ...]) -> str:
    """What the contract as it is now is best compared with: the newest other that judged a batch."""
    others = (s.hash for s in spans if s.kept and s.hash != about.contract.hash)
    return next(others, CURRENT)


def _compared(
    request: Request, about: Subject, spans: tuple[Span, ...], against: str | None, to: str | None
) -> Compared:
    lake, person = served.of(request).asking, served.person(request)
    kept, names = masked.kept_from(about.contract, person), _named(about, spans)

    def side(which: str) -> tuple[str, Mapping[str, Any]]:
        written = versions.document(lake, about.contract, which)
        called = next((n for h, n in names.items() if h.startswith(which)), names[CURRENT])
        return called, versions.hidden(written, kept, masked.INSTEAD)

    old, new = side(against or CURRENT), side(to or CURRENT)
    return versions.compared(about.contract, old, new)
