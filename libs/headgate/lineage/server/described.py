"""What OpenAPI says of this API beyond its routes: events, problems, and who may call what."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from headgate.lineage.access import Right, Role
from headgate.lineage.questions import answers, trace
from headgate.lineage.server import rules
from headgate.lineage.store import event_schema


def _event(about: str, schema: Mapping[str, Any], *without: str) -> dict[str, Any]:
    """One kind of event. What JSON Schema cannot say stands in words."""
    told = copy.deepcopy(dict(schema))
    told["description"] = about
    told["properties"]["eventTime"] = {
        "type": "string",
        "format": "date-time",
        "description": "When it happened, of the years 1 to 9999.",
        "examples": ["2026-05-01T12:00:00.000Z"],
    }
    if without:
        told["not"] = {"anyOf": [{"required": [name]} for name in without]}
    _without_nul(told)
    return told


def _without_nul(schema: Any) -> None:
    """Names, which have a longest length, hold no NUL; nor, which no pattern can say, half a character."""
    if isinstance(schema, dict):
        if schema.get("type") == "string" and "maxLength" in schema:
            schema["pattern"] = r"^[^\x00]*$"
        for inner in schema.values():
            _without_nul(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _without_nul(inner)


_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_TIMES = [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]
_RUN_TEXT = {"type": "string", "pattern": f"^run:{_UUID}$"}
_END = {"anyOf": [*_TIMES, _RUN_TEXT, {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}]}
_SHAPES: dict[str, dict[str, Any]] = {
    "as_of": {
        "anyOf": [
            *_TIMES,
            _RUN_TEXT,
            {"type": "string", "pattern": "^release:([a-z]+/)?[0-9]{1,9}$"},
        ]
    },
    "before": _END,
    "after": _END,
}
_SCHEMAS: dict[str, Any] = {
    "Trace": trace.SCHEMA,
    "Impact": answers.IMPACT,
    "PersonalData": answers.PERSONAL,
    "RunEvent": _event("What a run did so far.", event_schema.RUN_EVENT),
    "JobEvent": _event(
        "What a job is made of, whether or not it runs.", event_schema.JOB_EVENT, "run", "dataset"
    ),
    "DatasetEvent": _event("What a dataset is like.", event_schema.DATASET_EVENT, "job"),
    "LineageEvent": {
        "description": "An event of OpenLineage, of any producer. Facets that are not named here"
        " are kept as they are. A namespace and a name together have at most 2,600 bytes.",
        "oneOf": [
            {"$ref": f"#/components/schemas/{kind}Event"} for kind in ("Run", "Job", "Dataset")
        ],
    },
    "Problem": {
        "type": "object",
        "description": "Why something was not done (RFC 9457).",
        "required": ["title", "status", "detail"],
        "properties": {
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "What was expected, and what came."},
            "place": {"type": "string", "description": "Where in what was sent."},
            "remedy": {"type": "string", "description": "What to do next."},
            "refused": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/Refusal"},
                "description": "Which events of a batch were not taken.",
            },
        },
    },
}
#: The body of one event, and of several.
ONE = {"$ref": "#/components/schemas/LineageEvent"}
SEVERAL = {
    "oneOf": [
        {"type": "array", "items": ONE},
        {
            "type": "object",
            "required": ["events"],
            "properties": {"events": {"type": "array", "items": ONE}},
        },
    ]
}


def body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a route adds to OpenAPI that reads its body itself."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def install(app: FastAPI) -> None:
    """Have the app's OpenAPI say it all."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _describe(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.update(_SCHEMAS)
    # What the framework says of its own errors; ours are problems.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"token": []}]
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _say_who(method.upper(), path, operation)
            for parameter in operation.get("parameters", ()):
                _not_null(parameter, of_time=path == f"{rules.API}/why")
    for schema in schemas.values():
        _with_names(schema)
    schemas["Why"]["properties"].update(
        nothing={"type": "boolean", "description": "Nothing that it is made from has changed."},
        roots={"type": "array", "items": {"type": "string"}, "description": "Where it began."},
    )
    return found


def _with_names(schema: dict[str, Any]) -> None:
    """What the framework takes for a tuple is answered with the names of its values."""
    if "prefixItems" not in schema:
        return
    values = schema.pop("prefixItems")
    del schema["maxItems"], schema["minItems"]
    names = [value["title"].lower().replace(" ", "_") for value in values]
    schema.update(type="object", required=names, properties=dict(zip(names, values, strict=True)))


def _not_null(parameter: dict[str, Any], *, of_time: bool) -> None:
    """What may be left out of a query is written as what may be null, which no text can be."""
    schema = parameter["schema"]
    kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
    for kind in kinds:
        schema.update(kind)
    # Elsewhere `after` is the key of a page.
    if parameter["name"] in _SHAPES and (of_time or parameter["name"] == "as_of"):
        parameter["schema"] = _SHAPES[parameter["name"]]


def _say_who(method: str, path: str, operation: dict[str, Any]) -> None:
    if path == rules.HEALTH:
        operation["security"] = []
        return
    right = rules.RULES[method, path]
    told = "any role" if right is None else f"the role {_roles(right)}"
    if right is not Right.MANAGE:
        told += ", or without one if the server is open to its own machine"
        operation["security"] = [{"token": []}, {}]
    operation["description"] = (
        f"{operation.get('description', '')}\n\nBy a token of {told}.".strip()
    )


def _roles(right: Right) -> str:
    from headgate.lineage.access import RIGHTS

    return " or ".join(role for role in Role if right in RIGHTS[role])
