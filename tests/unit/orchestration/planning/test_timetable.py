"""What changed in when, from what and for whom a table is made: every part, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headgate.contracts.load import from_document
from headgate.contracts.model import Contract
from headgate.orchestration.planning.before import Code
from headgate.orchestration.planning.timetable import timetable


def contract(*properties: tuple[str, Any], **parts: Any) -> Contract:
    column = {"name": "id", "logicalType": "integer", "primaryKey": True, "description": "An id.",
              "classification": "internal"}  # fmt: skip
    return from_document(Path("c.yaml"), {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "name": "bronze.test.things",
        "version": "1.0.0", "status": "active", "team": {"name": "alpha"},
        "schema": [{"name": "x", "dataGranularityDescription": "One row.", "properties": [column]}],
        "customProperties": [{"property": f"headgate.{n}", "value": v} for n, v in properties],
        **parts,
    })  # fmt: skip


def sla(name: str, value: int, unit: str = "h") -> list[dict[str, Any]]:
    return [{"property": name, "value": value, "unit": unit}]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (contract(), contract(team={"name": "beta"}), "Its owner was alpha and is beta."),
        (
            contract(("source", {"format": "jsonl", "path": "a"})),
            contract(("source", {"format": "jsonl", "path": "b"})),
            "Its source was jsonl at a and is jsonl at b.",
        ),
        (
            contract(slaProperties=sla("freshness", 24)),
            contract(slaProperties=sla("freshness", 12)),
            "Its promised freshness was 24 h and is 12 h.",
        ),
        (
            contract(),
            contract(slaProperties=sla("retention", 30, "d")),
            "Its retention was not said and is 30 days.",
        ),
        (
            contract(),
            contract(("releaseGroup", "late")),
            "Its release group was test and is late.",
        ),
    ],
)
def test_each_part_is_told(old: Contract, new: Contract, told: str) -> None:
    assert timetable(old, new, None, None) == (told,)
    assert timetable(new, new, None, None) == ()


def test_what_it_is_made_from_is_told_both_ways() -> None:
    old, new = Code("1", ("bronze.a.b", "bronze.a.c")), Code("2", ("bronze.a.c", "bronze.a.d"))
    assert timetable(contract(), contract(), old, new) == (
        "It is also made from bronze.a.d.",
        "It is no longer made from bronze.a.b.",
    )
