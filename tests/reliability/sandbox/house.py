"""A small project with one source and one model, a canary beside it, and every door that takes SQL."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from headgate.contracts.model import Rule
from headgate.core import settings as core_settings
from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY
from tests.unit.cli.conftest import record

CANARY = "canary-7f3a91-must-not-be-seen"
SOURCE = "bronze.irc.messages"
TABLE = "bronze_irc.messages"
MODEL = "lines"
PLAIN = "select line, author from {{ source('bronze_irc', 'messages') }}\n"
_CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: gold-irc-lines
name: gold.irc.lines
version: 1.0.0
status: active
domain: irc
description: {purpose: The lines of the logs, to try things on.}
team: {name: testers}
schema:
  - name: lines
    description: Lines.
    dataGranularityDescription: One row is one line.
    properties:
      - {name: line, logicalType: integer, primaryKey: true, primaryKeyPosition: 1,
         classification: public, description: Its number.}
      - {name: author, logicalType: string, classification: public, description: Who.}
customProperties: [{property: headgate.preservesRows, value: true, description: One line is one row.}]
"""


@dataclass(frozen=True)
class House:
    """The project, the canary, and the folder outside of the lake in which it lies."""

    project: Project
    canary: Path

    @property
    def outside(self) -> Path:
        """Where nothing may be written."""
        return self.canary.parent

    @property
    def model(self) -> Path:
        """The model's file."""
        return self.project.settings.dbt_path / "models" / f"{MODEL}.sql"

    def filled(self, attack: str, table: str = TABLE) -> str:
        """An attack with its names filled in."""
        return attack.format(
            canary=self.canary, outside=self.outside, name=self.outside.name, t=table,
            inside=self.project.lake.root / "bronze",
        )  # fmt: skip

    def files(self) -> dict[str, tuple[int, int]]:
        """Every file of the lake and beside it that SQL could have written: size and time."""
        roots = [
            self.outside,
            *(self.project.lake.root / n for n in ("bronze", "gold", "_releases")),
        ]
        every = [p for root in roots for p in sorted(root.rglob("*")) if p.is_file()]
        return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in every}


def build(folder: Path) -> House:
    """Make it, without having run it."""
    root = folder / "project"
    for part in ("irc/bronze_messages", "ledger"):
        shutil.copytree(REPOSITORY / "data_contracts" / part, root / "data_contracts" / part)
    dbt = root / "dbt_project"
    (dbt / "models").mkdir(parents=True)
    (dbt / "tests").mkdir()
    shutil.copytree(REPOSITORY / "dbt_project" / "macros", dbt / "macros")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copyfile(REPOSITORY / "dbt_project" / name, dbt / name)
    (dbt / "models" / f"{MODEL}.sql").write_text(PLAIN)
    lines = root / "data_contracts" / "irc" / "gold_lines"
    lines.mkdir()
    (lines / "contract.odcs.yaml").write_text(_CONTRACT)
    (root / "headgate.toml").write_text('lake = "lake"\n')
    canary = folder / "outside" / "canary.txt"
    canary.parent.mkdir()
    canary.write_text(f'{{"secret": "{CANARY}"}}\n')
    rows = [json.dumps(record(n)) for n in range(12)]
    (root / "day.jsonl").write_text("\n".join(rows) + "\n")
    return House(Project(core_settings.load(root)), canary)


def rule(kind: str, scope: str, **arguments: object) -> Rule:
    """A rule of a contract."""
    return Rule("tried", kind, scope, "fail", None, arguments, place="contract.odcs.yaml#/schema/0")
