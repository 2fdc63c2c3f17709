"""Who may open which route. A route that is not in here cannot be served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from headgate.portal.access.roles import Right

#: What everybody may see, signed in or not.
OPEN = frozenset({("GET", "/health"), ("GET", "/static/{path:path}")})
#: Method and path as the route has it, and the right that it takes.
RULES: dict[tuple[str, str], Right] = {
    ("GET", "/"): Right.SEE,
}


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
    missing = [f"{m} {p}" for m, p in found if (m, p) not in RULES and (m, p) not in OPEN]
    if missing:
        raise LookupError(f"nothing says who may open {', '.join(missing)}")
