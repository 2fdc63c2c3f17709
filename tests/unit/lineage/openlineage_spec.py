"""OpenLineage's own JSON Schemas as a witness: says what is wrong with an event, with no network."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
#: The schemas of facets of our own.
OWN = Path(__file__).resolve().parents[3] / "docs" / "reference" / "facets"


class Spec:
    """The specification in ``folder``: ``OpenLineage.json`` and ``facets/*.json``, and our own."""

    def __init__(self, folder: Path) -> None:
        self.schemas = {
            schema["$id"]: schema
            for path in [
                folder / "OpenLineage.json",
                *sorted(folder.glob("facets/*.json")),
                *sorted(OWN.glob("*.json")),
            ]
            for schema in [json.loads(path.read_text("utf-8"))]
        }
        # Whatever is not here cannot be resolved: the registry has no way to fetch.
        self.registry: Registry[Any] = Registry().with_resources(
            (uri, Resource.from_contents(schema)) for uri, schema in self.schemas.items()
        )

    def problems(self, event: dict[str, Any]) -> list[str]:
        """Everything that is wrong with the event; empty if it is valid."""
        found = [f"event: {e}" for e in self._errors(event, {"$ref": CORE})]
        try:
            at = datetime.fromisoformat(event["eventTime"])
            if at.tzinfo is None:
                found.append("eventTime has no zone")
            uuid.UUID(event["run"]["runId"])
        except (KeyError, ValueError) as error:
            found.append(f"event: {error!r}")
        found += [f"no URI: {uri}" for uri in _uris(event) if not urlparse(uri).scheme]
        for place, key, facet in _facets(event):
            found += [f"{place}.{key}: {e}" for e in self._facet_errors(key, facet)]
        return found

    def _facet_errors(self, key: str, facet: dict[str, Any]) -> Iterator[str]:
        uri = facet.get("_schemaURL", "")
        schema = self.schemas.get(uri.partition("#")[0])
        if schema is None:
            yield f"no such schema: {uri}"
            return
        if key not in schema["properties"]:
            yield f"the facet's name must be one of {list(schema['properties'])}"
        yield from self._errors(facet, {"$ref": uri})
        yield from self._errors({key: facet}, {"$ref": schema["$id"]})

    def _errors(self, value: object, schema: dict[str, Any]) -> Iterator[str]:
        validator = Draft202012Validator(schema, registry=self.registry)
        for error in validator.iter_errors(value):
            yield f"{error.json_path}: {error.message[:200]}"


def _facets(event: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    owners = [("run", "facets", event.get("run", {})), ("job", "facets", event.get("job", {}))]
    for side, own in (("inputs", "inputFacets"), ("outputs", "outputFacets")):
        for dataset in event.get(side, []):
            owners += [(f"{side} {dataset['name']}", name, dataset) for name in ("facets", own)]
    for place, name, owner in owners:
        for key, facet in owner.get(name, {}).items():
            yield f"{place} {name}", key, facet


def _uris(event: dict[str, Any]) -> Iterator[str]:
    yield event.get("producer", "")
    yield event.get("schemaURL", "")
    for _, _, facet in _facets(event):
        yield facet.get("_producer", "")
        yield facet.get("_schemaURL", "")
