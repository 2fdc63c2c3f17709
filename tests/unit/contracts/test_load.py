"""Contracts are refused with the place and a remedy unless they say all that Headgate asks."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from headgate.contracts.load import FILE_NAME, load, load_all
from headgate.core.errors import ContractError, UsageError

CONTRACTS = Path(__file__).resolve().parents[3] / "data_contracts"
Document = dict[str, Any]

MINIMAL: Document = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "orders",
    "name": "bronze.shop.orders",
    "version": "1.0.0",
    "status": "active",
    "team": {"name": "shop"},
    "schema": [
        {
            "name": "orders",
            "dataGranularityDescription": "One row is one order.",
            "properties": [
                {
                    "name": "id", "logicalType": "integer", "primaryKey": True,
                    "primaryKeyPosition": 1, "description": "The order.", "classification": "internal",
                },
                {
                    "name": "note", "logicalType": "string", "description": "A note.",
                    "classification": "internal",
                },
            ],
        }
    ],
    "customProperties": [{"property": "headgate.source", "value": {"format": "jsonl"}}],
}  # fmt: skip


def write(folder: Path, document: Document) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    return path


def test_the_minimal_contract_loads(tmp_path: Path) -> None:
    contract = load(write(tmp_path, MINIMAL))
    assert contract.id == "bronze.shop.orders"
    assert contract.owner == "shop"
    assert contract.key == ("id",)
    assert {c.name: c.type for c in contract.columns} == {"id": "long", "note": "string"}
    assert contract.release_group == "shop"
    assert [r.id for r in contract.rules] == ["id.required"]


def table(document: Document) -> Document:
    return document["schema"][0]


def column(document: Document, index: int) -> Document:
    return table(document)["properties"][index]


def set_in(
    target: Callable[[Document], Document], key: str, value: Any
) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        target(document)[key] = value

    return change


def drop(target: Callable[[Document], Document], key: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        del target(document)[key]

    return change


def root(document: Document) -> Document:
    return document


def note(document: Document) -> Document:
    return column(document, 1)


WRONG: dict[str, tuple[Callable[[Document], None], str]] = {
    "no version": (drop(root, "version"), "not ODCS"),
    "unknown field": (set_in(root, "verison", "1"), "not ODCS"),
    "bad name": (set_in(root, "name", "orders"), "no dataset id"),
    "no owner": (drop(root, "team"), "no owner"),
    "no grain": (drop(table, "dataGranularityDescription"), "no grain"),
    "no key": (drop(lambda d: column(d, 0), "primaryKey"), "no key"),
    "no description": (drop(note, "description"), "'note' has no description"),
    "no classification": (drop(note, "classification"), "'note' has no classification"),
    "unknown type": (set_in(note, "physicalType", "varbinary(3)"), "no column type"),
    "two tables": (lambda d: d["schema"].append(copy.deepcopy(d["schema"][0])), "describes one table"),
    "column twice": (set_in(note, "name", "id"), "described twice"),
    "our own name": (set_in(note, "name", "_batch_id"), "leading _"),
    "two comparisons": (
        set_in(note, "quality", [{"metric": "nullValues", "mustBe": 0, "mustBeLessThan": 3}]),
        "exclude each other: metric, mustBe, mustBeLessThan",
    ),
    "bad severity": (
        set_in(note, "quality", [{"metric": "nullValues", "mustBe": 0, "severity": "grave"}]),
        "does not fit",
    ),
    "table rule that quarantines": (
        set_in(
            table, "quality", [{"metric": "rowCount", "mustBeGreaterThan": 0, "severity": "quarantine"}]
        ),
        "does not fit a table rule",
    ),
    "one id for two rules": (
        set_in(
            note,
            "quality",
            [
                {"id": "a", "metric": "nullValues", "mustBe": 0},
                {"id": "a", "metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "x"}},
            ],
        ),
        "two rules have the id",
    ),
    "parent of three parts": (
        set_in(note, "relationships", [{"to": "message_id.x", "customProperties": [
            {"property": "headgate.parent", "value": "silver.chat.messages"},
            {"property": "headgate.missingParent", "value": "ignore"}]}]),
        "missingParent",
    ),
    "no such order column": (
        lambda d: d["customProperties"].append({"property": "headgate.orderColumn", "value": "at"}),
        "named but not described",
    ),
    "no share": (
        lambda d: d["customProperties"].append({"property": "headgate.maxQuarantineShare", "value": 10}),
        "no share",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    change, told = WRONG[name]
    document = copy.deepcopy(MINIMAL)
    change(document)
    path = write(tmp_path, document)

    with pytest.raises(ContractError) as caught:
        load(path)

    assert told in str(caught.value)
    assert caught.value.place.startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL)
    path.write_text(path.read_text() + "version: 2.0.0\n")
    with pytest.raises(ContractError, match="'version' is given twice"):
        load(path)


def test_a_rule_of_an_aggregate_may_not_set_rows_aside(tmp_path: Path) -> None:
    document = copy.deepcopy(MINIMAL)
    document["name"] = "gold.shop.fct_orders"
    document["customProperties"] = []
    with pytest.raises(ContractError, match="would set rows of an aggregate aside"):
        load(write(tmp_path, document))
    document["customProperties"] = [{"property": "headgate.preservesRows", "value": True}]
    assert load(write(tmp_path, document)).model == "fct_orders"


def test_a_parent_needs_a_contract(tmp_path: Path) -> None:
    document = copy.deepcopy(MINIMAL)
    parent = [{"property": "headgate.parent", "value": "bronze.shop.customers"}]
    note(document)["relationships"] = [{"to": "customers.id", "customProperties": parent}]
    write(tmp_path / "orders", document)
    with pytest.raises(ContractError, match="no contract describes it"):
        load_all(tmp_path)

    write(tmp_path / "customers", {**copy.deepcopy(MINIMAL), "name": "bronze.shop.customers"})
    rule = load_all(tmp_path)["bronze.shop.orders"].row_rules[-1]
    assert rule.arguments == {
        "columns": ["note"], "parent": "bronze.shop.customers", "parent_columns": ["id"],
        "missing": "quarantine",
    }  # fmt: skip


def test_one_dataset_has_one_contract(tmp_path: Path) -> None:
    write(tmp_path / "a", MINIMAL)
    write(tmp_path / "b", MINIMAL)
    with pytest.raises(ContractError, match="has a contract already"):
        load_all(tmp_path)


def test_one_model_builds_one_dataset(tmp_path: Path) -> None:
    for name in ("one", "two"):
        document = copy.deepcopy(MINIMAL)
        document["name"] = f"silver.shop.{name}"
        document["customProperties"] = [{"property": "headgate.model", "value": "int_shop"}]
        write(tmp_path / name, document)
    with pytest.raises(ContractError, match="'int_shop' builds silver"):
        load_all(tmp_path)


def test_no_folder_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="setting contracts"):
        load_all(tmp_path / "nowhere")


def test_the_hash_follows_the_content_and_not_its_layout(tmp_path: Path) -> None:
    one = load(write(tmp_path / "a", MINIMAL))
    other = load(write(tmp_path / "b", dict(reversed(MINIMAL.items()))))
    changed = load(write(tmp_path / "c", {**MINIMAL, "version": "1.0.1"}))
    assert one.hash == other.hash != changed.hash


def test_the_contracts_of_the_repository_are_odcs_3_1(real_data: Path) -> None:
    """By the standard's own schema of that version, not only by the newest."""
    schema = json.loads(
        (real_data / "odcs" / "schema" / "odcs-json-schema-v3.1.0.json").read_text()
    )
    validator = jsonschema.validators.validator_for(schema)(schema)
    paths = sorted(CONTRACTS.rglob(FILE_NAME))
    assert len(paths) >= 8
    for path in paths:
        document = yaml.safe_load(path.read_text("utf-8"))
        assert document["apiVersion"] == "v3.1.0"
        assert [e.message for e in validator.iter_errors(document)] == [], path


def test_the_contracts_of_the_spine_promise_enough() -> None:
    contracts = load_all(CONTRACTS)
    for dataset in ("bronze.irc.messages", "silver.chat.messages", "gold.community.fct_messages",
                    "gold.community.fct_channel_activity_daily"):  # fmt: skip
        contract = contracts[dataset]
        assert len(contract.rules) >= 5
        assert contract.owner and contract.grain and contract.key
        assert contract.freshness_hours and contract.retention_days
        assert {r.scope for r in contract.rules} == {"row", "table"}
        assert any(r.description for r in contract.rules)
    personal = {c.name for c in contracts["bronze.irc.messages"].columns if c.personal}
    assert personal == {"author", "text"}
