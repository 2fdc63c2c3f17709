"""Contract changes: nothing changed is nothing told, and what is compatible loses no row."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.contracts.diff import (
    BREAKING,
    COMPATIBLE,
    NEEDS_BACKFILL,
    SEVERITIES,
    compare,
    gravest,
    renames,
)
from headgate.contracts.load import FILE_NAME, from_document, load_all
from headgate.contracts.model import Contract
from headgate.contracts.strictness import keeps_out
from headgate.quality.examples import broken_rules
from headgate.quality.predicates import compile_row_rules

CONTRACTS = Path(__file__).resolve().parents[3] / "data_contracts"
Document = dict[str, Any]
BASE: Document = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "orders",
    "name": "bronze.shop.orders",
    "version": "1.0.0",
    "status": "active",
    "team": {"name": "shop"},
    "customProperties": [{"property": "headgate.source", "value": {"format": "jsonl"}}],
    "schema": [
        {
            "name": "orders",
            "dataGranularityDescription": "One row is one order.",
            "properties": [
                {"name": "shop", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1},
                {"name": "id", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 2},
                {
                    "name": "note", "logicalType": "string",
                    "logicalTypeOptions": {"minLength": 1, "maxLength": 10},
                    "enum": [{"value": "a"}, {"value": "bb"}],
                },
                {"name": "size", "logicalType": "integer",
                 "logicalTypeOptions": {"minimum": 0, "exclusiveMaximum": 100, "multipleOf": 10}},
            ],
        }
    ],
}  # fmt: skip


def contract(change: Callable[[Document, dict[str, Document]], Any] | None = None) -> Contract:
    document = copy.deepcopy(BASE)
    properties = {p["name"]: p for p in document["schema"][0]["properties"]}
    if change:
        change(document, properties)
    for prop in document["schema"][0]["properties"]:
        prop.setdefault("classification", "internal")
        prop.setdefault("description", "Something.")
    return from_document(Path("contract.odcs.yaml"), document)


def option(column: str, name: str, value: Any) -> Callable[[Document, dict[str, Document]], None]:
    return lambda _, columns: columns[column]["logicalTypeOptions"].update({name: value})


def column(of: str, /, **parts: Any) -> Callable[[Document, dict[str, Document]], None]:
    return lambda _, columns: columns[of].update(parts)


def whole(**parts: Any) -> Callable[[Document, dict[str, Document]], None]:
    return lambda document, _: document.update(parts)


def table(**parts: Any) -> Callable[[Document, dict[str, Document]], None]:
    return lambda document, _: document["schema"][0].update(parts)


def added(**parts: Any) -> Callable[[Document, dict[str, Document]], None]:
    return lambda document, _: document["schema"][0]["properties"].append({"name": "new", **parts})


def dropped(document: Document, _: dict[str, Document]) -> None:
    del document["schema"][0]["properties"][3]


def own(name: str, value: Any) -> Callable[[Document, dict[str, Document]], None]:
    entry = {"property": f"headgate.{name}", "value": value}
    return lambda document, _: document["customProperties"].append(entry)


def severity(name: str) -> Callable[[Document, dict[str, Document]], None]:
    entry = {"property": "headgate.severity", "value": name}
    return column("size", customProperties=[entry])


CHECK = {"type": "custom", "engine": "headgate", "implementation": "size > 3", "id": "check"}
CHANGES: list[tuple[str, Any, str, str]] = [
    ("a description", column("note", description="Else."), COMPATIBLE, "documentation"),
    ("an owner", whole(team={"name": "other"}), COMPATIBLE, "documentation"),
    ("a version", whole(version="1.0.1"), COMPATIBLE, "documentation"),
    ("a domain, of which nothing depends", whole(domain="sales"), COMPATIBLE, "document"),
    ("a class", column("note", classification="public"), COMPATIBLE, "protection"),
    ("a person", column("note", customProperties=[{"property": "headgate.personalData",
     "value": True}]), COMPATIBLE, "protection"),
    ("an end of a flow", column("note", customProperties=[{"property": "headgate.anonymized",
     "value": {"how": "Counted."}}]), COMPATIBLE, "protection"),
    ("a retention", whole(slaProperties=[{"property": "retention", "value": 1}]), COMPATIBLE,
     "documentation"),
    ("a release group", own("releaseGroup", "else"), COMPATIBLE, "release_group"),
    ("an order column", own("orderColumn", "size"), COMPATIBLE, "order_column"),
    ("a field of the source", column("note", physicalName="memo"), COMPATIBLE, "field"),
    ("a new optional column", added(logicalType="string"), COMPATIBLE, "added"),
    ("a longer text", option("note", "maxLength", 11), COMPATIBLE, "rule"),
    ("a shorter text", option("note", "minLength", 0), COMPATIBLE, "rule"),
    ("a lower bound", option("size", "minimum", -1), COMPATIBLE, "rule"),
    ("a bound that is in now", lambda d, c: c["size"].update(logicalTypeOptions={
        "minimum": 0, "maximum": 100, "multipleOf": 10}), COMPATIBLE, "rule"),
    ("a divisor", option("size", "multipleOf", 5), COMPATIBLE, "rule"),
    ("a wider list", column("note", enum=[{"value": v} for v in ("a", "bb", "c")]), COMPATIBLE,
     "rule"),
    ("a rule that is gone", column("note", enum=None, logicalTypeOptions={}), COMPATIBLE, "rule"),
    ("a warning", severity("warn"), COMPATIBLE, "rule"),
    ("a batch refused, not a row", severity("fail"), COMPATIBLE, "rule"),
    ("a new warning", table(quality=[{**CHECK, "severity": "warn"}]), COMPATIBLE, "rule"),
    ("a rule of the table", table(quality=[{"metric": "rowCount", "mustBe": 1}]), COMPATIBLE,
     "rule"),
    ("words", table(quality=[{"type": "text", "description": "nice"}]), COMPATIBLE, "promises"),
    ("a shorter limit", option("note", "maxLength", 9), NEEDS_BACKFILL, "rule"),
    ("a higher bound", option("size", "minimum", 1), NEEDS_BACKFILL, "rule"),
    ("no divisor", option("size", "multipleOf", 20), NEEDS_BACKFILL, "rule"),
    ("a shorter list", column("note", enum=[{"value": "a"}]), NEEDS_BACKFILL, "rule"),
    ("a required column", column("note", required=True), NEEDS_BACKFILL, "rule"),
    ("a new required column", added(logicalType="string", required=True), NEEDS_BACKFILL, "rule"),
    ("a new condition", table(quality=[CHECK]), NEEDS_BACKFILL, "rule"),
    ("the key's order", lambda _, c: (c["shop"].update(primaryKeyPosition=2),
                                      c["id"].update(primaryKeyPosition=1)), NEEDS_BACKFILL, "key"),
    ("no column", dropped, BREAKING, "dropped"),
    ("another name", column("size", name="extent", physicalName="size"), BREAKING, "renamed"),
    ("another type", column("size", logicalType="number"), BREAKING, "retyped"),
    ("another key", column("size", primaryKey=True), BREAKING, "key"),
    ("another grain", table(dataGranularityDescription="One row is one item."), BREAKING, "grain"),
    ("another dataset", whole(name="bronze.shop.sales"), BREAKING, "dataset"),
    ("a model", lambda d, _: d.update(name="silver.shop.orders", customProperties=[]), BREAKING,
     "origin"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected", "kind"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_each_change_is_told_with_its_severity(change: Any, expected: str, kind: str) -> None:
    found = compare(contract(), contract(_tidy(change)))
    assert gravest(found) == expected
    assert (kind, expected) in {(c.kind, c.severity) for c in found}
    assert [SEVERITIES.index(c.severity) for c in found] == sorted(
        (SEVERITIES.index(c.severity) for c in found), reverse=True
    )
    assert all(c.what[0].isupper() and c.what.endswith(".") for c in found)


def _tidy(change: Any) -> Any:
    """A change that leaves nothing empty behind, which the standard would refuse."""

    def tidy(document: Document, columns: dict[str, Document]) -> None:
        change(document, columns)
        for prop in document["schema"][0]["properties"]:
            for key in [k for k, v in prop.items() if v is None]:
                del prop[key]

    return tidy


def test_a_loosened_rule_and_its_way_back() -> None:
    loose = contract(option("note", "maxLength", 20))
    assert gravest(compare(contract(), loose)) == COMPATIBLE
    assert gravest(compare(loose, contract())) == NEEDS_BACKFILL
    warned, back = contract(severity("warn")), compare(contract(severity("warn")), contract())
    assert compare(contract(), warned) and gravest(back) == NEEDS_BACKFILL


def test_a_rule_by_another_name_or_in_another_form_is_no_tightening() -> None:
    quality = [{"id": "known", "metric": "invalidValues", "mustBe": 0,
                "arguments": {"validValues": ["a", "bb", "c"]}}]  # fmt: skip
    other = contract(_tidy(column("note", enum=None, quality=quality)))
    assert gravest(compare(contract(), other)) == COMPATIBLE


def test_renames_follow_the_field_of_the_source() -> None:
    new = contract(column("size", name="extent", physicalName="size"))
    assert renames(contract(), new) == {"size": "extent"}
    assert renames(new, contract()) == {"extent": "size"}
    assert renames(contract(), contract()) == {}


@pytest.mark.parametrize("path", sorted(CONTRACTS.rglob(FILE_NAME)), ids=lambda p: p.parent.name)
def test_a_contract_is_what_it_is(path: Path) -> None:
    found = load_all(CONTRACTS)
    mine = next(c for c in found.values() if c.path == path)
    again = from_document(path, mine.document)
    assert compare(again, again) == ()
    other = from_document(path, {**mine.document, "version": "99.0.0"})
    assert {c.severity for c in compare(again, other)} == {COMPATIBLE}


def _random(rng: random.Random) -> Callable[[Document, dict[str, Document]], None]:
    """Limits of two columns, each of them or none."""

    def change(document: Document, columns: dict[str, Document]) -> None:
        def some(options: dict[str, list[Any]]) -> dict[str, Any]:
            return {k: rng.choice(v) for k, v in options.items() if rng.random() < 0.6}

        columns["note"]["logicalTypeOptions"] = some(
            {"minLength": [0, 1, 2], "maxLength": [2, 3, 9], "pattern": ["^a", "b", "^a|b"]}
        )
        columns["size"]["logicalTypeOptions"] = some(
            {"minimum": [-5, 0, 5], "exclusiveMinimum": [-5, 0, 4.5], "maximum": [10, 50],
             "exclusiveMaximum": [10, 50.5], "multipleOf": [1, 2, 5, 2.5], "format": ["i8", "u8"]}
        )  # fmt: skip
        columns["note"]["required"] = rng.random() < 0.3
        values = rng.sample(["a", "ab", "b", "bbb", ""], rng.randint(1, 5))
        if rng.random() < 0.5:
            columns["note"]["enum"] = [{"value": v} for v in values]
        else:
            del columns["note"]["enum"]
        level = rng.choice(["warn", "quarantine", "quarantine", "fail"])
        entry = {"property": "headgate.severity", "value": level}
        columns[rng.choice(["note", "size"])]["customProperties"] = [entry]

    return change


def test_no_row_that_was_let_in_breaks_what_a_compatible_change_demands() -> None:
    rng = random.Random(4)
    notes = [None, "", "a", "ab", "b", "bbb", "aaaaaaaaaa"]
    sizes = [None, -300, -5, -4, 0, 1, 2, 4, 5, 9, 10, 11, 50, 51, 127, 128, 255, 256]
    rows = [
        {"shop": "s", "id": 1, "note": n, "size": s, "_rescued": None, "_source": "f",
         "_position": 1, "_batch_id": "b", "_ingested_at": None}
        for n in notes for s in sizes
    ]  # fmt: skip
    made = [contract(_random(rng)) for _ in range(24)]
    held = [_held(c, rows) for c in made]
    compatible = tighter = 0
    for old, before in zip(made, held, strict=True):
        for new, after in zip(made, held, strict=True):
            changes = compare(old, new)
            assert bool(changes) is (old.hash != new.hash)
            if gravest(changes) == COMPATIBLE:
                compatible += old is not new
                assert before <= after, [c.what for c in changes]
            else:
                tighter += 1
    assert compatible >= 5 and tighter >= 300


def _held(made: Contract, rows: list[dict[str, Any]]) -> set[int]:
    rules = [r for r in compile_row_rules(made) if keeps_out(r.rule)]
    return {i for i, broken in enumerate(broken_rules(made, rules, rows)) if not broken}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"maximum": 9}, {"maximum": 10}, ["loosens"]),
        ({"maximum": 10}, {"maximum": 9}, ["tightens"]),
        ({"maximum": 10}, {"maximum": 10.0}, []),
        ({}, {"maximum": 10}, ["tightens"]),
        ({"maximum": 10}, {}, ["loosens"]),
        ({"exclusiveMaximum": 10}, {"exclusiveMaximum": 9}, ["tightens"]),
        ({"multipleOf": 3}, {"multipleOf": 2}, ["tightens"]),
    ],
)
def test_a_changed_rule_is_told_to_promise_more_or_less(
    old: Document, new: Document, expected: list[str]
) -> None:
    sides = [added(logicalType="number", logicalTypeOptions=o) if o else added(logicalType="number")
             for o in (old, new)]  # fmt: skip
    found = compare(*map(contract, sides))
    assert [c.direction for c in found if c.kind == "rule"] == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("warn", "fail", "tightens"),
        ("fail", "warn", "loosens"),
        ("quarantine", "fail", "tightens"),
    ],
)
def test_a_rule_of_another_severity_promises_more_or_less(
    old: str, new: str, expected: str
) -> None:
    sides = [table(quality=[{**CHECK, "severity": severity}]) for severity in (old, new)]
    found = compare(*map(contract, sides))
    assert [c.direction for c in found if c.kind == "rule"] == [expected]
