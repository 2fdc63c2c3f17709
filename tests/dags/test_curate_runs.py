"""A release group in Airflow: one producer, a task per dataset, a release; and when things go wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.core.errors import ResourceError
from headgate.orchestration import parts
from headgate.orchestration.project import Project
from tests.dags.conftest import WarmAirflow
from tests.dags.curate_scheduler import SmallAirflow
from tests.dags.curate_shop import (
    CLEAN,
    COUNTS,
    DAYS,
    GROUP,
    TOTALS,
    deliver,
    leave_to_dbt,
    make_shop,
    mend,
    spoil,
)

CURATED = {CLEAN, DAYS, TOTALS, COUNTS}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The shop with a first delivery that nothing was built from yet."""
    monkeypatch.setenv("HEADGATE_ROOT", str(tmp_path / "shop"))
    made = make_shop(tmp_path / "shop")
    deliver(made, range(100))
    return made


@pytest.fixture
def small(shop: Project, airflow: WarmAirflow) -> SmallAirflow:
    """Its curate DAG in a small Airflow."""
    return SmallAirflow(airflow, dag_of(shop))


def dag_of(project: Project) -> Any:
    from headgate.orchestration.airflow import curate_dags

    return curate_dags(str(project.settings.root / "dags/curate.py"))[f"curate.{GROUP}"]


def versions(project: Project) -> dict[str, int]:
    newest = project.releases.newest()
    return dict(newest.versions) if newest else {}


def test_one_producer_builds_all_and_no_other_task_has_a_worker(
    small: SmallAirflow, shop: Project
) -> None:
    leave_to_dbt(shop.settings.root, DAYS)
    ran = small.run()
    assert ran.state == "success"
    assert set(ran.tasks.values()) == {"success"}
    assert small.worked == [("build", 1), ("release", 1)]
    assert {d for d, _ in ran.events} == CURATED
    for dataset, extra in ran.events:
        assert (extra["version"], extra["release"], extra["verdict"]) == (0, 1, "passed"), dataset
        assert extra["read"] == extra["published"] > 0, dataset
    assert versions(shop).keys() == CURATED | {"bronze.shop.orders"}
    [board] = small.airflow.xcom(ran, "build", "nodes")
    assert {d: line["state"] for d, line in board.items()} == dict.fromkeys(CURATED, "built")
    assert all(line["seconds"] > 0 for line in board.values())

    again = small.run()
    assert again.state == "success"
    assert again.events == []  # nothing moved
    [board] = small.airflow.xcom(again, "build", "nodes")
    assert {line["state"] for line in board.values()} == {"unchanged"}

    only = dag_of(shop).test()  # and without a triggerer
    assert str(only.state) == "success"


def test_a_failed_model_fails_its_task_and_holds_its_group_until_it_is_tried_again(
    small: SmallAirflow, shop: Project
) -> None:
    spoil(shop.settings.root, DAYS)
    ran = small.run()
    assert ran.state == "failed"
    assert ran.tasks == {
        "build": "success", CLEAN: "success", DAYS: "failed", TOTALS: "upstream_failed",
        COUNTS: "success", "release": "failed",
    }  # fmt: skip
    assert ran.tries[DAYS] == 1  # another try would meet the same SQL
    assert versions(shop) == {}
    assert ran.events == []

    mend(shop.settings.root, DAYS)
    small.worked.clear()
    small.clear(ran.run_id, DAYS)
    ran = small.run(ran.run_id)
    assert ran.state == "success"
    assert set(ran.tasks.values()) == {"success"}
    # The model's own task built it and what is made from it; the producer did not run again, and
    # the task of what is made from it only found that done.
    assert small.worked == [(DAYS, 2), ("release", 2)]
    assert {d for d, _ in ran.events} == CURATED


def test_a_producer_that_is_cleared_with_all_downstream_builds_again_for_all(
    small: SmallAirflow, shop: Project
) -> None:
    ran = small.run()
    deliver(shop, range(200, 300))
    small.worked.clear()
    small.clear(ran.run_id, "build")
    ran = small.run(ran.run_id)
    assert ran.state == "success"
    assert small.worked == [("build", 2), ("release", 2)]
    assert {d: e["version"] for d, e in ran.events[-4:]} == dict.fromkeys(CURATED, 1)


def test_a_model_that_is_well_may_be_tried_again_at_any_time(
    small: SmallAirflow, shop: Project
) -> None:
    ran = small.run()
    small.worked.clear()
    small.clear(ran.run_id, CLEAN)
    ran = small.run(ran.run_id)
    assert ran.state == "success"
    assert small.worked == [(CLEAN, 2), ("release", 2)]
    assert versions(shop) == dict.fromkeys(versions(shop), 0)  # nothing was stale


def test_a_producer_that_dies_is_tried_again_and_says_all_again(
    small: SmallAirflow, shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = parts.curate
    calls: list[str] = []

    def dying(*given: Any, on_node: Callable[[Any], None], **named: Any) -> Any:
        calls.append("")
        report = whole(*given, on_node=on_node if len(calls) > 1 else _nobody, **named)
        if len(calls) == 1:
            raise ResourceError("no space is left.", everywhere=True)
        return report

    monkeypatch.setattr(parts, "curate", dying)
    ran = small.run()
    assert ran.state == "success"
    assert small.worked == [("build", 1), ("build", 2), ("release", 1)]
    [board] = small.airflow.xcom(ran, "build", "nodes")
    assert {d: line["state"] for d, line in board.items()} == dict.fromkeys(CURATED, "built")
    assert {line["try"] for line in board.values()} == {2}
    assert {d for d, _ in ran.events} == CURATED


def test_a_producer_that_ends_badly_fails_all_that_it_said_nothing_of(
    small: SmallAirflow, shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dying(*_: Any, **__: Any) -> Any:
        raise ResourceError("no space is left.", everywhere=True)

    whole = parts.curate
    monkeypatch.setattr(parts, "curate", dying)
    ran = small.run()
    assert ran.state == "failed"
    assert ran.tasks["build"] == ran.tasks[CLEAN] == ran.tasks["release"] == "failed"
    assert ran.tries["build"] == 4
    assert ran.tries[CLEAN] == 1
    assert versions(shop) == {}

    monkeypatch.setattr(parts, "curate", whole)
    small.worked.clear()
    small.clear(ran.run_id, CLEAN)
    ran = small.run(ran.run_id)  # from where it failed, without the producer
    assert ran.state == "success"
    assert small.worked == [(CLEAN, 2), ("release", 2)]
    assert versions(shop).keys() == CURATED | {"bronze.shop.orders"}


def test_a_model_that_the_producer_did_not_know_is_built_by_its_own_task(
    small: SmallAirflow, shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = parts.curate

    def older(*given: Any, on_node: Callable[[Any], None], **named: Any) -> Any:
        import dataclasses

        report = whole(*given, on_node=_nobody, **named)
        known = tuple(n for n in report.nodes if n.dataset != COUNTS)
        for node in known:
            on_node(node)
        return dataclasses.replace(report, nodes=known)

    monkeypatch.setattr(parts, "curate", older)
    ran = small.run()
    assert ran.state == "success"
    assert small.worked == [("build", 1), (COUNTS, 1), ("release", 1)]


def _nobody(_: Any) -> None:
    """Tells nobody."""
