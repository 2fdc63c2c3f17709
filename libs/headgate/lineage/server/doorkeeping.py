"""What servers of ours ask of every request before it comes to a route: who it is from, and how often."""

from __future__ import annotations

import ipaddress
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headgate.lineage.server.limits import Buckets

#: What no answer may do in a browser; each server adds its own policy.
HEADERS = (
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
#: What a proxy adds; behind one, who asks is not on this machine.
_FORWARDED = frozenset(
    {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"}
)
#: What a browser says of requests that a page of another site makes.
_OTHER_SITE = frozenset({b"cross-site", b"same-site"})
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?")

Headers = Mapping[bytes, bytes]


class Doorkeeper(ABC):
    """Stands before an app: refuses a request, answers it itself, or passes it on; and adds the
    headers that every answer has."""

    headers: Sequence[tuple[bytes, bytes]] = HEADERS

    def __init__(self, app: ASGIApp, *, rate: float, burst: float, strangers: float) -> None:
        self._app = app
        self.rates = Buckets(rate, burst)
        self.strangers = Buckets(strangers, 5 * strangers)

    @abstractmethod
    async def judge(self, scope: Scope, headers: Headers) -> Response | None:
        """Let the request through (None), give what answers it, or raise why not."""

    @abstractmethod
    def refused(self, scope: Scope, error: Exception) -> Response:
        """What answers a request that was refused, or that failed."""

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
                given = list(message.get("headers", ()))
                told = {name.lower() for name, _ in given}
                message["headers"] = given + [h for h in self.headers if h[0] not in told]
            await send(message)

        try:
            answered = await self.judge(scope, dict(scope["headers"]))
            await (answered or self._app)(scope, receive, safely)
        except Exception as error:
            if begun:  # nothing can be said any more but that it ended early
                raise
            await self.refused(scope, error)(scope, receive, safely)


@lru_cache(maxsize=100)
def is_loopback(host: str) -> bool:
    """Whether a host, as a socket is bound to it or a request names it, is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_of(headers: Headers) -> str:
    """The name by which a request calls this server, without its port; empty if it is none."""
    named = _HOST.fullmatch(headers.get(b"host", b"").decode("latin-1"))
    return named[1] if named else ""


def address_of(scope: Scope) -> str:
    """Where a request comes from."""
    return str((scope.get("client") or ("?",))[0])


def bearer(headers: Headers) -> str | None:
    """The token that a request brings, as it is written; None if it brings none."""
    if b"authorization" not in headers:
        return None
    scheme, _, text = headers[b"authorization"].decode("latin-1").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def is_other_site(headers: Headers) -> bool:
    """Whether a page of another site made a browser send this."""
    origin = headers.get(b"origin")
    same = origin is None or origin.partition(b"://")[2] == headers.get(b"host")
    return not same or headers.get(b"sec-fetch-site") in _OTHER_SITE


def not_this_machine(headers: Headers, *, links: bool = False) -> tuple[int, str] | None:
    """Why a request is not let through where only those are served who are on this machine, and no
    page of another site's: a status and the reason; None if it is let through.

    A name of another's that leads here (DNS rebinding) is no name of ours; a page of another site
    can post without asking, but not without saying so. ``links``: it may link to us, though.
    """
    if not is_loopback(host_of(headers)):
        return 421, "this server is called localhost alone"
    if not _FORWARDED.isdisjoint(headers):
        return 403, "nobody is served through a proxy"
    if is_other_site(headers) and not (links and headers.get(b"sec-fetch-mode") == b"navigate"):
        return 403, "no other site's page is served"
    return None
