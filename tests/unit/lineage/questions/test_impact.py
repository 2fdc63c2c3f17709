"""What a change reaches, by the events of a small shop: columns, jobs, rules, tasks, owners, releases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from headgate.lineage.graph_node import Node
from headgate.lineage.questions import answers
from headgate.lineage.questions.impact import Affected, Impact, impact
from headgate.lineage.questions.makers import Held, Task
from headgate.lineage.store.opening import Store, open_store
from headgate.lineage.store.taking import take
from tests.unit.lineage.questions import shop_events as shop
from tests.unit.lineage.questions.shop_events import PEOPLE, PERSONS, TOTALS
from tests.unit.lineage.store.small_events import LAKE

DASHBOARD = "/".join(shop.DASHBOARD)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with all events of the shop."""
    opened = open_store(tmp_path / "lineage.db")
    told(opened, *(make() for make in shop.ALL))
    yield opened
    opened.close()


def told(store: Store, *events: Any) -> None:
    taken = take(store, events, lake="local")
    assert taken.accepted == len(events) and not taken.refused


def of(found: Impact, dataset: str) -> Affected:
    return next(one for one in found.affected if one.dataset == dataset)


def ways(found: Impact) -> dict[str, tuple[bool, int]]:
    return {str(r.node): (r.direct, r.depth) for one in found.affected for r in one.reached}


def test_direct_and_indirect_are_told_apart_with_a_shortest_path(store: Store) -> None:
    found = impact(store, f"{PEOPLE}.id")
    assert ways(found) == {
        f"{PERSONS}.id": (True, 1), f"{PERSONS}.n": (True, 1), f"{TOTALS}.n": (True, 2),
        f"{DASHBOARD}.shown": (True, 2), f"{TOTALS}.flag": (False, 2),
    }  # fmt: skip
    flag = next(r for r in of(found, TOTALS).reached if r.node.column == "flag")
    assert flag.path == (Node(PEOPLE, "id"), Node(PERSONS, "id"), Node(TOTALS, "flag"))
    assert flag.ways == (("INDIRECT", "CONDITIONAL"),)
    assert found.naming == (f"{PERSONS}.build",)
    assert of(found, DASHBOARD).is_foreign and of(found, DASHBOARD).jobs == ("refresh",)
    assert {o: [a.dataset for a in told] for o, told in found.owners.items()} == {
        "people-team": [PERSONS, TOTALS], "": [DASHBOARD]
    }  # fmt: skip
    assert not any(one.breaks or one.stale for one in found.affected)
    assert (found.own.dataset, found.own.owners) == (PEOPLE, ("intake",))
    jsonschema.validate(answers.of_impact(found), answers.IMPACT)


def test_what_only_decides_rows(store: Store) -> None:
    found = impact(store, f"{PEOPLE}.city")
    assert ways(found)[f"{PERSONS}.city"] == (True, 1)
    assert ways(found)[f"{PERSONS} (which rows)"] == (False, 1)
    assert ways(found)[f"{TOTALS} (which rows)"] == (False, 2)


def test_what_goes_breaks_who_names_it_and_leaves_the_rest_behind(store: Store) -> None:
    found = impact(store, f"{PEOPLE}.city", change="goes")
    assert {a.dataset: (a.breaks, a.stale) for a in found.affected} == {
        PERSONS: (True, False), TOTALS: (False, True), DASHBOARD: (False, True)
    }  # fmt: skip
    # Of the dashboard only the rows follow, but it is made of what breaks.
    assert [r.node.column for r in of(found, DASHBOARD).reached] == ["*"]
    nothing = impact(store, f"{TOTALS}.n", change="goes")
    assert nothing.affected == () and nothing.naming == ()


def test_of_a_whole_dataset(store: Store) -> None:
    found = impact(store, PERSONS, change="goes")
    assert {a.dataset: a.breaks for a in found.affected} == {TOTALS: True, DASHBOARD: True}
    assert found.naming == ("gold.a.totals.build", "refresh")


def test_an_edge_that_is_gone_is_still_there_as_of_then(store: Store) -> None:
    again = shop.total(20)
    again["outputs"][0]["facets"]["columnLineage"]["fields"]["letter"]["inputFields"] = []
    told(store, again)
    assert TOTALS not in {a.dataset for a in impact(store, f"{PERSONS}.initial").affected}
    then = impact(store, f"{PERSONS}.initial", as_of="2024-05-01T00:00:10Z")
    assert [a.dataset for a in then.affected] == [TOTALS]
    assert then.as_of == "2024-05-01T00:00:10Z"


def test_the_tasks_that_called_for_what_follows(store: Store) -> None:
    told(store, shop.build(10, called="curate.shop.persons"))
    found = impact(store, f"{PEOPLE}.id")
    assert of(found, PERSONS).tasks == (Task(LAKE, "curate.shop.persons", "curate"),)
    assert of(found, TOTALS).tasks == ()


def test_rules_that_name_it_or_what_follows(store: Store) -> None:
    def rule(name: str, **more: Any) -> dict[str, Any]:
        return {"assertion": "x", "success": True, "name": name, **more}

    told(
        store,
        shop.judge(10, PEOPLE, rule("gone.long.ago", column="city")),
        shop.judge(11, PEOPLE, rule("id.required", column="id"), rule("city.known", column="city")),
        shop.judge(
            12, PERSONS, rule("n.minimum", column="n"), rule("whole", content="n > 0 AND id IS NOT NULL"),
            rule("city.known", column="city"), rule("nid", content="nid > n_id"),
        ),
        shop.judge(13, TOTALS, rule("sane", expected="letter is a letter")),
        shop.judge(14, "gold.a.asks", rule("p.key", column="p", expected=f"p is id of a row of {PEOPLE}; else"),
                   rule("p.other", column="p")),
    )  # fmt: skip
    found = impact(store, f"{PEOPLE}.id", change="goes")
    assert [r.name for r in found.own.rules] == ["id.required"]
    assert {r.name for r in of(found, PERSONS).rules} == {"n.minimum", "whole"}
    assert of(found, TOTALS).rules == ()
    # Who only looks keys up is reached by its rule, and breaks with it.
    assert [r.name for r in of(found, "gold.a.asks").rules] == ["p.key"]
    assert of(found, "gold.a.asks").breaks
    assert "gold.a.asks" not in {a.dataset for a in impact(store, f"{PEOPLE}.city").affected}


def test_releases_that_hold_it(store: Store) -> None:
    told(store, shop.release(10, 1, {PEOPLE: 0, PERSONS: 0}), shop.release(11, 2, {PERSONS: 1}))
    found = impact(store, f"{PEOPLE}.id")
    assert found.own.held == Held(1, "0")
    assert of(found, PERSONS).held == Held(2, "1")
    assert of(found, TOTALS).held is None
