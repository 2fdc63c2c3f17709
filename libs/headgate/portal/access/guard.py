"""What every request to the portal passes first: who it is from, whether they may, how often; and the
headers that every answer has."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Scope

from headgate.lineage.server import doorkeeping
from headgate.lineage.server.doorkeeping import Doorkeeper, Headers
from headgate.lineage.server.limits import Buckets
from headgate.portal import rules
from headgate.portal.access.entering import Access, Entered
from headgate.portal.access.refusal import Refusal
from headgate.portal.limits import Limits
from headgate.portal.pages import problems
from headgate.portal.pages.problems import Problem

_CSP = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    b" connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SAFE = frozenset({"GET", "HEAD"})
_WHO = {"WWW-Authenticate": 'Bearer realm="headgate"'}


class Guard(Doorkeeper):
    """Stands before the portal's pages."""

    headers: Sequence[tuple[bytes, bytes]] = (
        *(told for told in doorkeeping.HEADERS if told[0] != b"referrer-policy"),
        # With "no-referrer" a browser calls the origin of our own forms "null".
        (b"referrer-policy", b"same-origin"),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", _CSP),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    )

    def __init__(self, app: ASGIApp, *, access: Access, limits: Limits) -> None:
        super().__init__(app, rate=limits.rate, burst=limits.burst, strangers=limits.strangers)
        self._access, self._body = access, limits.body
        if access.address.startswith("https://"):
            self.headers = (
                *type(self).headers,
                (b"strict-transport-security", b"max-age=31536000"),
            )

    def refused(self, scope: Scope, error: Exception) -> Response:
        """A page that says why, or JSON to who asks for that."""
        if isinstance(error, Refusal):
            told = _WHO if error.status == 401 else None
            error = Problem(error.status, error.message, remedy=error.remedy, headers=told)
        return problems.answer(Request(scope), error)

    async def judge(self, scope: Scope, headers: Headers) -> Response | None:
        """Let the request through, send who is not signed in to where they can, or raise why not."""
        state = scope["state"] = {**scope.get("state", {}), "person": None, "session": None}
        method, route = scope["method"], rules.found(scope)
        length = headers.get(b"content-length", b"0")
        if not length.isdigit():
            raise Problem(400, "The length of what is sent is no number.")
        if int(length) > self._body:
            raise Problem(413, f"Nothing longer than {self._body:,} bytes is taken.")
        address = doorkeeping.address_of(scope)
        if route in rules.OPEN:
            _demand_rate(self.rates, address)
            return None
        found = await self._entered(headers, address)
        if found is None:
            _demand_rate(self.strangers, address)
            if route in rules.ENTRANCES:
                self._demand_own_page(method, headers)
                return None
            return _to_sign_in(scope, headers)
        state["person"], state["session"] = found.person, found.session
        _demand_rate(self.rates, found.person.name)
        if not found.person.is_machine:
            self._demand_own_page(method, headers)
        if route is None or route in rules.ENTRANCES:
            return None  # there is no such page, which the app says itself
        right = rules.RULES[route]
        if not found.person.may(right):
            raise Problem(
                403,
                f"A {found.person.role} may not {right}.",
                remedy="Ask whoever runs this portal for another role: it comes from your groups.",
            )
        return None

    async def _entered(self, headers: Headers, address: str) -> Entered | None:
        try:
            return await run_in_threadpool(self._access.find, headers, address)
        except Refusal:
            _demand_rate(self.strangers, address)
            raise

    def _demand_own_page(self, method: str, headers: Headers) -> None:
        if method not in _SAFE and self._access.is_other_site(headers):
            raise Problem(403, "Only pages of this portal may send forms to it.")


def _demand_rate(buckets: Buckets, key: str) -> None:
    wait = buckets.wait(key)
    if wait:
        raise Problem(429, "That was too much at once.", remedy="Wait a moment.", wait=wait)


def _to_sign_in(scope: Scope, headers: Headers) -> Response:
    """Where a browser is sent; a machine is told."""
    wants_page = b"text/html" in headers.get(b"accept", b"")
    if scope["method"] not in _SAFE or not wants_page:
        raise Refusal(
            401,
            "Nobody is signed in.",
            "Sign in at /sign-in, or send `Authorization: Bearer TOKEN`.",
        )
    asked = scope["path"]
    if scope.get("query_string"):
        asked += "?" + scope["query_string"].decode("latin-1")
    return RedirectResponse(f"/sign-in?next={quote(asked, safe='')}", 303)
