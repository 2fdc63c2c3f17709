"""Column lineage of one dataset as its newest events tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headgate.contracts.model import Contract
    from headgate.orchestration.project import Project


def columns(project: Project, contract: Contract) -> list[dict[str, str]]:
    """A row for each column and input column: ``column``, ``made from`` and ``how``."""
    fields = _newest_fields(project, contract.id)
    rows = []
    for column, entry in sorted(fields.items()):
        for field in entry.get("inputFields", ()):
            ways = {
                f"{t.get('type', '')} {t.get('subtype', '')}".strip().lower()
                for t in field.get("transformations", ())
            }
            made_from = f"{field['name']}.{field['field']}"
            rows.append({"column": column, "made from": made_from, "how": ", ".join(sorted(ways))})
    return rows


def _newest_fields(project: Project, dataset: str) -> dict[str, Any]:
    from headgate.lineage import log

    found: dict[str, Any] = {}
    for event in log.read(project.lake.root / project.settings.lineage_file):
        for output in event.get("outputs", ()):
            facet = output.get("facets", {}).get("columnLineage")
            if output.get("name") == dataset and facet:
                found = facet.get("fields", {})
    return found
