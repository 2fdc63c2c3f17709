"""ODCS quality that nothing judges is refused where it stands; any kind can be named."""

from __future__ import annotations

from typing import Any

import pytest

from headgate.contracts.editions import modern
from headgate.contracts.rules import promises_of, rules_of
from headgate.core.errors import ContractError


def custom(engine: str, implementation: Any) -> dict[str, Any]:
    return {"type": "custom", "engine": engine, "implementation": implementation}


def table(**prop: Any) -> dict[str, Any]:
    return {"name": "t", "properties": [{"name": "c", "logicalType": "string", **prop}]}


@pytest.mark.parametrize(
    ("prop", "place"),
    [
        ({"logicalTypeOptions": {"multipleOf": 2}, "logicalType": "date"}, "multipleOf"),
        ({"logicalTypeOptions": {"format": "yyyy"}, "logicalType": "date"}, "format"),
        ({"logicalTypeOptions": {"format": "hh:mm a"}, "logicalType": "time"}, "format"),
        ({"logicalTypeOptions": {"format": "dd.MM.yyyy HH:mm"}, "logicalType": "timestamp"}, "format"),
        ({"logicalTypeOptions": {"format": "iban"}}, "format"),
        (
            {"logicalTypeOptions": {"defaultTimezone": "Australia/Sydney"}, "logicalType": "timestamp"},
            "defaultTimezone",
        ),
        ({"quality": [{"metric": "invalidValues", "mustBe": 0}]}, "quality/0"),
        ({"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"valid": []}}]}, "valid"),
        ({"quality": [{"metric": "nullValues", "mustBe": 0, "mustNotBe": 1}]}, "quality/0"),
        ({"quality": [{"metric": "nullValues", "mustBe": 0, "unit": "bytes"}]}, "quality/0"),
        ({"quality": [{"metric": "rowCount", "mustBe": 1, "unit": "percent"}]}, "unit"),
        ({"quality": [{"type": "sql", "query": "SELECT 1", "mustBe": 1, "unit": "percent"}]}, "unit"),
        ({"quality": [{"metric": "rowCount", "mustBe": 1, "severity": "quarantine"}]}, "quality/0"),
        ({"quality": [{"metric": "freshness", "mustBe": 1}]}, "quality/0"),
        ({"quality": [custom("headgate", {})]}, "quality/0"),
        ({"quality": [custom("soda", "x")]}, "quality/0/engine"),
        ({"quality": [custom("dbt", {"test": "unique"})]}, "quality/0/engine"),
        ({"quality": [custom("greatExpectations", "a: [")]}, "implementation"),
        ({"quality": [custom("greatExpectations", {"kwargs": {}})]}, "implementation"),
        ({"quality": [custom("greatExpectations", {"type": "x", "mostly": 1})]}, "implementation"),
        ({"properties": [{"name": "x", "quality": [{"metric": "nullValues"}]}]}, "properties/0/quality"),
        ({"items": {"logicalTypeOptions": {"maxLength": 3}}}, "items/logicalTypeOptions"),
        ({"relationships": [{"to": "nowhere"}]}, "relationships/0"),
        ({"relationships": [{"to": ["a.b", "a.c"]}]}, "relationships/0"),
        ({"relationships": [{"to": "t.c"}]}, "relationships/0"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused_with_its_place(prop: dict[str, Any], place: str) -> None:
    with pytest.raises(ContractError) as refused:
        rules_of(table(**prop), "here")
    assert refused.value.place.startswith("here/properties/0") and place in refused.value.place
    assert refused.value.remedy


OPTIONS: list[tuple[str, dict[str, Any], dict[str, tuple[str, dict[str, Any]]]]] = [
    ("string", {"minLength": 1, "maxLength": 9, "pattern": "^a", "format": "uuid"}, {
        "c.min_length": ("min_length", {"value": 1}), "c.max_length": ("max_length", {"value": 9}),
        "c.pattern": ("pattern", {"value": "^a"}), "c.format": ("format", {"value": "uuid"})}),
    ("string", {"format": "password"}, {}),
    ("integer", {"minimum": 1, "exclusiveMaximum": 9, "multipleOf": 2, "format": "u8"}, {
        "c.minimum": ("minimum", {"value": 1, "exclusive": False}),
        "c.exclusive_maximum": ("maximum", {"value": 9, "exclusive": True}),
        "c.multiple_of": ("multiple_of", {"value": 2}),
        "c.format_minimum": ("minimum", {"value": 0, "exclusive": False}),
        "c.format_maximum": ("maximum", {"value": 255, "exclusive": False})}),
    ("number", {"format": "f64"}, {}),
    ("number", {"format": "f32"}, {
        "c.format_minimum": ("minimum", {"value": -3.4028234663852886e38, "exclusive": False}),
        "c.format_maximum": ("maximum", {"value": 3.4028234663852886e38, "exclusive": False})}),
    ("date", {"exclusiveMinimum": "2020-01-01", "format": "yyyy-MM-dd"}, {
        "c.exclusive_minimum": ("minimum", {"value": "2020-01-01", "exclusive": True})}),
    ("timestamp", {"maximum": "2021-01-01 00:00:00+10:00", "format": "yyyy-MM-dd HH:mm:ssZ",
                   "timezone": True, "defaultTimezone": "Etc/UTC"}, {
        "c.maximum": ("maximum", {"value": "2021-01-01 00:00:00+10:00", "exclusive": False})}),
    ("timestamp", {"format": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"}, {}),
    ("time", {"minimum": "09:00", "exclusiveMaximum": "17:00:00", "format": "HH:mm:ss"}, {
        "c.time": ("format", {"value": "time"}),
        "c.minimum": ("earliest", {"value": "09:00", "exclusive": False}),
        "c.exclusive_maximum": ("latest", {"value": "17:00:00", "exclusive": True})}),
    ("array", {"minItems": 0, "maxItems": 3, "uniqueItems": True}, {
        "c.min_items": ("min_items", {"value": 0}), "c.max_items": ("max_items", {"value": 3}),
        "c.unique_items": ("unique_items", {})}),
    ("array", {"uniqueItems": False}, {}),
    ("object", {"minProperties": 1, "maxProperties": 5, "required": ["a"]}, {
        "c.min_properties": ("min_properties", {"value": 1}),
        "c.max_properties": ("max_properties", {"value": 5}),
        "c.required_properties": ("required_properties", {"values": ["a"]})}),
]  # fmt: skip


@pytest.mark.parametrize(("logical", "options", "expected"), OPTIONS)
def test_each_option_of_a_logical_type_is_a_rule(
    logical: str, options: dict[str, Any], expected: dict[str, tuple[str, dict[str, Any]]]
) -> None:
    found = rules_of(table(logicalType=logical, logicalTypeOptions=options), "here")
    assert {r.id: (r.kind, dict(r.arguments)) for r in found} == expected
    assert {r.scope for r in found} <= {"row"}


def test_the_length_of_a_physical_type_is_a_promise_too() -> None:
    (rule,) = rules_of(table(physicalType="varchar(18)"), "here")
    assert (rule.id, rule.kind, rule.arguments) == ("c.max_length", "max_length", {"value": 18})


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"metric": "nullValues", "mustBe": 0}, ("required", "row", {})),
        ({"metric": "nullValues", "mustBeLessThan": 5, "unit": "percent"},
         ("null_share", "table", {"operator": "mustBeLessThan", "value": 5, "unit": "percent"})),
        ({"metric": "missingValues", "mustBe": 0, "arguments": {"missingValues": [None, ""]}},
         ("missing_share", "table", {"missingValues": [None, ""], "operator": "mustBe", "value": 0, "unit": "rows"})),
        ({"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["a", None]}},
         ("accepted_values", "row", {"values": ["a"]})),
        ({"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "a"}},
         ("pattern", "row", {"value": "a"})),
        ({"metric": "invalidValues", "mustBeBetween": [0, 2], "arguments": {"pattern": "a"}},
         ("invalid_share", "table", {"pattern": "a", "operator": "mustBeBetween", "value": [0, 2], "unit": "rows"})),
        ({"metric": "duplicateValues", "mustBe": 0},
         ("duplicate_count", "table", {"columns": ["c"], "operator": "mustBe", "value": 0, "unit": "rows"})),
        ({"metric": "duplicateValues", "mustNotBeBetween": [1, 3], "arguments": {"properties": ["t.c", "d"]}},
         ("duplicate_count", "table", {"columns": ["c", "d"], "operator": "mustNotBeBetween", "value": [1, 3], "unit": "rows"})),
        ({"type": "sql", "query": "SELECT 1", "mustNotBe": 2},
         ("sql", "table", {"query": "SELECT 1", "operator": "mustNotBe", "value": 2, "unit": "rows"})),
        (custom("great-expectations", "expect_x"),
         ("great_expectations", "table", {"type": "expect_x", "kwargs": {"column": "c"}})),
        (custom("greatExpectations", {"expectation_type": "expect_x", "kwargs": {"min_value": 1}}),
         ("great_expectations", "table", {"type": "expect_x", "kwargs": {"column": "c", "min_value": 1}})),
        (custom("greatExpectations", '{"expectationType": "ExpectX", "kwargs": {"column_list": ["a"]}}'),
         ("great_expectations", "table", {"type": "expect_x", "kwargs": {"column_list": ["a"]}})),
    ],
)  # fmt: skip
def test_each_form_of_quality_is_a_rule(
    entry: dict[str, Any], expected: tuple[str, str, dict[str, Any]]
) -> None:
    (rule,) = rules_of(table(quality=[entry]), "here")
    assert (rule.kind, rule.scope, dict(rule.arguments)) == expected
    assert rule.place == "here/properties/0/quality/0"


@pytest.mark.parametrize(
    ("word", "row", "whole"),
    [("info", "warn", "warn"), ("warning", "warn", "warn"), ("error", "quarantine", "fail"),
     ("critical", "fail", "fail"), ("quarantine", "quarantine", None)],
)  # fmt: skip
def test_severities_of_the_standard_are_understood(word: str, row: str, whole: str | None) -> None:
    entry = {"metric": "nullValues", "mustBe": 0, "severity": word}
    assert rules_of(table(quality=[entry]), "here")[0].severity == row
    if whole:
        entry = {**entry, "mustBe": 1}
        assert rules_of(table(quality=[entry]), "here")[0].severity == whole


def test_words_are_promises_and_no_rules() -> None:
    prop = table(quality=[{"type": "text", "description": "is  nice", "dimension": "accuracy"}])
    whole = {**prop, "quality": [{"description": "all of it"}]}
    assert rules_of(whole, "here") == ()
    assert [(p.text, p.column, p.dimension) for p in promises_of(whole, "here")] == [
        ("all of it", None, ""), ("is nice", "c", "accuracy"),
    ]  # fmt: skip
    with pytest.raises(ContractError, match="says nothing"):
        promises_of(table(quality=[{"type": "text"}]), "here")


def test_a_reference_to_the_own_table_judges_it_as_a_whole() -> None:
    relation = {"to": "schema/t/properties/id", "customProperties": [
        {"property": "headgate.missingParent", "value": "warn"}]}  # fmt: skip
    given = table(relationships=[relation])
    given["properties"].append({"name": "identity", "id": "id"})
    (rule,) = rules_of(given, "here")
    assert (rule.kind, rule.scope, rule.severity) == ("sql", "table", "warn")
    assert 'parent."identity" = child."c"' in rule.arguments["query"]


def test_rules_of_the_edition_before_are_understood() -> None:
    rules = [
        {"type": "library", "rule": "nullCheck"},
        {"rule": "duplicateCount", "mustBeLessThan": 3, "unit": "percent"},
        {"rule": "validValues", "validValues": ["a", "b"]},
    ]
    document = {"apiVersion": "v3.0.2", "schema": [table(quality=rules)]}
    found = rules_of(modern(document)["schema"][0], "here")
    assert [(r.kind, r.scope) for r in found] == [
        ("required", "row"), ("duplicate_count", "table"), ("accepted_values", "row"),
    ]  # fmt: skip
    newer = {**document, "apiVersion": "v3.1.0"}
    assert modern(newer) is newer


def test_a_kind_can_be_named_with_its_arguments() -> None:
    implementation = {"kind": "minimum", "value": 3}
    quality = [
        {"id": "q", "type": "custom", "engine": "headgate", "implementation": implementation}
    ]
    (rule,) = rules_of(table(quality=quality), "here")
    assert (rule.id, rule.kind, rule.scope, dict(rule.arguments)) == (
        "c.q", "minimum", "row", {"value": 3}
    )  # fmt: skip


def test_two_rules_of_one_id_are_refused() -> None:
    quality = [{"id": "q", "metric": "nullValues", "mustBe": 0}] * 2
    with pytest.raises(ContractError, match="two rules have the id"):
        rules_of(table(quality=quality), "here")
