"""The contracts of the platform whose portal is measured: one for each dataset of its lineage."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from tests.bench.lineage_platform import LAYERS, Dataset, Platform, platform

REPOSITORY = Path(__file__).resolve().parent.parent.parent
#: Of a hundred datasets of the lineage platform so many are ours and no declared source.
_OF_HUNDRED = 67
_TYPES = {"STRING": "string", "BIGINT": "integer", "TIMESTAMP": "timestamp", "DOUBLE": "number",
          "BOOLEAN": "boolean"}  # fmt: skip
_TOPICS = (
    "orders", "payments", "refunds", "sessions", "messages", "shipments", "invoices", "visits",
    "returns", "subscriptions", "devices", "campaigns", "tickets", "surveys", "stock", "prices",
)  # fmt: skip
_GRAINS = ("a day and country", "a customer", "an event", "a product and week", "a session")
_TAGS = (
    "finance",
    "growth",
    "support",
    "operations",
    "experimental",
    "audited",
    "hourly",
    "legacy",
)


def whole(datasets: int) -> Platform:
    """A platform with at least so many datasets that have contracts."""
    return platform(datasets * 100 // _OF_HUNDRED + 100, datasets * 20)


def described(whole: Platform, datasets: int) -> list[Dataset]:
    """The first ``datasets`` of it that have a contract, those first that others are made from."""
    ours = [d for d in whole.datasets.values() if d.kind == "ours" and d.level]
    return ours[:datasets]


def write(root: Path, found: list[Dataset]) -> None:
    """A project at ``root`` with a contract for each; it has no models, as nothing is run in it."""
    shutil.copytree(REPOSITORY / "data_contracts" / "ledger", root / "data_contracts" / "ledger")
    (root / "dbt_project").mkdir()
    (root / "headgate.toml").write_text('lake = "lake"\nlake_name = "platform"\n')
    for one in found:
        layer, domain, name = one.id.split(".")
        folder = root / "data_contracts" / domain / f"{layer}_{name}"
        folder.mkdir(parents=True)
        (folder / "contract.odcs.yaml").write_text(text(one))


def text(one: Dataset) -> str:
    """The contract of a dataset."""
    chance = random.Random(one.id)
    layer, domain, name = one.id.split(".")
    topic, other = chance.sample(_TOPICS, 2)
    tags = ", ".join([domain, *chance.sample(_TAGS, chance.randint(0, 2))])
    severity = "quarantine" if layer == "bronze" else "fail"
    columns = "".join(
        _column(number, column, kind, column in one.personal, severity)
        for number, (column, kind) in enumerate(one.columns.items())
    )
    hours = chance.choice((24, 24, 24, 48, 168))
    source = f"{{format: jsonl, path: 'landing/{domain}/{name}_*.jsonl'}}"
    custom = f"customProperties:\n  - {{property: headgate.source, value: {source}}}\n"
    return f"""apiVersion: v3.1.0
kind: DataContract
id: {layer}-{domain}-{name.replace("_", "-")}
name: {one.id}
version: 1.{chance.randint(0, 9)}.0
status: active
domain: {domain}
tags: [{tags}]
description:
  purpose: {topic.capitalize()} and {other} of {domain}, {LAYERS[one.level]} layer, for reports about {topic}.
  usage: Join it by its first column.
team:
  name: team-{domain}
  description: Owns the tables of {domain}.
schema:
  - name: {name}
    description: {topic.capitalize()} as they are used.
    dataGranularityDescription: One row is {chance.choice(_GRAINS)}.
    properties:
{columns}slaProperties:
  - {{property: freshness, value: {hours}, unit: h}}
  - {{property: retention, value: 365, unit: d}}
{custom if layer == "bronze" else ""}"""


def _column(number: int, name: str, kind: str, personal: bool, severity: str) -> str:
    lines = [f"      - name: {name}", f"        logicalType: {_TYPES[kind]}"]
    lines += ["        primaryKey: true"] if number == 0 else []
    lines += ["        required: true"] if number in (1, 2) else []
    if _TYPES[kind] == "integer" and number:
        lines += ["        logicalTypeOptions: {minimum: 0}"]
    lines += [f"        classification: {'confidential' if personal else 'internal'}"]
    lines += [f"        description: The {name.replace('_', ' ')} of it."]
    extra = (
        [f"{{property: headgate.severity, value: {severity}}}"]
        if number < 3 or severity == "fail"
        else []
    )
    extra += ["{property: headgate.personalData, value: true}"] if personal else []
    lines += [f"        customProperties: [{', '.join(extra)}]"] if extra else []
    return "\n".join(lines) + "\n"
