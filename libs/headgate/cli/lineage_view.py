"""What a dataset is made from, as its newest lineage events tell: datasets and sources, then columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headgate.contracts.model import Contract
    from headgate.orchestration.project import Project


def rows(project: Project, contract: Contract) -> list[dict[str, str]]:
    """Rows of ``column`` (empty for the dataset as a whole), ``made from`` and ``how``."""
    made: dict[str, str] = {}
    fields: Mapping[str, Any] = {}
    for event in _events(project):
        written = {o["name"]: o.get("facets", {}) for o in event.get("outputs", ())}
        if contract.id not in written or event.get("eventType") != "COMPLETE":
            continue
        inputs = {i["name"] for i in event.get("inputs", ())} - {contract.id}
        job = str(event["job"]["name"])
        for name in sorted(inputs):
            # The gate looks parents up; that something is made from them, its build says.
            if not (name in made and job.endswith(".gate")):
                made[name] = job
        fields = written[contract.id].get("columnLineage", {}).get("fields") or fields
    whole = [{"column": "", "made from": name, "how": by} for name, by in made.items()]
    return whole + [
        {
            "column": column,
            "made from": f"{field['name']}.{field['field']}",
            "how": ", ".join(sorted({_way(t) for t in field.get("transformations", ())})),
        }
        for column, entry in sorted(fields.items())
        for field in entry.get("inputFields", ())
    ]


def _way(transformation: Mapping[str, str]) -> str:
    return f"{transformation.get('type', '')} {transformation.get('subtype', '')}".strip().lower()


def _events(project: Project) -> Any:
    from headgate.lineage import log

    return log.read(project.lake.root / project.settings.lineage_file)
