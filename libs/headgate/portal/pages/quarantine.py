"""The refused rows of a dataset: seen, waived or replayed, each on record."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from headgate.core.errors import HeadgateError, NotFoundError
from headgate.portal import addresses, served, showing
from headgate.portal.access import forms, masking
from headgate.portal.acting import choosing, waiving
from headgate.portal.acting.choosing import Choice
from headgate.portal.acting.recording import record
from headgate.portal.pages import problems
from headgate.portal.records import chain
from headgate.portal.told import reasons, refused, subject
from headgate.portal.told.subject import Subject
from headgate.quality.quarantine import STATES, is_whole_file

routes = APIRouter()
Limit = Annotated[int, Query(ge=1, le=200)]
Short = Annotated[str | None, Query(max_length=300)]
#: The state that means all of them.
ANY = "any"
NOTHING = Choice()


@routes.get("/datasets/{dataset}/quarantine")
def quarantine(
    request: Request,
    dataset: str,
    state: Short = "open",
    reason: Short = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Response:
    """The refused rows of a state and a reason, each value as the contract lets who asks see it."""
    about = subject.of(request, dataset)
    return _page(request, about, state or ANY, reason or None, after, limit)


@routes.post("/datasets/{dataset}/quarantine/waive")
async def waive(request: Request, dataset: str) -> Response:
    """Let rows stay out for good."""
    fields = await forms.read(request, most=200_000)
    return await run_in_threadpool(_waive, request, dataset, choosing.of_fields(fields))


@routes.post("/datasets/{dataset}/quarantine/replay")
async def replay(request: Request, dataset: str) -> Response:
    """Have rows judged anew; it goes on beside, and a page tells how."""
    fields = await forms.read(request, most=200_000)
    return await run_in_threadpool(_replay, request, dataset, choosing.of_fields(fields))


@routes.get("/datasets/{dataset}/quarantine/replays/{number}")
def follow(request: Request, dataset: str, number: str) -> Response:
    """How a replay goes, or went."""
    about = subject.of(request, dataset)
    found = served.of(request).replays.get(number)
    if found is not None and found.dataset == about.id:
        return showing.page(request, "dataset/replay.html", about=about, found=found, noted=None)
    noted = _noted(request, about, number)
    if not noted:
        raise NotFoundError(f"no replay {number[:60]!r} of rows of {about.id} is known.")
    return showing.page(request, "dataset/replay.html", about=about, found=None, noted=noted)


def _waive(request: Request, dataset: str, choice: Choice) -> Response:
    about = subject.of(request, dataset)
    try:
        rows = waiving.waive(request, about, choice)
    except HeadgateError as error:
        return _again(request, about, choice, error)
    told = f"{rows} {'row is' if rows == 1 else 'rows are'} waived. It is on record who decided it, and why."
    return showing.redirect(request, addresses.quarantine(about.id), said=told)


def _replay(request: Request, dataset: str, choice: Choice) -> Response:
    about = subject.of(request, dataset)
    person, records = served.person(request), served.of(request).records
    choosing.may_decide(about.contract, person)
    try:
        choosing.demand(choice)
        begun = served.of(request).replays.begin(about.id, choice, person, records)
    except HeadgateError as error:
        return _again(request, about, choice, error)
    return showing.redirect(request, addresses.replay(about.id, begun.id))


def _again(request: Request, about: Subject, choice: Choice, error: HeadgateError) -> Response:
    """The page with what was typed, and why it could not be done."""
    found = problems.of(error)
    return _page(
        request, about, "open", choice.reason or None, None, 50,
        typed=choice, problem=found, status=found.status,
    )  # fmt: skip


def _page(
    request: Request, about: Subject, state: str, reason: str | None, after: str | None,
    limit: int, *, typed: Choice = NOTHING, problem: problems.Problem | None = None,
    status: int = 200,
) -> Response:  # fmt: skip
    lake, person = served.of(request).asking, served.person(request)
    page = refused.page(
        lake, about.id, state=None if state == ANY else state, reason=reason, limit=limit,
        after=after,
    )  # fmt: skip
    sees = masking.may_see(about.contract, None, person)
    record(
        request, "quarantine_seen", about.id, state=state, reason=reason, rows=len(page.rows),
        values_shown=sees,
    )  # fmt: skip
    rows = [
        {
            "row": row,
            "raw": masking.text(about.contract, None, row.raw, person),
            "is_file": is_whole_file(row),
            "reasons": [reasons.told(about.contract, r, person) for r in row.reasons],
        }
        for row in page.rows
    ]
    counted = refused.counted(lake, about.id)
    return showing.page(
        request, "dataset/quarantine.html", status=status, about=about, page=page, rows=rows,
        counted=counted, state=state, reason=reason, states=(*STATES, ANY), sees=sees,
        means={r.code: reasons.of_code(about.contract, r.code) for r in counted.reasons},
        may_decide=person.may_decide(about.contract.owner), typed=typed, problem=problem,
        running=served.of(request).replays.running(),
    )  # fmt: skip


def _noted(request: Request, about: Subject, number: str) -> list[chain.Entry]:
    """What the log has of a replay that this process knows nothing of, the newest first."""
    found = chain.entries(
        served.of(request).records, action="replayed", subject=about.id, limit=200
    )
    return [one for one in found if one.detail.get("replay") == number]
