"""Who has which role, and the tokens of machines."""

from __future__ import annotations

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from headgate.core.errors import UsageError
from headgate.portal import served, showing
from headgate.portal.access import forms, tokens
from headgate.portal.access.roles import LEAST, Right, Role
from headgate.portal.records import chain, roles_given

routes = APIRouter()


@routes.get("/people")
def people(
    request: Request,
    after: str = Query("", max_length=400),
    limit: int = Query(50, ge=1, le=200),
) -> Response:
    """Everybody who ever signed in, with the role and teams that they had then."""
    access = served.of(request).access
    found = roles_given.every(access.records, after=after, limit=limit + 1)
    shown = found[:limit]
    return showing.page(
        request, "people.html", people=shown, next=shown[-1].who if len(found) > limit else None,
        sessions=access.sessions.open(), rights=_rights(), policy=access.policy,
        provider=access.provider.name if access.has_provider else "",
    )  # fmt: skip


@routes.post("/people/sign-out")
async def sign_out(request: Request) -> Response:
    """Sign somebody out wherever they are signed in."""
    fields = await forms.read(request, most=8_000)
    who = _given(fields, "who", "who is signed out")

    def end() -> int:
        access = served.of(request).access
        count: int = access.sessions.end_all(who)
        by = served.person(request)
        chain.append(access.records, by=by, action="signed_out", subject=who, sessions=count)
        return count

    count = await run_in_threadpool(end)
    said = f"{who} is signed out of {count} browsers." if count != 1 else f"{who} is signed out."
    return showing.redirect(request, "/people", said=said)


@routes.get("/tokens")
def every_token(request: Request) -> Response:
    """The tokens, and a form to make one."""
    return _tokens(request)


@routes.post("/tokens")
async def make(request: Request) -> Response:
    """Make a token; the page that answers is the only one that ever shows it."""
    fields = await forms.read(request, most=8_000)
    return await run_in_threadpool(_make, request, fields)


@routes.post("/tokens/revoke")
async def revoke(request: Request) -> Response:
    """End a token."""
    fields = await forms.read(request, most=8_000)
    name = _given(fields, "name", "which token is revoked")

    def end() -> None:
        access = served.of(request).access
        tokens.revoke(access.records, name, by=served.person(request))
        access.keys.forget()

    await run_in_threadpool(end)
    return showing.redirect(request, "/tokens", said=f"The token {name} is revoked.")


def _make(request: Request, fields: forms.Fields) -> Response:
    access = served.of(request).access
    days = fields.get("days", "") or str(tokens.DAYS)
    if not (days.isascii() and days.isdigit() and len(days) < 5):
        raise UsageError(f"{days!r} is no number of days.")
    text = tokens.create(
        access.records, _given(fields, "name", "what the token is called"), fields.get("role", ""),
        by=served.person(request), days=int(days),
        teams=frozenset(filter(None, (t.strip() for t in fields.get("teams", "").split(",")))),
    )  # fmt: skip
    access.keys.forget()
    return _tokens(request, made=fields["name"], text=text)


def _tokens(request: Request, *, made: str = "", text: str = "") -> Response:
    access = served.of(request).access
    return showing.page(
        request, "tokens.html", tokens=tokens.TOKENS.every(access.records), made=made, text=text,
        roles=list(Role), days=tokens.DAYS, most_days=tokens.MOST_DAYS, is_open=access.is_open,
    )  # fmt: skip


def _given(fields: forms.Fields, name: str, what: str) -> str:
    found = fields.get(name, "").strip()
    if not found or len(found) > 400:
        raise UsageError(f"the form does not say {what}.")
    return found


def _rights() -> dict[str, list[str]]:
    """What each role may, beyond the one before it."""
    found: dict[str, list[str]] = {str(role): [] for role in Role}
    for right in Right:
        found[str(LEAST[right])].append(str(right))
    return found
