"""Why a number changed: one thing is changed at a time, and the answer names that and nothing else.

All but what ``--rows`` counts is answered from events alone: the lake is removed before it is asked.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import invoke
from headgate.core import clock
from headgate.core.errors import NotFoundError, UsageError
from headgate.lineage import own_facets
from headgate.lineage.questions.why import Cause, Why
from headgate.lineage.store.opening import open_store
from headgate.orchestration import auditing, private_lakes, rebuilding, waiving
from headgate.orchestration.maintaining import maintain
from headgate.orchestration.project import Project
from headgate.orchestration.replay import replay
from headgate.orchestration.rollback import rollback
from headgate.orchestration.run import run
from tests.e2e import why_shop
from tests.e2e.why_shop import CITIES, CUSTOMERS, DAILY, ORDERS, SILVER, Shop, causes, order

#: What follows from a change of orders and of nothing else.
FOLLOWS = {DAILY: {"inputs"}, SILVER: {"inputs"}}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = why_shop.make(tmp_path_factory.mktemp("why") / "shop")
    open_store(shop.root / "events.db").close()  # with its tables, for all who copy it
    return shop


@pytest.fixture
def shop(made: Shop, tmp_path: Path) -> Shop:
    """The shop after release 1: eight orders of two days, three customers."""
    shutil.copytree(made.root, tmp_path / "shop")
    return Shop(tmp_path / "shop", made.delivered)


def one(answer: Why, dataset: str, kind: str) -> Cause:
    """The one cause of that kind of a dataset."""
    (moved,) = (m for m in answer.moved if m.dataset == dataset)
    (found,) = (c for c in moved.causes if c.kind == kind)
    return found


def test_new_rows_of_a_new_day(shop: Shop) -> None:
    report = shop.deliver([order(20, 5, 5), order(21, 5, 7)])
    answer = shop.why()

    assert causes(answer) == {**FOLLOWS, ORDERS: {"new_rows"}}
    found = one(answer, ORDERS, "new_rows")
    assert (found.rows, found.runs) == (2, (report.run_id,))
    assert found.detail["sources"] == ["orders-3.jsonl"]
    assert [(m.dataset, m.before, m.after, m.distance, m.rows_before, m.rows_after) for m in answer.moved] == [
        (DAILY, 0, 1, 0, 2, 3), (SILVER, 0, 1, 1, 8, 10), (ORDERS, 0, 1, 2, 8, 10)
    ]  # fmt: skip
    assert answer.moved[2].read_by == (SILVER,)
    assert [m.dataset for m in answer.roots] == [ORDERS]
    assert not answer.nothing


def test_a_row_that_came_late(shop: Shop) -> None:
    shop.deliver([order(20, 1, 5)])
    answer = shop.why()

    assert causes(answer) == {**FOLLOWS, ORDERS: {"late_rows"}}
    found = one(answer, ORDERS, "late_rows")
    assert (found.rows, found.detail["days"]) == (1, "2026-03-01")


def test_an_edit(shop: Shop) -> None:
    shop.deliver([order(1, 2, 999, revision=2), order(2, 1, 20)])
    answer = shop.why()

    assert causes(answer) == {**FOLLOWS, ORDERS: {"edits"}}
    assert one(answer, ORDERS, "edits").rows == 1


def test_a_deletion(shop: Shop) -> None:
    shop.deliver([order(1, 2, 10, revision=2, state="cancelled")])
    answer = shop.why()

    assert causes(answer) == {**FOLLOWS, ORDERS: {"deletions"}}
    assert one(answer, ORDERS, "deletions").rows == 1


def test_other_sql(shop: Shop) -> None:
    shop.edit(
        "dbt_project/models/daily.sql", lambda sql: sql.replace("sum(amount)", "sum(amount * 2)")
    )
    shop.deliver()
    answer = shop.why()

    assert causes(answer) == {DAILY: {"code"}}
    diff = one(answer, DAILY, "code").detail["diff"]
    assert [line for line in diff if line.startswith(("-s", "+s"))] == [
        "-select sold_on, cast(sum(amount) as bigint) as amount, count(*) as orders",
        "+select sold_on, cast(sum(amount * 2) as bigint) as amount, count(*) as orders",
    ]


def test_another_contract(shop: Shop) -> None:
    shop.edit(shop.contract(DAILY), lambda text: _stricter(text).replace("1.0.0", "1.1.0"))
    shop.deliver()
    answer = shop.why()

    assert causes(answer) == {DAILY: {"contract"}}
    found = one(answer, DAILY, "contract")
    assert (found.detail["before"]["version"], found.detail["after"]["version"]) == (
        "1.0.0",
        "1.1.0",
    )
    (told,) = found.detail["changes"]
    assert told.startswith("rule amount.minimum is new")
    assert found.changes_rows


def test_what_a_contract_says_of_people_changes_no_row(shop: Shop) -> None:
    shop.edit(shop.contract(ORDERS), lambda text: text.replace("{name: shop}", "{name: till}"))
    shop.deliver([order(20, 5, 5)])
    answer = shop.why()

    assert causes(answer) == {**FOLLOWS, ORDERS: {"new_rows", "contract"}}
    found = one(answer, ORDERS, "contract")
    assert "the owner was shop and is till" in found.what
    assert not found.changes_rows


def test_rows_set_aside_and_taken_in_again(shop: Shop) -> None:
    shop.deliver([order(20, 5, 5), order(21, 5, 5000), order(22, 5, 6000)])
    shop.edit(shop.contract(ORDERS), lambda text: text.replace("maximum: 1000", "maximum: 5500"))
    replay(shop.project, ORDERS)
    answer, back = shop.why(1, 2), shop.why(2, 3)

    assert causes(answer) == {**FOLLOWS, ORDERS: {"new_rows", "set_aside"}}
    aside = one(answer, ORDERS, "set_aside")
    assert (aside.rows, aside.detail["rules"]) == (2, {"amount.maximum": 2})
    assert causes(back) == {**FOLLOWS, ORDERS: {"replayed", "contract"}}
    assert one(back, ORDERS, "replayed").rows == 1
    (told,) = one(back, ORDERS, "contract").detail["changes"]
    assert "1000" in told
    assert "5500" in told


def test_a_waiver_changes_no_row_and_is_told(shop: Shop) -> None:
    shop.deliver([order(21, 5, 5000), order(22, 5, 6000)])
    waiving.waive(shop.project, ORDERS, by="ada", why="typed wrong", everything=True)
    shop.deliver(customers=[{"customer": "c9", "city": "far"}])
    answer = shop.why(1, 2, ORDERS)
    later = shop.why(2, 3, ORDERS)

    assert causes(answer) == {ORDERS: {"set_aside"}}
    assert causes(later) == {}
    assert later.nothing
    (told,) = later.beside
    assert (told.kind, told.rows, told.changes_rows) == ("waived", 2, False)
    assert "ada: typed wrong" in told.what


def test_a_rollback(shop: Shop) -> None:
    shop.deliver([order(20, 5, 5)])
    rollback(shop.project, 1)
    answer, whole = shop.why(2, 3), shop.why(1, 3)

    assert causes(answer) == {d: {"rollback"} for d in (DAILY, SILVER, ORDERS)}
    assert one(answer, ORDERS, "rollback").detail["takes_back"] == ["1 row new"]
    assert one(answer, DAILY, "rollback").changes_rows
    # Two releases with the same rows, whatever happened between them.
    assert causes(whole) == causes(answer)
    assert whole.nothing
    assert not answer.nothing


def test_what_comes_after_a_rollback(shop: Shop) -> None:
    shop.deliver([order(20, 5, 5)])
    rollback(shop.project, 1)
    shop.deliver([order(30, 6, 5), order(31, 6, 6)])
    rollback(shop.project, 1)
    answer, there_and_back = shop.why(2, 4), shop.why(3, 5)

    assert causes(answer)[ORDERS] == {"rollback", "new_rows"}
    assert one(answer, ORDERS, "new_rows").rows == 2
    assert there_and_back.nothing
    assert causes(there_and_back) == {d: {"rollback"} for d in (DAILY, SILVER, ORDERS)}
    assert causes(shop.why(3, 4)) == {**FOLLOWS, ORDERS: {"new_rows"}}


def test_files_put_together_change_nothing(shop: Shop) -> None:
    for number in range(40, 44):
        shop.deliver([order(number, number - 35, 5)])
    assert any(w.what == "compacted" for w in maintain(shop.project, [ORDERS]).works)
    shop.deliver(customers=[{"customer": "c9", "city": "far"}])
    answer = shop.why(5, 6, ORDERS)

    assert causes(answer) == {ORDERS: {"compaction"}}
    assert answer.nothing


def test_a_table_built_anew_of_the_same_changes_nothing(shop: Shop) -> None:
    rebuilding.rebuild(shop.project, DAILY)
    answer = shop.why()

    assert causes(answer) == {DAILY: {"rebuild"}}
    assert answer.nothing


def test_what_follows_from_a_table_built_anew_of_the_same_is_the_same(shop: Shop) -> None:
    rebuilding.rebuild(shop.project, SILVER)
    answer = shop.why()

    assert causes(answer) == {DAILY: {"inputs"}, SILVER: {"rebuild"}}
    assert answer.nothing


def test_stored_rows_that_a_stricter_contract_sets_aside(shop: Shop) -> None:
    shop.edit(shop.contract(ORDERS), lambda text: text.replace("maximum: 1000", "maximum: 75"))
    auditing.settle(shop.project, ORDERS)
    answer = shop.why()

    assert causes(answer) == {**FOLLOWS, ORDERS: {"set_aside", "contract"}}
    assert one(answer, ORDERS, "set_aside").rows == 1


def test_a_batch_that_was_refused_changed_nothing_and_is_told(shop: Shop) -> None:
    assert shop.deliver([order(20, 5, 5, order_id=None)]).exit_code == 1
    shop.deliver(customers=[{"customer": "c9", "city": "far"}])
    answer = shop.why(1, 2, ORDERS)

    assert causes(answer) == {}
    (told,) = answer.beside
    assert told.kind == "refused"
    assert "order_id" in told.what


def test_the_command_tells_people_and_programs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADGATE_ROOT", str(shop.root))

    def ask(*arguments: str) -> tuple[int, str]:
        code = invoke(["why", *arguments])
        told = capsys.readouterr()
        return code, told.out + told.err

    code, told = ask(DAILY)
    assert code == 1
    assert "no two releases" in told
    shop.edit(
        "dbt_project/models/daily.sql", lambda sql: sql.replace("sum(amount)", "sum(amount * 2)")
    )
    shop.deliver([order(20, 1, 5), order(21, 5, 5000), order(22, 5, 1)])

    code, told = ask("daily.amount", "--rows")
    assert code == 0
    assert told.startswith("gold.sales.daily.amount between release 1 (")
    assert f"It comes from {DAILY} (code); {ORDERS} (new rows, late rows, set aside)." in told
    assert "late rows: 1 row came late, for days that it held already, within 2026-03-01" in told
    assert "+select sold_on, cast(sum(amount * 2) as bigint) as amount" in told
    counted = [line.split() for line in told.splitlines() if line.startswith(f" {DAILY}")]
    assert [line[-3:] for line in counted] == [["1", "0", "2"]]
    assert f"headgate quarantine list {ORDERS} --state any" in told

    code, told = ask(CITIES, "--between", "1", "2")
    assert "It is the same version in both" in told
    code, told = ask(DAILY, "--between", "1", "2", "--rows", "--json")
    found = json.loads(told)
    assert (found["nothing"], found["roots"], found["column"]) == (False, [DAILY, ORDERS], None)
    assert {m["dataset"] for m in found["moved"]} == {DAILY, SILVER, ORDERS}
    assert [(d.split()[0], c["added"]) for d, c in found["rows"].items()] == [
        (ORDERS, 2), (DAILY, 1), (SILVER, 2)
    ]  # fmt: skip
    code, told = ask("daily.nothing")
    assert code == 1
    assert "It has sold_on, amount, orders" in told
    code, told = ask("sales", "--between", "1", "2")
    assert code == 2


def test_a_private_lake_answers_from_its_beginning_on(shop: Shop, tmp_path: Path) -> None:
    settings = shop.project.settings
    mine = Project(dataclasses.replace(settings, lake=tmp_path / "mine", lake_name="mine"))
    private_lakes.begin(mine, "main")
    shop.edit(
        "dbt_project/models/daily.sql", lambda sql: sql.replace("sum(amount)", "sum(amount * 2)")
    )
    run(Project(mine.settings))
    answer = shop.told_by(tmp_path / "mine" / settings.lineage_file, 1, 2)

    assert answer.namespace == "headgate://mine"
    assert causes(answer) == {DAILY: {"code"}}
    assert "no event tells how it read before" in one(answer, DAILY, "code").what


def test_events_that_were_lost_or_are_of_an_earlier_edition(shop: Shop, tmp_path: Path) -> None:
    shop.deliver([order(20, 1, 5)])
    whole = shop.events()
    lost = [
        e
        for e in whole
        if not (e["job"]["name"].endswith(".gate") and e["eventType"] == "COMPLETE")
    ]
    older = [_without_ours(json.loads(json.dumps(e))) for e in whole]
    told = {}
    for name, events in (("lost", lost), ("older", older), ("whole", whole[::-1])):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(e) + "\n" for e in events), "utf-8")
        told[name] = causes(shop.told_by(path, 1, 2))
    assert len(lost) < len(whole)
    # What a release moved it tells of by itself.
    assert told["lost"] == told["whole"] == {**FOLLOWS, ORDERS: {"late_rows"}}
    # Nobody wrote down then which rows came late.
    assert told["older"] == {**FOLLOWS, ORDERS: {"new_rows"}}


def test_a_source_made_anew_from_its_own_rows(shop: Shop) -> None:
    shop.edit(
        shop.contract(CUSTOMERS), lambda text: text.replace("name: city\n", "name: town\n        physicalName: city\n")
    )  # fmt: skip
    for model in ("int_shop__orders", "cities"):
        shop.edit(f"dbt_project/models/{model}.sql",
                  lambda sql: sql.replace("c.city", "c.town").replace("select city, count", "select town as city, count").replace("group by city", "group by town"))  # fmt: skip
    rebuilding.rebuild(shop.project, CUSTOMERS)
    answer = shop.why(1, 2, CITIES)

    assert causes(answer) == {CITIES: {"inputs", "code"}, CUSTOMERS: {"rebuild", "contract"}}
    changes = one(answer, CUSTOMERS, "contract").detail["changes"]
    assert {"column town (string) is new", "column city is gone"} <= set(changes)


def test_a_group_that_is_held_shows_what_it_showed(shop: Shop) -> None:
    shop.edit(
        "dbt_project/models/daily.sql", lambda sql: sql.replace("sum(amount)", "sum(nothing)")
    )
    shop.deliver([order(20, 5, 5)])
    answer = shop.why()

    assert causes(answer) == {}
    (held,) = answer.held
    assert (held.dataset, held.version, held.group, held.behind) == (DAILY, 0, "sales", None)
    assert "nothing" in held.why[0]
    assert answer.nothing
    # What is not held moved, and says why.
    assert causes(shop.why(1, 2, SILVER)) == {SILVER: {"inputs"}, ORDERS: {"new_rows"}}


def test_what_it_is_not_made_from_is_not_told(shop: Shop) -> None:
    shop.deliver(customers=[{"customer": "c9", "city": "far"}])
    shop.deliver([order(20, 5, 5)])
    assert causes(shop.why(1, 3, CITIES)) == {CITIES: {"inputs"}, CUSTOMERS: {"new_rows"}}
    assert causes(shop.why(2, 3, CITIES)) == {}
    assert shop.why(2, 3, CITIES).nothing
    assert causes(shop.why(1, 3)) == {
        **FOLLOWS, ORDERS: {"new_rows"}, CUSTOMERS: {"new_rows"}
    }  # fmt: skip


def test_a_column_follows_from_what_it_is_made_of_alone(shop: Shop) -> None:
    shop.deliver([order(20, 5, 5)], customers=[{"customer": "c9", "city": "far"}])
    city = shop.why(1, 2, SILVER, column="city")
    amount = shop.why(1, 2, SILVER, column="amount")

    assert set(causes(city)) == {SILVER, ORDERS, CUSTOMERS}
    assert set(causes(amount)) >= {SILVER, ORDERS}
    with pytest.raises(NotFoundError, match="no column colour"):
        shop.why(1, 2, SILVER, column="colour")


def test_everything_at_once(shop: Shop) -> None:
    shop.deliver([order(20, 5, 5), order(21, 1, 6), order(22, 1, 9999)])
    shop.deliver([order(1, 2, 11, revision=2), order(3, 2, 1, revision=2, state="cancelled")])
    shop.edit(
        "dbt_project/models/daily.sql", lambda sql: sql.replace("sum(amount)", "sum(amount + 1)")
    )
    shop.deliver(customers=[{"customer": "c1", "city": "moved"}])
    answer = shop.why(1, 4)

    assert causes(answer) == {
        DAILY: {"inputs", "code"},
        SILVER: {"inputs"},
        ORDERS: {"new_rows", "late_rows", "edits", "deletions", "set_aside"},
        CUSTOMERS: {"edits"},
    }
    # The same between the two ends of one of them.
    assert causes(shop.why(2, 3)) == {**FOLLOWS, ORDERS: {"edits", "deletions"}}
    assert [m.distance for m in answer.moved] == [0, 1, 2, 2]


def test_ends_are_releases_times_or_runs_in_any_order(shop: Shop) -> None:
    first, between = shop.project.releases.get(1), clock.iso()
    report = shop.deliver([order(20, 5, 5)])
    told = causes(shop.why(1, 2))

    assert causes(shop.why(2, 1)) == told
    assert causes(shop.why(between, report.run_id)) == told
    assert causes(shop.why(f"run:{first.run_id}", "release:2")) == told
    assert causes(shop.why("2020-01-01", 1)) == {DAILY: {"first"}}
    assert shop.why("2020-01-01", 1).before.number is None
    assert shop.why(2, 2).nothing
    with pytest.raises(NotFoundError, match="no event tells of a release 9"):
        shop.why(1, 9)
    with pytest.raises(UsageError, match="no release, time or run"):
        shop.why(1, "yesterday")
    with pytest.raises(NotFoundError, match=r"gold\.sales\.weekly"):
        shop.why(1, 2, "gold.sales.weekly")


def _without_ours(event: dict[str, Any]) -> dict[str, Any]:
    """The event as it was told before facets of ours were."""
    event["run"]["facets"].pop(own_facets.RELEASE, None)
    for side in ("inputs", "outputs"):
        for node in event.get(side) or ():
            for key in ("inputFacets", "outputFacets"):
                (node.get(key) or {}).pop(own_facets.CHANGE, None)
    return event


def _stricter(text: str) -> str:
    """The contract of days with one rule more."""
    old = "        description: The amount.\n"
    return text.replace(old, f"{old}        logicalTypeOptions: {{minimum: 0}}\n")
