"""Signing in, at a provider or with a token, and signing out."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from headgate.lineage.server import doorkeeping
from headgate.portal import served, showing
from headgate.portal.access import forms, returning, sign_ins
from headgate.portal.access.entering import Access
from headgate.portal.access.people import Person
from headgate.portal.access.refusal import Refusal
from headgate.portal.access.roles import Role
from headgate.portal.pages.problems import Problem
from headgate.portal.records import chain, roles_given

routes = APIRouter()
CALLBACK = "/sign-in/callback"


@routes.get("/sign-in")
def sign_in(request: Request, next: str = "/", go: str = "") -> Response:
    """How one can sign in; ``go`` sends to the provider at once."""
    access, goes_on = _access(request), returning.checked(next)
    if request.state.person is not None:
        return RedirectResponse(goes_on, 303)
    browser = _browser(request)
    if go and access.has_provider:
        asked = sign_ins.begin(
            access.records, browser=browser, redirect=_callback(request), goes_on=goes_on
        )
        answer: Response = RedirectResponse(access.provider.address(asked), 303)
    else:
        answer = _page(request, goes_on)
    _keep_browser(request, answer, browser)
    return answer


@routes.post("/sign-in")
async def with_token(request: Request) -> Response:
    """Sign in with a token, where there is no provider or it does not answer."""
    fields = await forms.read(request, most=8_000)
    return await run_in_threadpool(_with_token, request, fields)


@routes.get(CALLBACK)
def callback(
    request: Request, state: str = "", code: str = "", error: str = "", iss: str | None = None
) -> Response:
    """Where the provider sends back who signed in there."""
    access = _access(request)
    if not access.has_provider:
        raise Problem(404, "Nobody signs in at a provider here.")
    asked, goes_on = sign_ins.take(
        access.records, state=state, browser=_cookie(request), redirect=_callback(request)
    )
    try:
        if error or not code:
            why = {"access_denied": "Signing in was broken off."}.get(error)
            raise Refusal(403, why or "The provider refused to sign anybody in.", "Sign in again.")
        claims = access.provider.claims(asked, code, iss)
        person = access.person_of(claims)
    except Refusal as refusal:
        _refused(access, refusal)
        raise
    return _let_in(request, person, goes_on, by="provider")


@routes.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session."""
    await forms.read(request, most=8_000)
    return await run_in_threadpool(_sign_out, request)


def _sign_out(request: Request) -> Response:
    access, person = _access(request), served.person(request)
    if request.state.session is not None:
        access.sessions.end(request.state.session)
        chain.append(access.records, by=person, action="signed_out", subject=person.name)
    answer = showing.redirect(request, "/sign-in", said="You are signed out here.")
    name = access.cookie_name(_headers(request))
    answer.delete_cookie(name, secure=access.is_encrypted(_headers(request)), httponly=True)
    return answer


def _with_token(request: Request, fields: forms.Fields) -> Response:
    access, goes_on = _access(request), returning.checked(fields.get("next"))
    token = access.keys.find(fields.get("token", "").strip())
    if token is None:
        return _page(
            request, goes_on, wrong="This token is not known, was revoked, or has expired."
        )
    person = Person(token.person.name, token.person.role, token.person.teams)
    return _let_in(request, person, goes_on, by="token")


def _let_in(request: Request, person: Person, goes_on: str, *, by: str) -> Response:
    access, headers = _access(request), _headers(request)
    roles_given.note(access.records, person)
    chain.append(
        access.records, by=person, action="signed_in", subject=person.name, via=by,
        role=str(person.role), teams=sorted(person.teams),
    )  # fmt: skip
    key = access.sessions.begin(person, ending=access.cookie(headers))
    answer = RedirectResponse(goes_on, 303)
    answer.set_cookie(
        access.cookie_name(headers), key, secure=access.is_encrypted(headers), httponly=True,
        samesite="lax", path="/",
    )  # fmt: skip
    return answer


def _refused(access: Access, refusal: Refusal) -> None:
    name = refusal.who or "nobody"
    chain.append(
        access.records, by=Person(name, Role.VIEWER), action="sign_in_refused", subject=name,
        why=refusal.message,
    )  # fmt: skip


def _page(request: Request, goes_on: str, *, wrong: str = "") -> Response:
    access = _access(request)
    return showing.page(
        request, "sign_in.html", status=401 if wrong else 200, goes_on=goes_on, wrong=wrong,
        provider=access.provider.name if access.has_provider else "",
        address=f"/sign-in?{urlencode({'next': goes_on, 'go': '1'})}",
    )  # fmt: skip


def _access(request: Request) -> Access:
    found: Access = served.of(request).access
    return found


def _headers(request: Request) -> doorkeeping.Headers:
    return dict(request.scope["headers"])


def _callback(request: Request) -> str:
    """The address that the provider sends back to.

    Raises:
        Problem: nothing but the request says what this portal is called.
    """
    access, headers = _access(request), _headers(request)
    if access.address:
        return access.address + CALLBACK
    if not doorkeeping.is_loopback(doorkeeping.host_of(headers)):
        raise Problem(
            421, "This portal does not know by which address people reach it.",
            remedy="Whoever runs it sets portal_url.",
        )  # fmt: skip
    return f"http://{headers[b'host'].decode('latin-1')}{CALLBACK}"


def _cookie(request: Request) -> str:
    return request.cookies.get(forms.BROWSER, "")


def _browser(request: Request) -> str:
    """What this browser is known by until somebody is signed in."""
    found = _cookie(request) or secrets.token_urlsafe(32)
    request.state.browser = found
    return found


def _keep_browser(request: Request, answer: Response, browser: str) -> None:
    secure = _access(request).is_encrypted(_headers(request))
    answer.set_cookie(
        forms.BROWSER, browser, secure=secure, httponly=True, samesite="lax", path="/sign-in",
        max_age=3600,
    )  # fmt: skip
