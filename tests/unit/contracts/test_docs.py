"""The catalogue page leaves nothing of a contract out, and is the same for the same contract."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.contracts import docs, load, properties, wording
from headgate.contracts.model import INGEST_COLUMNS, Contract, Promise, Rule
from headgate.quality import kinds

SOURCES = Path(__file__).resolve().parents[3] / "libs" / "headgate" / "contracts"
ORDERS = """
apiVersion: v3.1.0
kind: DataContract
id: orders
name: bronze.shop.orders
version: 2.1.0
status: active
tags: [shop]
description:
  purpose: Orders as the shop <b>sent</b> them.
  usage: Read `<silver>` instead.
  limitations: "Late | by a day."
team: {name: shop-team, members: [{username: ada, role: owner}]}
customProperties:
  - {property: headgate.source, value: {format: jsonl, path: "in/*.jsonl"}}
  - {property: headgate.releaseGroup, value: sales}
  - {property: headgate.maxQuarantineShare, value: 0.05}
  - {property: headgate.orderColumn, value: placed_at}
slaProperties:
  - {property: freshness, value: 2, unit: d}
  - {property: retention, value: 90, unit: d}
schema:
  - name: orders
    dataGranularityDescription: One order.
    properties:
      - {name: shop, logicalType: string, primaryKey: true, primaryKeyPosition: 1, description: The shop., classification: public, enum: [{value: a}, {value: ""}]}
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 2, description: Its number., classification: public, unique: true, logicalTypeOptions: {minimum: 1, exclusiveMaximum: 1000000}}
      - name: email
        logicalType: string
        description: Who ordered.
        classification: confidential
        examples: [ada@example.org]
        customProperties: [{property: headgate.personalData, value: true}, {property: headgate.severity, value: warn}]
        logicalTypeOptions: {minLength: 1, maxLength: 254, format: email, pattern: "^[^@]+@(a|b)  c$"}
        quality:
          - {name: mostly, metric: nullValues, unit: percent, mustBeLessThan: 5, severity: warn}
          - {name: known, metric: missingValues, arguments: {missingValues: [null, "", "n/a"]}, mustBeLessOrEqualTo: 10}
          - {name: valid, metric: invalidValues, arguments: {pattern: "@", validValues: [x]}, unit: percent, mustBeBetween: [0, 1]}
      - name: customer
        logicalType: integer
        description: The customer.
        classification: internal
        relationships:
          - to: silver.shop.customers.id
            customProperties: [{property: headgate.missingParent, value: wait}]
      - {name: placed_at, logicalType: timestamp, description: When., classification: public}
    quality:
      - {name: some, metric: rowCount, mustBeGreaterThan: 0, description: The shop is open.}
      - {name: once, metric: duplicateValues, arguments: {properties: [shop, id]}, mustBe: 0}
      - {name: sane, type: custom, engine: headgate, implementation: "placed_at\\n  > '2020-01-01'"}
      - {name: recent, type: sql, query: "SELECT count(*) FROM {table}", mustNotBe: 7, severity: warn}
"""  # fmt: skip


@pytest.fixture
def orders(tmp_path: Path) -> Contract:
    path = tmp_path / "orders.yaml"
    path.write_text(ORDERS, "utf-8")
    return load.load(path)


def cells(page: str, first: str) -> list[str]:
    """The cells of the table row that begins with ``first``."""
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {first} |")]
    return [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", row)[1:-1]]


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("Grain", "One order."),
        ("Key", "`shop`, `id`"),
        ("Owner", "ada"),
        ("Contract", "version 2.1.0, active"),
        ("Comes from", "jsonl files at `in/*.jsonl`"),
        ("Fresh", "within 48 hours"),
        ("Kept", "for 90 days"),
        ("Released with", "group `sales`"),
        ("Batch refused", "beyond 0.05 of its rows set aside"),
        ("Of two versions of a row", "the one with the greater `placed_at`"),
        ("Personal data", "`email`"),
        ("Tags", "shop"),
    ],
)
def test_page_tells_the_facts(fact: str, expected: str, orders: Contract) -> None:
    assert cells(docs.page(orders), fact)[1] == expected


def test_page_opens_with_what_the_dataset_is_for(orders: Contract) -> None:
    lines = docs.page(orders).splitlines()
    assert lines[0] == "# bronze.shop.orders"
    assert "Orders as the shop &lt;b>sent&lt;/b> them." in lines
    assert "**Use:** Read `<silver>` instead." in lines
    assert "**Limits:** Late | by a day." in lines


def test_page_describes_every_column(orders: Contract) -> None:
    page = docs.page(orders)
    for column in orders.columns:
        assert cells(page, f"`{column.name}`")[1] == column.type
    for name, kind in INGEST_COLUMNS.items():
        assert cells(page, f"`{name}`")[1:3] == [kind, docs.INGEST_MEANINGS[name]]
    assert cells(page, "`email`") == [
        "`email`", "string", "Who ordered. For example `ada@example.org`.", "confidential", "yes",
        "`min_length`, `max_length`, `pattern`, `format`, `mostly`, `known`, `valid`",
    ]  # fmt: skip
    assert set(docs.INGEST_MEANINGS) == set(INGEST_COLUMNS)


def test_page_of_a_model_has_no_columns_of_ingest(orders: Contract) -> None:
    page = docs.page(replace(orders, source=None, model="int_shop__orders", inputs=()))
    assert "_batch_id" not in page
    assert cells(page, "Comes from")[1] == "dbt model `int_shop__orders`"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("shop.required", "a value"),
        ("shop.enum", 'one of `a`, `""`'),
        ("id.unique", "no two rows with the same `id`"),
        ("id.minimum", "at least `1`"),
        ("id.exclusive_maximum", "less than `1000000`"),
        ("email.min_length", "at least 1 character"),
        ("email.max_length", "at most 254 characters"),
        ("email.pattern", "text that matches `^[^@]+@(a|b)  c$`"),
        ("email.format", "text of the format `email`"),
        ("email.mostly", "rows without `email`: less than 5 % of all"),
        ("email.known", 'rows without `email` or with `""`, `n/a` in it: at most 10'),
        (
            "email.valid",
            "rows whose `email` is not one of `x` and text that matches `@`: "
            "between 0 and 1 % of all",
        ),
        (
            "customer.foreign_key",
            "`customer` is `id` of a row of `silver.shop.customers`; a row without it waits for it",
        ),
        ("some", "rows of the table: more than 0"),
        ("once", "rows that repeat `shop`, `id`: exactly 0"),
        ("sane", "`placed_at > '2020-01-01'` in each row"),
        ("recent", "`SELECT count(*) FROM {table}` gives anything but 7"),
    ],
)
def test_page_says_in_words_what_a_rule_demands(rule: str, words: str, orders: Contract) -> None:
    assert cells(docs.page(orders), f"`{rule}`")[3] == words


def test_page_tells_every_rule_with_kind_severity_and_reason(orders: Contract) -> None:
    page = docs.page(orders)
    for rule in orders.rules:
        row = cells(page, f"`{rule.id}`")
        assert row[1:3] == [rule.kind, rule.scope]
        assert row[4].partition(":")[0] == rule.severity
        assert row[3]
    assert cells(page, "`some`")[5] == "The shop is open."


def test_terminal_gets_the_words_without_backticks(orders: Contract) -> None:
    assert wording.expectation(orders.rules[0]) == "a value"
    assert "`" not in "".join(wording.expectation(r) for r in orders.rules)


def test_every_kind_that_contracts_can_ask_for_has_words() -> None:
    assert set(kinds.REGISTRY) == set(wording._WORDS)


def test_page_shows_what_is_promised_in_words_alone(orders: Contract) -> None:
    assert "Promises that nothing judges" not in docs.page(orders)
    promise = Promise("Totals are | what the till says.", "total", "accuracy")
    page = docs.page(replace(orders, promises=(promise,)))
    part = page.partition("## Promises that nothing judges")[2]
    assert cells(part, "`total`")[1:] == ["accuracy", "Totals are | what the till says."]
    assert orders.rules == replace(orders, promises=(promise,)).rules


def test_kind_without_words_is_told_by_its_arguments() -> None:
    rule = Rule("r", "sortedness", "table", "warn", "a", {"by": ["a", "b"], "strict": True})
    assert docs.expectation(rule, markdown=True) == 'by: `["a","b"]`, strict: `true`'


def test_page_shows_neighbours(orders: Contract) -> None:
    daily = replace(
        orders, name=replace(orders.name, layer="gold", name="daily"), source=None, model="daily",
        inputs=("bronze.shop.orders",), rules=(), description="Orders a day.",
    )  # fmt: skip
    known = {c.id: c for c in (orders, daily)}
    page = docs.page(orders, known)
    assert cells(page, "`gold.shop.daily`") == ["`gold.shop.daily`", "reads it", "Orders a day."]
    assert cells(page, "`silver.shop.customers`")[1] == "looked up by key"
    below = docs.page(daily, known)
    assert cells(below, "`bronze.shop.orders`")[1] == "read"
    better = docs.page(daily, known, reads={"gold.shop.daily": ["silver.shop.sales"]})
    assert cells(better, "`silver.shop.sales`")[1] == "read"
    assert "bronze.shop.orders" not in better
    assert "## Downstream" not in docs.page(orders)


def test_page_is_the_same_in_every_process(orders: Contract) -> None:
    code = (
        "import sys; from pathlib import Path; from headgate.contracts import docs, load;"
        "sys.stdout.write(docs.page(load.load(Path(sys.argv[1]))))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code, str(orders.path)],
            env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert seen == {docs.page(orders)}


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=2, max_size=2))
def test_no_text_breaks_a_table(texts: list[str]) -> None:
    table = docs.markdown_table(("a", "b"), [[texts[0], docs.code(texts[1])]])
    head, rule, *rows = table.split("\n")
    assert (head, rule, len(rows)) == ("| a | b |", "| --- | --- |", 1)
    assert len(re.split(r"(?<!\\)\|", rows[0])) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", "`a`"), ("", ""), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("``", "``` `` ```")],
)
def test_code_holds_whatever_backticks_it_has(text: str, expected: str) -> None:
    assert wording.code(text) == expected


def test_every_custom_property_that_is_read_is_documented_and_no_other() -> None:
    text = "".join(
        (SOURCES / f"{name}.py").read_text("utf-8")
        for name in ("load", "live", "origin", "protection", "timing", "rules", "relations")
    )
    read = set(re.findall(r'(?:\bprops|custom\(\w+\))(?:\.get\(|\[)"(\w+)"', text))
    read |= set(re.findall(r'"(\w+)" (?:not )?in props\b', text))
    assert read == {p.name for p in properties.PROPERTIES}
    reference = docs.reference_of_contract_properties()
    for prop in properties.PROPERTIES:
        assert cells(reference, f"`headgate.{prop.name}`")[1]
