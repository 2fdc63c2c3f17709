"""Who must agree: owners of what changes its promise, and of what that shows in; nobody for less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headgate.contracts.diff import compare, gravest
from headgate.contracts.load import from_document
from headgate.contracts.model import Contract
from headgate.orchestration.planning.agreements import agreements
from headgate.orchestration.planning.before import Side
from headgate.orchestration.planning.plan import (
    CHANGED,
    REACHED,
    REMOVED,
    Agreement,
    Influence,
    TablePlan,
)
from headgate.orchestration.planning.reach import Reach

NEAR, MIDDLE, FAR = "gold.test.near", "gold.test.middle", "gold.test.far"
GRAPH = {NEAR: (), MIDDLE: (NEAR,), FAR: (MIDDLE,)}


def contract(name: str, owner: str, **column: Any) -> Contract:
    properties = [
        {"name": "id", "logicalType": "integer", "primaryKey": True},
        {"name": "size", "logicalType": "integer", **column},
    ]
    for prop in properties:
        prop |= {"description": "Something.", "classification": "internal",
                 "customProperties": [{"property": "headgate.severity", "value": "fail"}]}  # fmt: skip
    table = {"name": "t", "dataGranularityDescription": "One row is one.", "properties": properties}
    return from_document(Path("c.yaml"), {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": name, "name": name,
        "version": "1.0.0", "status": "active", "team": {"name": owner}, "schema": [table],
    })  # fmt: skip


BEFORE = Side(
    "before", {d: contract(d, f"team-{d.rpartition('.')[2]}") for d in (NEAR, MIDDLE, FAR)}
)


def asked(new: Contract | None, reached: dict[str, Reach], *mine: str) -> tuple[Agreement, ...]:
    """Who must agree if NEAR becomes ``new`` (None: it goes) and what that reaches."""
    changes = compare(BEFORE.contracts[NEAR], new) if new else ()
    near = TablePlan(
        NEAR, CHANGED if new else REMOVED, new.owner if new else "team-near", "",
        gravest(changes) if new else "breaking", changes,
    )  # fmt: skip
    tables = {NEAR: near}
    for dataset in (MIDDLE, FAR):
        one = reached.get(dataset, Reach(Influence(), Influence()))
        owner = BEFORE.contracts[dataset].owner
        tables[dataset] = TablePlan(
            dataset, REACHED, owner, influence=one.whole, reached_from=one.sources
        )
    return agreements(tables, BEFORE, GRAPH, reached, mine)


def owners(found: tuple[Agreement, ...]) -> list[str]:
    return [a.owner for a in found]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ({"description": "Something else."}, []),
        ({"logicalTypeOptions": {"minimum": 0}}, ["team-near"]),
        ({"logicalType": "string"}, ["team-far", "team-middle", "team-near"]),
    ],
)
def test_a_promise_asks_whom_it_concerns(column: dict[str, Any], expected: list[str]) -> None:
    assert owners(asked(contract(NEAR, "team-near", **column), {})) == expected


def test_another_meaning_asks_those_in_whose_tables_it_shows() -> None:
    size = Influence(("size",))
    reached = {NEAR: Reach(size, size), MIDDLE: Reach(Influence(), size, (NEAR,))}
    found = asked(BEFORE.contracts[NEAR], reached)
    assert owners(found) == ["team-middle", "team-near"]
    assert found[1].why == (f"{NEAR}: size means something else",)


def test_what_goes_asks_its_owner_and_all_that_was_made_from_it() -> None:
    assert owners(asked(None, {})) == ["team-near"]


def test_who_gets_a_table_agrees_as_well_as_who_gives_it() -> None:
    found = asked(contract(NEAR, "others"), {}, "others")
    assert [(a.owner, a.own) for a in found] == [("others", True), ("team-near", False)]
