"""Relationships in every form that the standard has, and whom each refers to."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from headgate.contracts.load import load_all
from headgate.contracts.model import Rule
from headgate.core.errors import ContractError
from tests.unit.contracts.test_load import MINIMAL, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Customers with a key of two columns; columns have ids that are not their names."""
    document = copy.deepcopy(MINIMAL)
    document["name"] = "bronze.shop.customers"
    table = document["schema"][0]
    table |= {"id": "customers_obj", "name": "clients", "physicalName": "crm_customers"}
    table["properties"][0] |= {"id": "id_prop", "name": "number"}
    table["properties"][1] |= {"id": "note_prop", "name": "country"}
    write(tmp_path / "customers", document)
    return tmp_path


def orders(
    folder: Path, relation: dict[str, Any], *, of_table: bool = False, **custom: Any
) -> Rule:
    """The foreign key of a contract that has this relationship."""
    document = copy.deepcopy(MINIMAL)
    entries = [{"property": f"headgate.{k}", "value": v} for k, v in custom.items()]
    given = {**relation, "customProperties": entries} if entries else relation
    element = document["schema"][0] if of_table else document["schema"][0]["properties"][1]
    element["relationships"] = [given]
    write(folder / "orders", document)
    return load_all(folder)["bronze.shop.orders"].rules[-1]


@pytest.mark.parametrize(
    "to",
    [
        "bronze.shop.customers.number",
        "customers.number",
        "clients.number",
        "crm_customers.number",
        "customers.id_prop",
        "schema/customers_obj/properties/id_prop",
        "/schema/clients/properties/number",
        "../customers/contract.odcs.yaml#/schema/customers_obj/properties/id_prop",
    ],
)
def test_a_column_refers_to_another_contracts(folder: Path, to: str) -> None:
    if to.startswith(("schema", "/schema")):
        with pytest.raises(ContractError, match=r"headgate\.parent"):
            orders(folder, {"to": to})  # a path of ids without a file is of the contract itself
        rule = orders(folder, {"to": to}, parent="bronze.shop.customers")
    else:
        rule = orders(folder, {"to": to, "type": "foreignKey"})
    assert (rule.id, rule.kind, rule.scope) == ("note.foreign_key", "foreign_key", "row")
    assert rule.arguments == {
        "columns": ["note"], "parent": "bronze.shop.customers", "parent_columns": ["number"],
        "missing": "quarantine",
    }  # fmt: skip


def test_a_table_refers_by_several_columns(folder: Path) -> None:
    relation = {
        "from": ["orders.id", "orders.note"],
        "to": ["customers.number", "customers.country"],
    }
    rule = orders(folder, relation, of_table=True, missingParent="wait")
    assert rule.id == "id_note.foreign_key"
    assert rule.arguments["columns"] == ["id", "note"]
    assert rule.arguments["parent_columns"] == ["number", "country"]
    ids = {"from": "schema/orders/properties/note", "to": "customers.number"}
    assert orders(folder, ids, of_table=True).arguments["columns"] == ["note"]


@pytest.mark.parametrize(
    ("missing", "severity"),
    [("wait", "quarantine"), ("quarantine", "quarantine"), ("warn", "warn"), ("fail", "fail")],
)
def test_what_a_row_without_its_parent_meets(folder: Path, missing: str, severity: str) -> None:
    rule = orders(folder, {"to": "customers.number"}, missingParent=missing)
    assert (rule.arguments["missing"], rule.severity) == (missing, severity)


def test_a_name_that_several_datasets_have_needs_the_datasets_id(folder: Path) -> None:
    document = copy.deepcopy(MINIMAL)
    document["name"] = "silver.shop.customers"
    document["customProperties"] = []
    document["schema"][0]["name"] = "customers"
    write(folder / "silver", document)
    told = r"bronze\.shop\.customers, silver\.shop\.customers are all meant"
    with pytest.raises(ContractError, match=told) as refused:
        orders(folder, {"to": "customers.number"})
    assert refused.value.place.endswith("/properties/1/relationships/0")
    assert "headgate.parent" in refused.value.remedy
    rule = orders(folder, {"to": "customers.number"}, parent="bronze.shop.customers")
    assert rule.arguments["parent"] == "bronze.shop.customers"


@pytest.mark.parametrize(
    ("relation", "why"),
    [
        ({"to": "nowhere.number"}, "no contract describes it"),
        ({"to": "bronze.shop.nowhere.number"}, "no contract describes it"),
        ({"to": "customers.colour"}, r"Columns of bronze\.shop\.customers: number, country"),
        ({"to": "../gone/contract.odcs.yaml#/schema/a/properties/b"}, "no contract describes it"),
        ({"to": ["customers.number", "customers.country"]}, "as many columns"),
    ],
)
def test_what_refers_to_nothing_is_refused(folder: Path, relation: Any, why: str) -> None:
    with pytest.raises(ContractError, match=why) as refused:
        orders(folder, relation)
    assert "/properties/1/relationships/0" in refused.value.place


def test_a_relationship_from_no_column_is_refused(folder: Path) -> None:
    with pytest.raises(ContractError, match="has no such column") as refused:
        orders(folder, {"from": "orders.colour", "to": "customers.number"}, of_table=True)
    assert refused.value.place.endswith("/relationships/0/from")


def test_a_reference_to_the_own_table_needs_a_say(folder: Path) -> None:
    with pytest.raises(ContractError, match="cannot set single rows aside"):
        orders(folder, {"to": "orders.id"})
    rule = orders(folder, {"to": "orders.id"}, missingParent="fail")
    assert (rule.kind, rule.scope, rule.severity) == ("sql", "table", "fail")
