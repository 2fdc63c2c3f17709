"""What OpenAPI says of this API beyond its routes: events, problems, and who may call what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from headgate.lineage.access import Right, Role
from headgate.lineage.questions import trace
from headgate.lineage.server import rules

_TEXT: dict[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 1_000,
    "pattern": r"^[^\u0000\ud800-\udfff]+$",
}
_FACETS = {
    "type": "object",
    "description": "Facets by name: those of the standard as it says; others are kept as they are.",
    "additionalProperties": {
        "type": "object",
        "required": ["_producer", "_schemaURL"],
        "properties": {
            "_producer": {"type": "string", "format": "uri"},
            "_schemaURL": {"type": "string", "format": "uri"},
        },
    },
}
_NAMED = {
    "type": "object",
    "required": ["namespace", "name"],
    "properties": {"namespace": _TEXT, "name": _TEXT, "facets": _FACETS},
}
_SAID = {
    "eventTime": {
        "type": "string",
        "format": "date-time",
        "description": "When it happened, of the years 1 to 9999.",
        "examples": ["2026-05-01T12:00:00.000Z"],
    },
    "producer": {"type": "string", "format": "uri", "description": "Who made the event."},
    "schemaURL": {
        "type": "string",
        "format": "uri",
        "description": "Of the standard's schema, and which kind of event.",
    },
}
_DATASETS = {"type": "array", "items": {"$ref": "#/components/schemas/NamedWithFacets"}}
_RUN = {
    "type": "object",
    "required": ["runId"],
    "properties": {"runId": {"type": "string", "format": "uuid"}, "facets": _FACETS},
}
_STATES = ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]
_PUT_TOGETHER = {"$ref": "#/components/schemas/NamedWithFacets"}


def _event(required: list[str], properties: Mapping[str, Any], without: list[str]) -> Any:
    return {
        "type": "object",
        "required": ["eventTime", "producer", "schemaURL", *required],
        "properties": {**_SAID, **properties},
        "not": {"anyOf": [{"required": [name]} for name in without]},
    }


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
    "NamedWithFacets": _NAMED,
    "RunEvent": _event(
        ["run", "job"],
        {
            "eventType": {"type": "string", "enum": _STATES},
            "run": _RUN,
            "job": _PUT_TOGETHER,
            "inputs": _DATASETS,
            "outputs": _DATASETS,
        },
        ["dataset"],
    ),
    "JobEvent": _event(
        ["job"],
        {"job": _PUT_TOGETHER, "inputs": _DATASETS, "outputs": _DATASETS},
        ["run", "dataset"],
    ),
    "DatasetEvent": _event(["dataset"], {"dataset": _PUT_TOGETHER}, ["run", "job"]),
    "LineageEvent": {
        "description": "An event of OpenLineage, of any producer.",
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
