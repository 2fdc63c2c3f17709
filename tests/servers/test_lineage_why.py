"""Why a number changed: a PostgreSQL database answers as a file does."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.lineage.questions.why import Why, why
from headgate.lineage.store.catching_up import catch_up
from headgate.lineage.store.opening import open_store
from headgate.orchestration.rollback import rollback
from tests.e2e import why_shop
from tests.e2e.why_shop import CITIES, DAILY, ORDERS, order
from tests.unit.lineage.store.postgres import postgres, postgres_server

__all__ = ["postgres", "postgres_server"]

pytestmark = pytest.mark.servers


def test_both_stores_answer_alike(postgres: str, tmp_path: Path) -> None:
    shop = why_shop.make(tmp_path / "shop")
    shop.deliver([order(20, 1, 5), order(21, 5, 5000)])
    shop.edit(
        "dbt_project/models/daily.sql", lambda sql: sql.replace("sum(amount)", "sum(nothing)")
    )
    shop.deliver([order(1, 2, 9, revision=2)])
    rollback(shop.project, 1)
    shop.events()

    def answers(where: str | Path) -> list[Why]:
        store = open_store(where)
        try:
            catch_up(store, [shop.root / "events.jsonl"])
            asked = [(DAILY, 1, 2), (DAILY, 2, 3), (ORDERS, 1, 4), (ORDERS, 3, 4), (CITIES, 1, 4)]
            found = [why(store, *one) for one in asked]
            return [*found, why(store, DAILY, 1, 4, column="amount")]
        finally:
            store.close()

    ours, theirs = answers(tmp_path / "lineage.db"), answers(postgres)
    assert ours == theirs
    assert [bool(a.moved) for a in ours] == [True, False, True, True, False, True]
    assert [h.dataset for h in ours[1].held] == [DAILY]
