"""What every request passes first: host, origin, token, rate; and the headers every answer has."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from headgate.lineage.access import Keys, Right, Token
from headgate.lineage.server import doorkeeping, problems, rules
from headgate.lineage.server.doorkeeping import Doorkeeper, Headers, is_loopback
from headgate.lineage.server.limits import Buckets, Limits
from headgate.lineage.server.problems import Problem

__all__ = ["Guard", "is_loopback"]

_WHO = {"WWW-Authenticate": 'Bearer realm="headgate"'}
_MAKE_ONE = "Make a token: headgate lineage token create NAME --role reader."


class Guard(Doorkeeper):
    """Stands before the app. ``may_be_open``: bound to loopback alone, so that as long as nobody
    holds a token everybody on this machine may do everything but manage tokens."""

    headers = (
        *doorkeeping.HEADERS,
        (b"cache-control", b"no-store"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    )

    def __init__(self, app: ASGIApp, *, keys: Keys, limits: Limits, may_be_open: bool) -> None:
        super().__init__(app, rate=limits.rate, burst=limits.burst, strangers=limits.strangers)
        self._keys, self._may_be_open = keys, may_be_open

    def refused(self, scope: Scope, error: Exception) -> Response:
        """A problem, as JSON."""
        return problems.of(error).response()

    async def judge(self, scope: Scope, headers: Headers) -> None:
        """Let the request through, or raise why not."""
        method, path = scope["method"], scope["path"]
        if (method, path) == ("GET", rules.HEALTH):
            return
        address = doorkeeping.address_of(scope)
        if self._keys.is_stale:
            await run_in_threadpool(lambda: self._keys.any)
        if self._may_be_open and not self._keys.any:
            _demand_own_machine(headers)
            _demand_rate(self.rates, address)
            scope["state"] = {**scope.get("state", {}), "token": None}
            if rules.right_for(method, path) is Right.MANAGE:
                raise Problem(
                    401, "Tokens begin at the command line.", remedy=_MAKE_ONE, headers=_WHO
                )
            return
        token = self._token(headers, address)
        _demand_rate(self.rates, f"token {token.name}")
        right = rules.right_for(method, path)
        if right is not None and right not in token.rights:
            raise Problem(
                403,
                f"The token {token.name} is of role {token.role}, which may not {right}.",
                remedy="Ask whoever runs this server for a token of another role.",
            )
        scope["state"] = {**scope.get("state", {}), "token": token}

    def _token(self, headers: Headers, address: str) -> Token:
        text = doorkeeping.bearer(headers)
        found = self._keys.find(text) if text else None
        if found is None:
            _demand_rate(self.strangers, address)
            what = "This token is not known, or was revoked." if text else "A token is needed."
            raise Problem(
                401,
                what,
                remedy="Send `Authorization: Bearer TOKEN`. headgate lineage token create makes one.",
                headers=_WHO,
            )
        return found


def _demand_rate(buckets: Buckets, key: str) -> None:
    wait = buckets.wait(key)
    if wait:
        raise Problem(
            429, "Too many requests.", remedy="Send events in batches, or slower.", wait=wait
        )


def _demand_own_machine(headers: Headers) -> None:
    why = doorkeeping.not_this_machine(headers)
    if why is not None:
        raise Problem(why[0], f"Without a token {why[1]}.", remedy=_MAKE_ONE)
