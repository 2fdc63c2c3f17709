"""Who may open which route. A route that is not in here cannot be served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from starlette.routing import Match, Mount
from starlette.types import Scope

from headgate.portal.access.roles import Right

#: What everybody may see, signed in or not.
OPEN = frozenset({("GET", "/health"), ("GET", "/static/{path:path}")})
#: Where somebody comes in; open to all, under the limits of strangers.
ENTRANCES = frozenset({("GET", "/sign-in"), ("POST", "/sign-in"), ("GET", "/sign-in/callback")})
#: Method and path as the route has it, and the right that it takes.
RULES: dict[tuple[str, str], Right] = {
    ("GET", "/"): Right.SEE,
    ("GET", "/catalogue"): Right.SEE,
    # one dataset; of refused rows only their owner decides, which the page itself looks at
    ("GET", "/datasets/{dataset}"): Right.SEE,
    ("GET", "/datasets/{dataset}/columns/{column}"): Right.SEE,
    ("GET", "/datasets/{dataset}/contract"): Right.SEE,
    ("GET", "/datasets/{dataset}/code"): Right.SEE,
    ("GET", "/datasets/{dataset}/batches"): Right.SEE,
    ("GET", "/datasets/{dataset}/batches/{batch}"): Right.SEE,
    ("GET", "/datasets/{dataset}/examples"): Right.SEE,
    ("GET", "/datasets/{dataset}/quarantine"): Right.SEE,
    ("POST", "/datasets/{dataset}/quarantine/waive"): Right.DECIDE,
    ("POST", "/datasets/{dataset}/quarantine/replay"): Right.DECIDE,
    ("GET", "/datasets/{dataset}/quarantine/replays/{number}"): Right.SEE,
    ("GET", "/lineage"): Right.SEE,
    # runs, releases, quality, personal data
    ("GET", "/runs"): Right.SEE,
    ("GET", "/runs/{run}"): Right.SEE,
    ("GET", "/releases"): Right.SEE,
    ("GET", "/releases/{number}"): Right.SEE,
    ("GET", "/releases/{number}/why"): Right.SEE,
    ("GET", "/releases/{number}/evidence.zip"): Right.EXPORT,
    ("GET", "/quality"): Right.SEE,
    ("GET", "/quality/exceptions"): Right.SEE,
    # of values that pages quote the page itself looks at who may see them
    ("GET", "/quality/data-docs/{path:path}"): Right.SEE,
    ("GET", "/quality/sign-offs/{number}"): Right.SEE,
    ("GET", "/quality/domains/{name}"): Right.SEE,
    ("GET", "/quality/owners/{name:path}"): Right.SEE,
    ("GET", "/quality/domains/{name}.pdf"): Right.EXPORT,
    ("GET", "/quality/domains/{name}.csv"): Right.EXPORT,
    ("GET", "/quality/owners/{name:path}.pdf"): Right.EXPORT,
    ("GET", "/quality/owners/{name:path}.csv"): Right.EXPORT,
    ("POST", "/quality/sign-offs"): Right.SIGN,
    ("POST", "/quality/sign-offs/{number}/withdraw"): Right.SIGN,
    ("POST", "/quality/exceptions"): Right.SIGN,
    ("POST", "/quality/exceptions/{number}/end"): Right.SIGN,
    ("GET", "/personal-data"): Right.SEE,
    ("GET", "/personal-data.csv"): Right.EXPORT,
    # who may come in, and the log
    ("POST", "/sign-out"): Right.SEE,
    ("GET", "/people"): Right.MANAGE,
    ("POST", "/people/sign-out"): Right.MANAGE,
    ("GET", "/tokens"): Right.MANAGE,
    ("POST", "/tokens"): Right.MANAGE,
    ("POST", "/tokens/revoke"): Right.MANAGE,
    ("GET", "/audit"): Right.AUDIT,
    ("GET", "/audit.csv"): Right.AUDIT,
}


def found(scope: Scope) -> tuple[str, str] | None:
    """The method and path, as in here, of the route that will answer a request; None if none will.

    The app's own router is asked, so that nothing is served by another route than was judged.
    """
    for route in scope["app"].router.routes:
        if route.matches(scope)[0] is Match.FULL:
            if isinstance(route, Mount):  # files, which answer nothing else themselves
                return "GET", f"{route.path}/{{path:path}}"
            return "GET" if scope["method"] == "HEAD" else scope["method"], route.path
    return None


def routes(app: Any) -> Iterator[tuple[str, str]]:
    """Method and path of every route of an app."""
    for route in app.routes:
        for method in sorted(getattr(route, "methods", None) or ("*",)):
            if method != "HEAD":
                yield method, route.path


def demand(found: Iterable[tuple[str, str]]) -> None:
    """Let an app pass only if each of its routes has a rule.

    Raises:
        LookupError: one has none.
    """
    known = {*RULES, *OPEN, *ENTRANCES}
    missing = [f"{method} {path}" for method, path in found if (method, path) not in known]
    if missing:
        raise LookupError(f"nothing says who may open {', '.join(missing)}")
