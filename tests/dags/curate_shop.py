"""A small shop: one source, a plain model, one that only dbt can compile, and two made from those."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from headgate.orchestration import parts
from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY

ORDERS, CLEAN = "bronze.shop.orders", "silver.shop.orders"
DAYS, TOTALS, COUNTS = "silver.shop.days", "gold.shop.totals", "gold.shop.counts"
GROUP = "shop"
#: Each curated dataset's model and SQL.
MODELS = {
    CLEAN: ("clean", "select order_id, day, cents from {{ source('bronze_shop', 'orders') }}\n"),
    DAYS: ("days", "select day, cast(sum(cents) as bigint) as cents\n"
                   "from {{ ref('clean') }} group by day\n"),
    TOTALS: ("totals", "select day, cents from {{ ref('days') }} where cents > 0\n"),
    COUNTS: ("counts", "select day, count(*) as cents from {{ ref('clean') }} group by day\n"),
}  # fmt: skip


#: Our own renderer knows no `run_started_at`, so that dbt builds a model that begins so.
ONLY_DBT = "{% set begun = run_started_at %}\n"


def make_shop(root: Path) -> Project:
    """The project at ``root``, with the repository's DAG file."""
    for part in ("macros", "profiles.yml", "dbt_project.yml"):
        _copy(REPOSITORY / "dbt_project" / part, root / "dbt_project" / part)
    _copy(REPOSITORY / "data_contracts/ledger", root / "data_contracts/ledger")
    _copy(REPOSITORY / "dags/curate.py", root / "dags/curate.py")
    (root / "headgate.toml").write_text('lake = "lake"\n')
    _contract(root, ORDERS, "order_id", "headgate.source, value: {format: jsonl}")
    for dataset, (model, _) in MODELS.items():
        key = "order_id" if dataset == CLEAN else "day"
        _contract(root, dataset, key, f"headgate.model, value: {model}")
        mend(root, dataset)
    return Project.open(root)


def mend(root: Path, dataset: str) -> None:
    """Have a model as it should be."""
    model, sql = MODELS[dataset]
    path = _model(root, dataset)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(sql)
    assert path.stem == model


def spoil(root: Path, dataset: str) -> None:
    """Have a model read a column that does not exist."""
    path = _model(root, dataset)
    path.write_text(path.read_text().replace("cents", "dimes", 1))


def deliver(project: Project, ids: Sequence[int]) -> None:
    """Take orders with these numbers."""
    lines = [{"order_id": f"o{i}", "day": f"2026-01-{1 + i % 28:02d}", "cents": i} for i in ids]
    path = project.settings.root / f"orders_{ids[0]}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = parts.take(project, ORDERS, paths=[str(path)])
    assert report.well, report


def leave_to_dbt(root: Path, dataset: str) -> None:
    """Have a model that our own compiler does not understand."""
    path = _model(root, dataset)
    path.write_text(ONLY_DBT + path.read_text())


def _model(root: Path, dataset: str) -> Path:
    return root / "dbt_project/models/marts/shop" / f"{MODELS[dataset][0]}.sql"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)


def _contract(root: Path, dataset: str, key: str, made: str) -> None:
    layer, _, name = dataset.split(".")
    types = {"order_id": "string", "day": "date", "cents": "integer"}
    severity = "quarantine" if layer == "bronze" else "fail"
    if key == "day":
        del types["order_id"]
    columns = "".join(
        f"      - name: {column}\n        logicalType: {kind}\n        classification: internal\n"
        f"        description: The {column}.\n"
        f"        customProperties: [{{property: headgate.severity, value: {severity}}}]\n"
        + ("        primaryKey: true\n" if column == key else "        required: true\n")
        for column, kind in types.items()
    )
    path = root / "data_contracts/shop" / f"{layer}_{name}" / "contract.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"""apiVersion: v3.1.0
kind: DataContract
id: {layer}-shop-{name}
name: {dataset}
version: 1.0.0
status: active
domain: shop
description:
  purpose: What the shop sold.
  usage: Test with it.
team:
  name: team-shop
schema:
  - name: {name}
    description: Orders, or what is made from them.
    dataGranularityDescription: One row is one order, or one day.
    properties:
{columns}slaProperties:
  - {{property: freshness, value: 24, unit: h}}
  - {{property: retention, value: 365, unit: d}}
customProperties:
  - {{property: {made}}}
""")
