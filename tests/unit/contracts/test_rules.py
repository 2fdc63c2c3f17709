"""ODCS quality that nothing judges is refused where it stands; any kind can be named."""

from __future__ import annotations

from typing import Any

import pytest

from headgate.contracts.rules import rules_of
from headgate.core.errors import ContractError


def table(**prop: Any) -> dict[str, Any]:
    return {"name": "t", "properties": [{"name": "c", "logicalType": "string", **prop}]}


@pytest.mark.parametrize(
    ("prop", "place"),
    [
        ({"logicalTypeOptions": {"multipleOf": 2}, "logicalType": "number"}, "multipleOf"),
        ({"logicalTypeOptions": {"format": "yyyy"}, "logicalType": "date"}, "format"),
        ({"quality": [{"type": "text", "description": "is nice"}]}, "quality/0"),
        ({"quality": [{"metric": "invalidValues", "mustBe": 0}]}, "quality/0"),
        ({"quality": [{"metric": "nullValues", "mustBe": 0, "mustNotBe": 1}]}, "quality/0"),
        ({"quality": [{"metric": "rowCount", "mustBe": 1, "severity": "quarantine"}]}, "quality/0"),
        (
            {"quality": [{"type": "custom", "engine": "headgate", "implementation": {}}]},
            "quality/0",
        ),
        ({"quality": [{"type": "custom", "engine": "soda", "implementation": "x"}]}, "quality/0"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_its_place(prop: dict[str, Any], place: str) -> None:
    with pytest.raises(ContractError) as refused:
        rules_of(table(**prop), "here")
    assert refused.value.place.startswith("here/properties/0") and place in refused.value.place


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
