"""Who may call which route. A route that is not in here cannot be served."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from headgate.lineage.access import Right

API = "/api/v1"
#: What everybody may see, with no token: whether the server lives.
HEALTH = f"{API}/health"
#: What any token lets see.
ANY = None

#: Method and path as the route has it, and the right that it takes.
RULES: dict[tuple[str, str], Right | None] = {
    ("GET", f"{API}/openapi.json"): ANY,
    ("POST", f"{API}/lineage"): Right.POST,
    ("POST", f"{API}/lineage/batch"): Right.POST,
    **{
        ("GET", f"{API}/{what}"): Right.ASK
        for what in (
            "datasets", "dataset", "dataset/versions", "dataset/verdicts", "jobs", "job", "runs",
            "runs/{run_id}", "releases", "events", "trace", "impact", "why", "personal-data", "metrics",
        )
    },
    ("GET", f"{API}/tokens"): Right.MANAGE,
    ("POST", f"{API}/tokens"): Right.MANAGE,
    ("DELETE", f"{API}/tokens/{{name}}"): Right.MANAGE,
}  # fmt: skip


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))


_PATTERNS = [(method, _pattern(path), right) for (method, path), right in RULES.items()]
_PLAIN = {key: right for key, right in RULES.items() if "{" not in key[1]}


def right_for(method: str, path: str) -> Right | None:
    """The right that a request takes; None if any token will do, as where there is no such route."""
    method = "GET" if method == "HEAD" else method
    if (method, path) in _PLAIN:
        return _PLAIN[method, path]
    for known, pattern, right in _PATTERNS:
        if known == method and pattern.fullmatch(path):
            return right
    return ANY


def methods(path: str) -> list[str]:
    """All that can be done at a path."""
    known = [("GET", _pattern(HEALTH)), *((method, pattern) for method, pattern, _ in _PATTERNS)]
    return sorted({method for method, pattern in known if pattern.fullmatch(path)})


def routes(app: Any) -> Iterator[tuple[str, str]]:
    """Method and path of every route of an app."""
    for route in app.routes:
        for method in sorted(getattr(route, "methods", None) or ("*",)):
            yield "GET" if method == "HEAD" else method, route.path


def demand(found: Iterable[tuple[str, str]]) -> None:
    """Let an app pass only if each of its routes has a rule.

    Raises:
        LookupError: one has none.
    """
    missing = [f"{m} {p}" for m, p in found if (m, p) not in RULES and (m, p) != ("GET", HEALTH)]
    if missing:
        raise LookupError(f"nothing says who may call {', '.join(missing)}")
