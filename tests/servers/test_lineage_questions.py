"""Impact and personal data asked of PostgreSQL: the same tests as of a file, the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.lineage.questions import answers
from headgate.lineage.questions.impact import impact
from headgate.lineage.questions.personal import personal
from headgate.lineage.store.opening import Store, open_store
from headgate.lineage.store.taking import take
from tests.unit.lineage.questions import shop_events as shop
from tests.unit.lineage.questions.shop_events import PEOPLE, PERSONS

# These run here with the store below in place of their own.
from tests.unit.lineage.questions.test_impact import (  # noqa: F401
    test_an_edge_that_is_gone_is_still_there_as_of_then,
    test_direct_and_indirect_are_told_apart_with_a_shortest_path,
    test_releases_that_hold_it,
    test_rules_that_name_it_or_what_follows,
    test_the_tasks_that_called_for_what_follows,
    test_what_goes_breaks_who_names_it_and_leaves_the_rest_behind,
)
from tests.unit.lineage.store.postgres import postgres, postgres_server  # noqa: F401

pytestmark = pytest.mark.servers


@pytest.fixture
def store(postgres: str) -> Iterator[Store]:  # noqa: F811
    """A store in PostgreSQL with all events of the shop."""
    opened = open_store(postgres)
    taken = take(opened, [make() for make in shop.ALL], lake="local")
    assert taken.accepted == len(shop.ALL)
    yield opened
    opened.close()


def test_both_kinds_of_store_give_one_answer(store: Store, tmp_path: Path) -> None:
    other = open_store(tmp_path / "lineage.db")
    take(other, [make() for make in shop.ALL], lake="local")
    for what in (None, PEOPLE, f"{PEOPLE}.id", PERSONS):
        found = answers.of_personal(personal(store, what))
        assert found == answers.of_personal(personal(other, what))
        assert found["flows"]
    for what in (PEOPLE, f"{PEOPLE}.city"):
        found = answers.of_impact(impact(store, what, change="goes"))
        assert found == answers.of_impact(impact(other, what, change="goes"))
    other.close()
