"""What every request passes first: host, origin, token, rate; and the headers every answer has."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headgate.lineage.access import Keys, Right, Token
from headgate.lineage.server import problems, rules
from headgate.lineage.server.limits import Buckets, Limits
from headgate.lineage.server.problems import Problem

_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
#: What a proxy adds; behind one, who asks is not on this machine.
_FORWARDED = frozenset(
    {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"}
)
#: What a browser says of requests that a page of another site makes.
_OTHER_SITE = frozenset({b"cross-site", b"same-site"})
_WHO = {"WWW-Authenticate": 'Bearer realm="headgate"'}
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?")
_MAKE_ONE = "Make a token: headgate lineage token create NAME --role reader."


def is_loopback(host: str) -> bool:
    """Whether a host, as a socket is bound to it or a request names it, is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Stands before the app. ``may_be_open``: bound to loopback alone, so that as long as nobody
    holds a token everybody on this machine may do everything but manage tokens."""

    def __init__(self, app: ASGIApp, *, keys: Keys, limits: Limits, may_be_open: bool) -> None:
        self._app, self._keys, self._may_be_open = app, keys, may_be_open
        self._rates = Buckets(limits.rate, limits.burst)
        self._strangers = Buckets(limits.strangers, 5 * limits.strangers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        begun = False

        async def safely(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        try:
            await self._judge(scope)
            await self._app(scope, receive, safely)
        except Exception as error:
            if begun:  # nothing can be said any more but that it ended early
                raise
            await problems.of(error).response()(scope, receive, safely)

    async def _judge(self, scope: Scope) -> None:
        """Let the request through, or raise why not."""
        method, path = scope["method"], scope["path"]
        if (method, path) == ("GET", rules.HEALTH):
            return
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        address = (scope.get("client") or ("?",))[0]
        if self._keys.is_stale:
            await run_in_threadpool(lambda: self._keys.any)
        if self._may_be_open and not self._keys.any:
            _demand_own_machine(headers)
            self._demand_rate(self._rates, address)
            scope["state"] = {**scope.get("state", {}), "token": None}
            if rules.right_for(method, path) is Right.MANAGE:
                raise Problem(
                    401, "Tokens begin at the command line.", remedy=_MAKE_ONE, headers=_WHO
                )
            return
        token = self._token(headers, address)
        self._demand_rate(self._rates, f"token {token.name}")
        right = rules.right_for(method, path)
        if right is not None and right not in token.rights:
            raise Problem(
                403,
                f"The token {token.name} is of role {token.role}, which may not {right}.",
                remedy="Ask whoever runs this server for a token of another role.",
            )
        scope["state"] = {**scope.get("state", {}), "token": token}

    def _token(self, headers: Mapping[bytes, bytes], address: str) -> Token:
        scheme, _, text = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        found = self._keys.find(text.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            self._demand_rate(self._strangers, address)
            what = "This token is not known, or was revoked." if text else "A token is needed."
            raise Problem(
                401,
                what,
                remedy="Send `Authorization: Bearer TOKEN`. headgate lineage token create makes one.",
                headers=_WHO,
            )
        return found

    @staticmethod
    def _demand_rate(buckets: Buckets, key: str) -> None:
        wait = buckets.wait(key)
        if wait:
            raise Problem(
                429, "Too many requests.", remedy="Send events in batches, or slower.", wait=wait
            )


def _demand_own_machine(headers: Mapping[bytes, bytes]) -> None:
    """Let only those through who are on this machine and no page of a browser's.

    A name of another's that leads here (DNS rebinding) is no name of ours; a page of another site
    can post without asking, but not without saying so.
    """
    host = headers.get(b"host", b"").decode("latin-1")
    named = _HOST.fullmatch(host)
    if named is None or not is_loopback(named[1]):
        raise Problem(
            421, "Without a token this server is called localhost alone.", remedy=_MAKE_ONE
        )
    if not _FORWARDED.isdisjoint(headers):
        raise Problem(403, "Without a token nobody is served through a proxy.", remedy=_MAKE_ONE)
    origin = headers.get(b"origin")
    same = origin is None or origin.decode("latin-1").partition("://")[2] == host
    if not same or headers.get(b"sec-fetch-site") in _OTHER_SITE:
        raise Problem(403, "Without a token no other site's page is served.", remedy=_MAKE_ONE)
