"""A project of small contracts, written in a line each: what the index of DAGs is tried on."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

TEXT = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {dataset}
version: 1.0.0
status: active
team:
  name: {owner}
schema:
  - name: {name}
    dataGranularityDescription: One row is one thing.
    properties:
      - name: thing_id
        logicalType: string
        primaryKey: true
        classification: internal
        description: Names the thing.
        customProperties: [{{property: headgate.severity, value: fail}}]
{relation}customProperties:
{custom}
"""
RELATION = """\
        relationships:
          - type: foreignKey
            to: {to}.thing_id
            customProperties: [{{property: headgate.parent, value: {parent}}}]
"""


class SmallProject:
    """A project at ``root`` that contracts and models are written into."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "dbt_project" / "models").mkdir(parents=True)
        (root / "data_contracts").mkdir()
        (root / "headgate.toml").write_text('lake = "lake"\n')

    def path(self, dataset: str) -> Path:
        """Where a dataset's contract stands."""
        layer, domain, name = dataset.split(".")
        return self.root / "data_contracts" / domain / f"{layer}_{name}" / "contract.odcs.yaml"

    def shown(self, dataset: str) -> str:
        """The same as the index tells it."""
        return str(self.path(dataset).relative_to(self.root))

    def contract(
        self, dataset: str, *, owner: str = "shop", parent: str = "", sla: str = "", **custom: Any
    ) -> Path:
        """Write a contract; ``custom`` are its properties, as YAML."""
        lines = [f"  - {{property: headgate.{k}, value: {v}}}" for k, v in custom.items()]
        name = dataset.rpartition(".")[2]
        relation = RELATION.format(to=parent.rpartition(".")[2], parent=parent) if parent else ""
        text = TEXT.format(
            id=dataset.replace(".", "-"), dataset=dataset, owner=owner, name=name,
            relation=relation, custom="\n".join(lines) or "  []",
        )  # fmt: skip
        if sla:
            text += f"slaProperties:\n  - {{property: freshness, value: {sla}}}\n"
        path = self.path(dataset)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def source(self, dataset: str, **more: Any) -> Path:
        """Write the contract of a source."""
        return self.contract(dataset, **{"source": "{format: jsonl, path: landing/x}", **more})

    def model(self, name: str, sql: str) -> Path:
        """Write a model's SQL."""
        path = self.root / "dbt_project" / "models" / f"{name}.sql"
        path.write_text(sql)
        return path

    def settle(self) -> None:
        """Have all files be older than the moment within which times do not tell."""
        old = time.time() - 3600
        for path in self.root.rglob("*"):
            os.utime(path, (old, old))


def line_of(path: Path, text: str) -> int:
    """The line of a file in which a text stands first."""
    lines = path.read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if text in line)
