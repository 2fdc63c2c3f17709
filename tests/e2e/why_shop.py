"""A shop of three sources, a silver table and two in gold: small, so that one thing at a time can change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate.lineage.questions.why import Why, why
from headgate.lineage.store.catching_up import catch_up
from headgate.lineage.store.opening import open_store
from headgate.orchestration.project import Project
from headgate.orchestration.report import RunReport
from headgate.orchestration.run import run
from tests.conftest import REPOSITORY

ORDERS, CUSTOMERS = "bronze.shop.orders", "bronze.shop.customers"
SILVER, DAILY, CITIES = "silver.shop.orders", "gold.sales.daily", "gold.sales.cities"
_HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {dataset}
version: 1.0.0
status: active
team: {{name: shop}}
schema:
  - name: {name}
    dataGranularityDescription: One row is one {grain}.
    properties:
"""
_COLUMN = """\
      - name: {name}
        logicalType: {kind}
        {role}
        classification: internal
        description: The {name}.
"""
_FAIL = "        customProperties: [{property: headgate.severity, value: fail}]\n"
_MODELS = {
    "int_shop__orders": """\
select o.order_id, o.sold_on, o.amount, o.customer, coalesce(c.city, 'nowhere') as city
from {{ source('bronze_shop', 'orders') }} o
left join {{ source('bronze_shop', 'customers') }} c on o.customer = c.customer
""",
    "daily": """\
select sold_on, cast(sum(amount) as bigint) as amount, count(*) as orders
from {{ source('silver_shop', 'orders') }}
{% if is_incremental() %}
where sold_on in (select sold_on from {{ changed('silver.shop.orders', 'sold_on') }})
{% endif %}
group by sold_on
""",
    "cities": """\
select city, count(*) as customers
from {{ source('bronze_shop', 'customers') }}
group by city
""",
}


def order(number: int, day: int, amount: int, **more: Any) -> dict[str, Any]:
    """A line of a delivery."""
    told = {"order_id": f"o{number}", "sold_on": f"2026-03-{day:02}", "amount": amount,
            "customer": f"c{number % 3}", "revision": 1, "state": "sold"}  # fmt: skip
    return {**told, **more}


@dataclass
class Shop:
    """The project in ``root``; each delivery is a run, and what it released is counted."""

    root: Path
    delivered: int = 0
    released: list[int] = field(default_factory=list)

    @property
    def project(self) -> Project:
        """The project as its files are now."""
        return Project.open(self.root)

    def deliver(
        self, orders: Iterable[dict[str, Any]] = (), **more: Iterable[dict[str, Any]]
    ) -> RunReport:
        """One run over new files: orders, and by keyword those of other sources."""
        sources = {}
        for dataset, rows in {"orders": orders, **more}.items():
            lines = [json.dumps(row) + "\n" for row in rows]
            if lines:
                self.delivered += 1
                path = self.root / "landing" / f"{dataset}-{self.delivered}.jsonl"
                path.parent.mkdir(exist_ok=True)
                path.write_text("".join(lines), "utf-8")
                sources[f"bronze.shop.{dataset}"] = [str(path)]
        return run(self.project, sources=sources)

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        """Change a file of the project."""
        file = self.root / path
        text = file.read_text("utf-8")
        assert change(text) != text, path
        file.write_text(change(text), "utf-8")

    def contract(self, dataset: str) -> str:
        """Where a dataset's contract is, in the project."""
        layer, domain, name = dataset.split(".")
        return f"data_contracts/{domain}/{layer}_{name}/contract.odcs.yaml"

    def why(
        self, before: str | int = 1, after: str | int = 2, dataset: str = DAILY, **more: Any
    ) -> Why:
        """The answer from the events alone: the lake is gone when it is asked."""
        self.events()
        return self.told_by(self.root / "events.jsonl", before, after, dataset, **more)

    def events(self) -> list[dict[str, Any]]:
        """What runs told, all that is left of the lake."""
        events = self.root / "events.jsonl"
        lake = self.root / "lake"
        if lake.exists():
            shutil.copyfile(lake / "_events" / "openlineage.jsonl", events)
            lake.rename(self.root / "gone")
            shutil.rmtree(self.root / "gone")
        return [json.loads(line) for line in events.read_text("utf-8").splitlines()]

    def told_by(
        self, events: Path, before: str | int, after: str | int, dataset: str = DAILY, **more: Any
    ) -> Why:
        """The answer from a file of events."""
        store = open_store(events.with_suffix(".db"))
        try:
            catch_up(store, [events])
            return why(store, dataset, before, after, **more)
        finally:
            store.close()


def causes(answer: Why) -> dict[str, set[str]]:
    """The kinds of causes by dataset, without what did not happen to it itself."""
    return {m.dataset: {c.kind for c in m.causes} for m in answer.moved}


def make(root: Path) -> Shop:
    """The project with two days of orders in release 1."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "headgate.toml").write_text('lake = "lake"\n')
    shutil.copytree(REPOSITORY / "data_contracts" / "ledger", root / "data_contracts" / "ledger")
    dbt = root / "dbt_project"
    shutil.copytree(REPOSITORY / "dbt_project" / "macros", dbt / "macros")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copyfile(REPOSITORY / "dbt_project" / name, dbt / name)
    (dbt / "models").mkdir()
    (dbt / "tests").mkdir()
    for model, sql in _MODELS.items():
        (dbt / "models" / f"{model}.sql").write_text(sql)
    shop = Shop(root)
    source = "  - {property: headgate.source, value: {format: jsonl}}\n"
    limit = "  - {property: headgate.maxQuarantineShare, value: 1}\n"
    _contract(
        shop, ORDERS, "order",
        {"order_id": "string", "sold_on": "date", "amount": "integer", "customer": "string",
         "revision": "integer", "state": "string"},
        source + limit + "  - {property: headgate.orderColumn, value: revision}\n"
        "  - {property: headgate.delivery, value: {tombstone: \"state = 'cancelled'\"}}\n",
        limits={"amount": "        logicalTypeOptions: {minimum: 0, maximum: 1000}\n"},
    )  # fmt: skip
    _contract(shop, CUSTOMERS, "customer", {"customer": "string", "city": "string"}, source)
    _contract(
        shop, SILVER, "order",
        {"order_id": "string", "sold_on": "date", "amount": "integer", "customer": "string",
         "city": "string"},
        "  - {property: headgate.model, value: int_shop__orders}\n",
    )  # fmt: skip
    _contract(shop, DAILY, "day", {"sold_on": "date", "amount": "integer", "orders": "integer"},
              "  - {property: headgate.unitOfChange, value: sold_on}\n",
              limits={"amount": _FAIL, "orders": _FAIL})  # fmt: skip
    _contract(shop, CITIES, "city", {"city": "string", "customers": "integer"},
              "  - {property: headgate.preservesRows, value: false}\n",
              limits={"customers": _FAIL})  # fmt: skip
    report = shop.deliver(
        [order(n, 1 + n % 2, 10 * n) for n in range(1, 9)],
        customers=[{"customer": f"c{n}", "city": "here" if n else "there"} for n in range(3)],
    )
    assert report.exit_code == 0, report.problems
    return shop


def _contract(
    shop: Shop, dataset: str, grain: str, columns: dict[str, str], custom: str,
    limits: dict[str, str] | None = None,
) -> None:  # fmt: skip
    name = dataset.rpartition(".")[2]
    text = _HEAD.format(id=dataset.replace(".", "-"), dataset=dataset, name=name, grain=grain)
    for number, (column, kind) in enumerate(columns.items()):
        role = "required: true" if number else "primaryKey: true"
        text += _COLUMN.format(name=column, kind=kind, role=role)
        text += (limits or {}).get(column, "" if number else _FAIL)
    path = shop.root / shop.contract(dataset)
    path.parent.mkdir(parents=True)
    path.write_text(f"{text}customProperties:\n{custom}")
