"""A project whose contracts say in a line each how their columns are protected: what flows are tried on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from headgate.orchestration import personal_flow
from headgate.orchestration.personal_flow import Flows
from headgate.orchestration.project import Project

#: Column to what it declares: class, ``personal``, a path in the source, type, or ``anonymized``.
Columns = Mapping[str, str | Mapping[str, Any]]
_TYPES = {"bool": "boolean", "int": "integer", "json": "object", "date": "date"}


class DeclaredProject:
    """A project at ``root`` that contracts and models are written into."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "dbt_project" / "models").mkdir(parents=True)
        (root / "data_contracts").mkdir()
        (root / "headgate.toml").write_text('lake = "lake"\n')
        (root / "dbt_project" / "dbt_project.yml").write_text("name: tried\nversion: '1'\n")

    def path(self, dataset: str) -> Path:
        """Where a dataset's contract stands."""
        return self.root / "data_contracts" / dataset.replace(".", "_") / "contract.odcs.yaml"

    def source(self, dataset: str, columns: Columns, **source: Any) -> Path:
        """Write the contract of a source; ``columns`` as in ``{"name": "confidential personal"}``."""
        given = {"format": "jsonl", **source}
        return self._contract(dataset, columns, {"source": given})

    def model(self, dataset: str, columns: Columns, sql: str, **custom: Any) -> Path:
        """Write a model and its contract."""
        layer, domain, name = dataset.split(".")
        model = name if layer == "gold" else f"int_{domain}__{name}"
        self.sql(model, sql)
        return self._contract(dataset, columns, {"preservesRows": True, **custom})

    def sql(self, model: str, sql: str) -> None:
        """Write a model's SQL alone."""
        (self.root / "dbt_project" / "models" / f"{model}.sql").write_text(sql)

    def _contract(self, dataset: str, columns: Columns, custom: Mapping[str, Any]) -> Path:
        table = {
            "name": dataset.rpartition(".")[2],
            "dataGranularityDescription": "One row is one thing.",
            "properties": [
                _column(name, text, key=position == 0)
                for position, (name, text) in enumerate(columns.items())
            ],
        }
        path = self.path(dataset)
        path.parent.mkdir(exist_ok=True)
        document = {
            "apiVersion": "v3.1.0", "kind": "DataContract", "id": dataset.replace(".", "-"),
            "name": dataset, "version": "1.0.0", "status": "active", "team": {"name": "shop"},
            "schema": [table],
            "customProperties": [
                {"property": f"headgate.{name}", "value": value} for name, value in custom.items()
            ],
        }  # fmt: skip
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    def flows(self) -> Flows:
        """What is made of what there."""
        return personal_flow.flows(Project.open(self.root))

    def findings(self) -> dict[str, str]:
        """Problem by column: the place says the contract, and the line the column."""
        found = {}
        for place, problem in personal_flow.findings(self.flows()):
            path, _, line = place.rpartition(":")
            lines = Path(path).read_text().splitlines()[: int(line)]
            column = next(n.split()[-1] for n in reversed(lines) if n.startswith("  - name:"))
            name = yaml.safe_load(Path(path).read_text())["name"]
            found[f"{name}.{column}"] = problem
        return found


def _column(name: str, given: str | Mapping[str, Any], *, key: bool) -> dict[str, Any]:
    told = {"is": given} if isinstance(given, str) else dict(given)
    words = told["is"].split()
    found: dict[str, Any] = {
        "name": name, "logicalType": _TYPES.get(words[-1], "string"), "classification": words[0],
        "description": "Said.", "customProperties": [],
    }  # fmt: skip
    if key:
        found["primaryKey"] = True
    if "at" in told:
        found["physicalName"] = told["at"]
    if "personal" in words:
        found["customProperties"].append({"property": "headgate.personalData", "value": True})
    if "anonymized" in told:
        entry = {"property": "headgate.anonymized", "value": told["anonymized"]}
        found["customProperties"].append(entry)
    if not found["customProperties"]:
        del found["customProperties"]
    return found
