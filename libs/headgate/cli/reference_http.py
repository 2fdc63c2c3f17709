"""The page of docs/reference on the lineage server's HTTP API, written from its OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from headgate.contracts.docs import markdown_table

_INTRO = """`headgate lineage serve` answers at the paths below; `GET /api/v1/openapi.json` has all of it as
OpenAPI 3.1, with the form of every body. See [how to serve lineage](../how-to/serve-lineage.md).

Names stand in the query, since they hold slashes. Lists come in pages: `next` of one page is `after` of the one
behind. What cannot be done is answered with `application/problem+json`: `title`, `status`, `detail`, and where
it helps `place` (where in what was sent), `remedy` and, of a batch, `refused`."""


#: What every route may answer stands once.
EVERYWHERE = frozenset({"401", "403", "421", "422", "429", "503"})


def page() -> str:
    """The page's text."""
    from headgate.lineage.server.application import openapi

    told = openapi()
    shared = _answers(told["paths"]["/api/v1/datasets"]["get"], EVERYWHERE.__contains__)
    parts = ["# HTTP API of the lineage server", _INTRO, "All but `/api/v1/health` may answer:"]
    parts.append(markdown_table(("answer", "when"), shared))
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            parts += list(_operation(method.upper(), path, operation))
    return "\n\n".join(parts)


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{method} {path}`"
    yield operation["description"] if "description" in operation else operation["summary"]
    rows = [
        (f"`{p['name']}`" + (" (needed)" if p.get("required") else ""), _form(p["schema"]),
         " ".join(p.get("description", p["schema"].get("description", "")).split()))
        for p in operation.get("parameters", ())
    ]  # fmt: skip
    if rows:
        yield markdown_table(("parameter", "form", "meaning"), rows)
    told = _answers(operation, lambda code: code not in EVERYWHERE)
    if told != [("`200`", "The answer.")]:
        yield markdown_table(("answer", "when"), told)


def _answers(operation: Mapping[str, Any], wanted: Callable[[str], bool]) -> list[tuple[str, str]]:
    every = operation["responses"].items()
    return [(f"`{code}`", answer["description"]) for code, answer in every if wanted(code)]


def _form(schema: Mapping[str, Any]) -> str:
    """A few words: type, limits, choices and default."""
    if "anyOf" in schema:
        found = " or ".join(_form(one) for one in schema["anyOf"])
    elif "enum" in schema:
        found = " or ".join(f"`{value}`" for value in schema["enum"])
    else:
        found = str(schema.get("format") or schema.get("type", ""))
        if "maximum" in schema:
            found += f" from {schema.get('minimum', 0)} to {schema['maximum']}"
        if schema.get("pattern", "").startswith(("^run:", "^release:")):
            found = f"`{schema['pattern'][1:].partition(':')[0]}:…`"
    if schema.get("default") is not None:
        found += f"; default {str(schema['default']).lower()}"
    return found
