"""Of a private lake, what it does not say itself is told by the lake that it began as."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from headgate.lineage.graph_node import Node
from headgate.lineage.questions.impact import impact
from headgate.lineage.questions.personal import personal
from headgate.lineage.store import instants, loading
from headgate.lineage.store.layered import Below
from headgate.lineage.store.opening import open_store
from headgate.lineage.store.taking import take
from tests.unit.lineage.questions import shop_events as shop
from tests.unit.lineage.questions.shop_events import PEOPLE, PERSONS, TOTALS
from tests.unit.lineage.store.small_events import at


def mine(event: dict[str, Any]) -> dict[str, Any]:
    """The same, told by the private lake."""
    found: dict[str, Any] = json.loads(json.dumps(copy.deepcopy(event)).replace("headgate://local", "headgate://mine"))  # fmt: skip
    return found


def test_what_a_lake_does_not_say_the_one_below_says(tmp_path: Path) -> None:
    base, own = open_store(tmp_path / "base.db"), open_store(tmp_path / "own.db")
    rule = {"assertion": "x", "success": True, "name": "id.required", "column": "id"}
    take(
        base,
        [
            *(make() for make in shop.ALL),
            shop.judge(5, PEOPLE, rule),
            shop.release(6, 1, {PEOPLE: 0}),
        ],
    )
    # What the base says after the private lake began is nothing to that.
    take(base, [shop.release(40, 2, {PEOPLE: 1}), shop.ingest(41, dict.fromkeys(shop.PEOPLE_TAGS, shop.PLAIN))])  # fmt: skip
    declared = {**shop.PERSONS_TAGS, "initial": shop.SECRET}
    take(own, [mine(shop.build(30, declared))], lake="mine")
    below = Below(base, "local", instants.parse(at(20)))
    loading.settle(own, home="mine", below=below)

    found = personal(own)
    name = next(f for f in found.flows if f.column == Node(PEOPLE, "name"))
    assert (name.classification, name.owners) == ("confidential", ("intake",))
    states = {str(one.column): one.state for one in name.landings}
    assert states == {f"{PERSONS}.initial": "declared", f"{TOTALS}.letter": "undeclared"}
    told = impact(own, f"{PEOPLE}.id")
    assert [r.name for r in told.own.rules] == ["id.required"]
    assert told.own.held is not None and told.own.held.release == 1
    assert {a.dataset for a in told.affected} == {
        PERSONS,
        TOTALS,
        "postgres://bi:5432/public.dashboard",
    }
    for store in (own, base):
        store.close()
