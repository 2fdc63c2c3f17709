"""Where personal data flows, by the events of a small shop: declared, ended, undeclared, unknown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from headgate.core.errors import NotFoundError
from headgate.lineage.graph_node import Node
from headgate.lineage.questions import answers
from headgate.lineage.questions.personal import Flow, PersonalData, personal, worst_first
from headgate.lineage.store.opening import Store, open_store
from headgate.lineage.store.taking import take
from tests.unit.lineage.questions import shop_events as shop
from tests.unit.lineage.questions.shop_events import PEOPLE, PERSONS, TOTALS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    opened = open_store(tmp_path / "lineage.db")
    yield opened
    opened.close()


def told(store: Store, *events: Any) -> None:
    taken = take(store, events, lake="local")
    assert taken.accepted == len(events) and not taken.refused


def flow(found: PersonalData, column: str) -> Flow:
    return next(f for f in found.flows if str(f.column) == column)


def states(found: Flow) -> dict[str, str]:
    return {str(one.column): one.state for one in found.landings}


def test_each_state_of_a_flow(store: Store) -> None:
    told(store, *(make() for make in shop.ALL))
    found = personal(store)
    assert [str(f.column) for f in found.flows] == [
        f"{PEOPLE}.id",
        f"{PEOPLE}.name",
        f"{PERSONS}.id",
    ]
    assert states(flow(found, f"{PEOPLE}.id")) == {
        f"{PERSONS}.id": "declared",
        f"{PERSONS}.n": "ended",
        "postgres://bi:5432/public.dashboard.shown": "unknown",
    }
    name = flow(found, f"{PEOPLE}.name")
    assert states(name) == {f"{PERSONS}.initial": "undeclared", f"{TOTALS}.letter": "undeclared"}
    letter = name.landings[1]
    assert letter.path == (Node(PEOPLE, "name"), Node(PERSONS, "initial"), Node(TOTALS, "letter"))
    assert letter.how == "classification: confidential and headgate.personalData: true"
    assert (letter.owners, letter.depth) == (("people-team",), 2)
    assert flow(found, f"{PERSONS}.id").comes_from == (Node(PEOPLE, "id"),)
    assert flow(found, f"{PEOPLE}.id").comes_from == ()
    assert {h.dataset: (h.columns, h.owners) for h in found.holders} == {
        PEOPLE: (("id", "name"), ("intake",)),
        PERSONS: (("id",), ("people-team",)),
    }
    assert worst_first(found.flows)[0].column == Node(PEOPLE, "id")
    jsonschema.validate(answers.of_personal(found), answers.PERSONAL)


def test_of_one_column_also_what_it_only_decides(store: Store) -> None:
    told(store, *(make() for make in shop.ALL))
    found = states(flow(personal(store, f"{PEOPLE}.id"), f"{PEOPLE}.id"))
    assert found[f"{TOTALS}.flag"] == "influenced"
    assert found[f"{PERSONS}.n"] == "ended"
    # What ended is not followed on: who counts the counted has nothing of a person.
    assert f"{TOTALS}.n" not in found
    city = flow(personal(store, f"{PEOPLE}.city"), f"{PEOPLE}.city")
    assert states(city)[f"{PERSONS}.city"] == "declared"
    assert states(city)[f"{PERSONS} (which rows)"] == "influenced"
    assert [str(f.column) for f in personal(store, PERSONS).flows] == [f"{PERSONS}.id"]
    with pytest.raises(NotFoundError, match="no column 'mail'"):
        personal(store, f"{PEOPLE}.mail")


def test_one_column_is_told_as_it_is_among_all(store: Store) -> None:
    told(store, *(make() for make in shop.ALL))
    for one in personal(store).flows:
        (alone,) = personal(store, one.column).flows
        assert [x for x in alone.landings if x.state != "influenced"] == list(one.landings)
        assert (alone.comes_from, alone.owners) == (one.comes_from, one.owners)
    (of_dataset, _) = personal(store, PEOPLE).flows
    assert str(of_dataset.column) == f"{PEOPLE}.id"


def test_as_of_a_time_before_it_was_declared(store: Store) -> None:
    before = {**shop.PERSONS_TAGS, "n": shop.PLAIN}
    told(store, shop.ingest(), shop.build(2, before), shop.total(3), shop.build(9))
    then = flow(personal(store, as_of="2024-05-01T00:00:05Z"), f"{PEOPLE}.id")
    assert states(then)[f"{PERSONS}.n"] == states(then)[f"{TOTALS}.n"] == "undeclared"
    now = states(flow(personal(store), f"{PEOPLE}.id"))
    assert now[f"{PERSONS}.n"] == "ended" and f"{TOTALS}.n" not in now


def test_of_what_is_ended_for_one_input_the_other_goes_on(store: Store) -> None:
    of_name = {**shop.COUNTED, "anonymized_of": f"{PEOPLE}.name"}
    told(
        store, shop.ingest(), shop.build(2, {**shop.PERSONS_TAGS, "n": of_name, "initial": of_name})
    )
    found = personal(store)
    assert states(flow(found, f"{PEOPLE}.id"))[f"{PERSONS}.n"] == "undeclared"
    assert states(flow(found, f"{PEOPLE}.name")) == {f"{PERSONS}.initial": "ended"}


def test_tags_of_others_do_not_disturb(store: Store) -> None:
    strange = {"id": {"pii": "yes"}, "name": {"classification": "PII"}, "city": shop.PLAIN}
    told(store, shop.ingest(1, strange), shop.build())
    found = personal(store)
    # A class that nobody knows counts as stricter than all that are known.
    assert [str(f.column) for f in found.flows] == [f"{PEOPLE}.name", f"{PERSONS}.id"]
    assert states(found.flows[0])[f"{PERSONS}.initial"] == "undeclared"
    assert personal(open_store(Path(store.place).parent / "empty.db")) == PersonalData(None, (), ())
