"""The standard's own examples load, or are refused with a reason that names the place."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from headgate.contracts.load import from_document
from headgate.contracts.model import Contract
from headgate.core.errors import ContractError
from headgate.quality.predicates import compile_row_rules
from headgate.quality.table_rules import compile_table_rules

Document = dict[str, Any]
#: What each example is refused for as it stands: the end of the place, and a part of the reason.
AS_IT_STANDS = {
    "all/full-example": ("#/servers/0/type", "server of type 'postgres'"),
    "all/postgresql-adventureworks-contract": ("#/schema", "describes one table, this has 68"),
    "data-types/all-data-types": ("#/name", "'my_table' is no dataset id"),
    "fundamentals/table-column-description": ("#/name", "'my_quantum' is no dataset id"),
    "quality/column-accuracy": ("#/name", "'my_table' is no dataset id"),
    "quality/column-completeness": ("#/name", "'my_table' is no dataset id"),
    "quality/column-custom": ("#/name", "'my_table' is no dataset id"),
    "quality/column-validity": ("#/name", "'my_table' is no dataset id"),
    "roles/service-and-operational-roles": ("#/schema", "describes one table, this has 0"),
    "schema/all-schema-types": ("#/schema", "describes one table, this has 3"),
    "schema/kafka-schema": ("#/servers/0/type", "server of type 'kafka'"),
    "schema/kafka-schemaregistry": ("#/servers/0/type", "server of type 'kafka'"),
    "schema/table-column": ("#/name", "'my_table' is no dataset id"),
    "schema/table-columns-with-partition": ("#/name", "'my_table' is no dataset id"),
    "server/azure-server": ("#/servers/0/type", "server of type 'azure'"),
    "server/kafka-server": ("#/servers/0/type", "server of type 'kafka'"),
    "sla/database-table-sla": ("#/schema", "describes one table, this has 0"),
    "stakeholders/basic-four-dpo": ("#/schema", "describes one table, this has 0"),
}
#: What each is refused for once it says what Headgate asks of every contract; others load then.
ADOPTED = {
    "data-types/all-data-types": (
        "/properties/3/logicalTypeOptions/defaultTimezone",
        "instants without an offset are read as UTC",
    ),
    "quality/column-custom": ("/quality/0/engine", "engine 'soda' is not run here"),
    "schema/kafka-schemaregistry": ("", "no columns"),
    "server/kafka-server": ("", "no columns"),
}
#: Those that load then, and some of the rules that each has.
LOADED = {
    "all/full-example": {"rcvr_id.required", "rcvr_id.max_length", "row_count",
                         "rcvr_cntry_code.null_values"},
    "fundamentals/table-column-description": {"txn_ref_dt.required"},
    "quality/column-accuracy": {"DataValue.sql"},
    "quality/column-completeness": {"UniqueID.required", "UniqueID.null_values"},
    "quality/column-validity": {"air_quality_status.invalid_values"},
    "schema/all-schema-types": {"rcvr_id.max_length"},
    "schema/kafka-schema": {"cust_id.required", "prod_id.required", "qty.required"},
    "schema/table-column": {"rcvr_cntry_code.max_length"},
    "schema/table-columns-with-partition": {"rcvr_id.required", "rcvr_cntry_code.required"},
}  # fmt: skip


@pytest.fixture(scope="module")
def examples(real_data: Path) -> dict[str, Document]:
    """Every example by its name."""
    folder = real_data / "odcs" / "examples"
    return {
        str(p.relative_to(folder)).removesuffix(".odcs.yaml"): yaml.safe_load(p.read_text("utf-8"))
        for p in sorted(folder.rglob("*.odcs.yaml"))
    }


def plain(value: Any) -> Any:
    """The document as JSON would have it: YAML reads some texts as dates."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def adopt(document: Document) -> Document:
    """The example with what Headgate asks beyond the standard, and with its first table alone."""
    found = copy.deepcopy(document)
    found.pop("servers", None)
    table = found["schema"][0]
    found["schema"] = [table]
    found |= {"name": "bronze.odcs.example", "team": {"name": "tests"}}
    found["customProperties"] = [{"property": "headgate.source", "value": {"format": "jsonl"}}]
    table["dataGranularityDescription"] = "One row is one row."
    for prop in table.get("properties", ()):
        prop["classification"] = prop["description"] = "as it is"
    if not any(p.get("primaryKey") for p in table.get("properties", ())):
        for prop in table.get("properties", ())[:1]:
            prop["primaryKey"] = True
    return found


def load(document: Document) -> Contract:
    return from_document(Path("contract.odcs.yaml"), plain(document))


def test_each_example_has_its_say(examples: dict[str, Document]) -> None:
    assert set(examples) == set(AS_IT_STANDS)
    assert len(examples) == 18
    without = {n for n, d in examples.items() if not d.get("schema")}
    big = {"all/postgresql-adventureworks-contract"}
    assert set(ADOPTED) | set(LOADED) | without | big == set(examples)


@pytest.mark.parametrize("name", AS_IT_STANDS)
def test_an_example_as_it_stands_is_refused_with_its_place(
    examples: dict[str, Document], name: str
) -> None:
    place, why = AS_IT_STANDS[name]
    with pytest.raises(ContractError) as refused:
        load(examples[name])
    assert refused.value.place == f"contract.odcs.yaml{place}"
    assert why in refused.value.message
    assert refused.value.remedy


@pytest.mark.parametrize("name", ADOPTED)
def test_an_example_that_asks_for_what_is_not_here_is_refused_all_the_same(
    examples: dict[str, Document], name: str
) -> None:
    place, why = ADOPTED[name]
    with pytest.raises(ContractError) as refused:
        load(adopt(examples[name]))
    assert refused.value.place.endswith(place) and why in refused.value.message
    assert refused.value.remedy


@pytest.mark.parametrize("name", LOADED)
def test_an_example_that_lacked_headgates_demands_alone_loads(
    examples: dict[str, Document], name: str
) -> None:
    document = adopt(examples[name])
    for element in (*document["schema"], *document["schema"][0]["properties"]):
        element.pop("relationships", None)  # to tables that only the example knows
    contract = load(document)
    assert {r.id for r in contract.rules} >= LOADED[name]
    if name == "quality/column-accuracy":
        with pytest.raises(ContractError, match="may read only") as refused:
            compile_table_rules(contract)
        assert refused.value.place.endswith("/properties/0/quality/0")
        return
    compile_row_rules(contract)
    compile_table_rules(contract)


def test_relationships_of_the_full_example_need_a_parent(examples: dict[str, Document]) -> None:
    contract = load(adopt(examples["all/full-example"]))
    found = {r.id: dict(r.arguments) for r in contract.rules if r.kind == "foreign_key"}
    assert found["rcvr_id_rcvr_cntry_code.foreign_key"]["parent_columns"] == ["id", "country_code"]
    assert found["rcvr_id.foreign_key"]["parent"] == "receivers"


def test_types_of_the_data_types_example(examples: dict[str, Document]) -> None:
    document = adopt(examples["data-types/all-data-types"])
    properties = document["schema"][0]["properties"]
    del properties[3]["logicalTypeOptions"]["defaultTimezone"]
    contract = load(document)
    assert {c.name: c.type for c in contract.columns} == {
        "account_id": "string", "txn_ref_date": "date", "txn_timestamp": "timestamp",
        "txn_timestamp_tz": "timestamp", "txn_time": "string", "amount": "double",
        "age": "integer", "is_open": "boolean", "latest_txns": "array<string>",
        "customer_details": "json",
    }  # fmt: skip
    assert len(compile_row_rules(contract)) == len(contract.row_rules) > 20


def test_tables_of_a_real_database_have_columns_or_a_reason(examples: dict[str, Document]) -> None:
    """68 tables of a real database: types that we have no column type for are named, one by one."""
    document, loaded, refused = examples["all/postgresql-adventureworks-contract"], 0, []
    for table in document["schema"]:
        try:
            load(adopt({**document, "schema": [table], "status": "active"}))
            loaded += 1
        except ContractError as error:
            refused.append(error)
    assert all("is no column type" in e.message and "/physicalType" in e.place for e in refused)
    unknown = {e.message.split("'")[1] for e in refused}
    domains = {"AccountNumber", "Flag", "Name", "NameStyle", "Phone"}
    assert unknown == {*domains, "bytea", "numeric", "xml"}
    assert (loaded, len(refused)) == (20, 48)
