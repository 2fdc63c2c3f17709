"""A contract's document, drafted: the parts that sources and models have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as with_default
from pathlib import Path
from typing import Any

from headgate.contracts.load import FILE_NAME
from headgate.contracts.names import DatasetName
from headgate.core.errors import UsageError
from headgate.orchestration.project import Project

#: Parts of names that are mostly about people.
_PERSONAL = {"author", "email", "mail", "user", "username", "nick", "phone", "ip", "address",
             "person", "firstname", "lastname", "surname", "birthday"}  # fmt: skip


@dataclass
class DraftColumn:
    """A column as it is going to be described. ``type`` is a column type, ``key`` counts from 1."""

    name: str
    type: str
    description: str = ""
    classification: str = ""
    personal: bool = False
    required: bool = False
    key: int | None = None
    field: str = ""
    options: dict[str, Any] = with_default(default_factory=dict)


def snake(text: str) -> str:
    """``text`` as a column's name: lower case, digits and single underscores."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_") or "column"
    return name if name[0].isalpha() else f"c_{name}"


def words(name: str) -> str:
    """``sent_at`` as a person says it: ``Sent at``."""
    return name.replace("_", " ").strip().capitalize()


def about_people(name: str) -> bool:
    """Whether a column of that name is probably personal data."""
    return bool(_PERSONAL & set(name.split("_")))


def folder_of(project: Project, name: DatasetName) -> Path:
    """Where the dataset's contract belongs.

    Raises:
        UsageError: there is one already.
    """
    if name.id in project.contracts:
        raise UsageError(
            f"{name.id} has a contract already, at {project.contracts[name.id].path}.",
            remedy="Edit that one, or choose another name.",
        )
    return project.settings.contracts_path / name.domain / f"{name.layer}_{name.name}"


def set_key(columns: Sequence[DraftColumn], key: Sequence[str], dataset: str) -> None:
    """Mark the key's columns.

    Raises:
        UsageError: a column is not there.
    """
    known = {c.name: c for c in columns}
    for position, name in enumerate(key, start=1):
        if name not in known:
            raise UsageError(
                f"{dataset} has no column {name!r}.", remedy=f"Columns: {', '.join(known)}."
            )
        known[name].key = position
        known[name].required = True


def document(
    name: DatasetName,
    columns: Sequence[DraftColumn],
    *,
    purpose: str,
    grain: str,
    owner: str,
    custom: Mapping[str, Any],
    severity: str = "",
) -> dict[str, Any]:
    """The ODCS document. ``severity`` is what a breach of a column's own limits means, if not the
    default; a table that must not be empty and freshness of a day are promised."""
    described = [_property(c, severity) for c in columns]
    found: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": name.id.replace(".", "-").replace("_", "-"),
        "name": name.id,
        "version": "0.1.0",
        "status": "draft",
        "domain": name.domain,
        "description": {"purpose": purpose},
        "team": {"name": owner or name.domain},
        "schema": [
            {
                "name": name.name,
                "dataGranularityDescription": grain,
                "properties": described,
                "quality": [
                    {
                        "id": "has_rows",
                        "metric": "rowCount",
                        "mustBeGreaterThan": 0,
                        "severity": "fail",
                        "description": "An empty table means that something upstream was lost.",
                    }
                ],
            }
        ],
        "slaProperties": [
            {"property": "freshness", "value": 24, "unit": "h"},
            {"property": "retention", "value": 3650, "unit": "d"},
        ],
    }
    if custom:
        found["customProperties"] = [
            {"property": f"headgate.{k}", "value": v} for k, v in custom.items()
        ]
    return found


def _property(column: DraftColumn, severity: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": column.name, **_types(column.type)}
    if column.field and column.field != column.name:
        found["physicalName"] = column.field
    if column.key is not None:
        found |= {"primaryKey": True, "primaryKeyPosition": column.key}
    elif column.required:
        found["required"] = True
    personal = column.personal or about_people(column.name)
    found["classification"] = column.classification or ("confidential" if personal else "internal")
    found["description"] = column.description or f"{words(column.name)}."
    if column.options:
        found["logicalTypeOptions"] = column.options
    custom: list[dict[str, Any]] = []
    if personal:
        custom.append({"property": "headgate.personalData", "value": True})
    if severity and (column.required or column.options):
        custom.append({"property": "headgate.severity", "value": severity})
    if custom:
        found["customProperties"] = custom
    return found


def _types(kind: str) -> dict[str, Any]:
    """The logical type that means ``kind``, and the physical type where that says too little."""
    logical = {"string": "string", "long": "integer", "double": "number", "boolean": "boolean",
               "date": "date", "timestamp": "timestamp", "json": "object"}  # fmt: skip
    if kind.startswith("array<"):
        return {"logicalType": "array", "items": _types(kind[6:-1])}
    if kind in logical:
        return {"logicalType": logical[kind]}
    return {"logicalType": "integer" if kind == "integer" else "number", "physicalType": kind}


def write_contract(folder: Path, found: Mapping[str, Any]) -> Path:
    """Write the contract into ``folder`` (made if need be)."""
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    text = yaml.safe_dump(dict(found), sort_keys=False, allow_unicode=True, width=100)
    path.write_text(text, "utf-8")
    return path
