"""Airflow's lineage and ours tell one story: each step of ours is of a task, each task of a DAG run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headgate.cli.main import invoke
from headgate.core import ids
from headgate.lineage import callers, names, steps
from headgate.lineage.emitter import Emitter
from headgate.lineage.steps import State
from headgate.orchestration.airflow.lineage import (
    FILE,
    called_by,
    callers_of,
    provider_at_work,
    provider_environment,
)
from headgate.orchestration.airflow.waiting_told import waiting_told
from headgate.orchestration.parts import NodeState
from headgate.orchestration.project import Project
from headgate.orchestration.verifying.verify import verify
from tests.dags import lineage_checks
from tests.dags.conftest import WarmAirflow
from tests.dags.curate_scheduler import SmallAirflow
from tests.dags.curate_shop import (
    CLEAN,
    COUNTS,
    DAYS,
    GROUP,
    MODELS,
    ORDERS,
    TOTALS,
    deliver,
    make_shop,
)
from tests.unit.lineage.openlineage_spec import Spec

Listen = Callable[..., None]
Capture = pytest.CaptureFixture[str]
#: What needs dbt takes seconds, and tells lineage of nothing else.
PLAIN = "select day, cast(sum(cents) as bigint) as cents from {{ ref('clean') }} group by day"


class AtOnce:
    """Does at once what the provider has a process for: telling of DAG runs."""

    def submit(self, call: Callable[..., Any], *given: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(call(*given, **named))
        return done

    def shutdown(self, wait: bool = True) -> None:
        """There is nothing to shut down."""


class Listening:
    """The OpenLineage provider, listening in this process."""

    def __init__(self) -> None:
        from airflow.listeners.listener import get_listener_manager as of_core
        from airflow.providers.openlineage.plugins import listener
        from airflow.sdk.listener import get_listener_manager as of_tasks

        class Listener(listener.OpenLineageListener):
            executor = property(lambda self: AtOnce())

        listener._get_process_adapter.cache_clear()
        self._listener, self._managers = Listener(), (of_core().pm, of_tasks().pm)
        for manager in self._managers:
            # Airflow's own may listen too, if its plugins were first looked for meanwhile.
            for other in manager.get_plugins():
                if isinstance(other, listener.OpenLineageListener):
                    manager.unregister(other)
            manager.register(self._listener)

    def stop(self) -> None:
        for manager in self._managers:
            manager.unregister(self._listener)


@pytest.fixture
def listen(airflow: WarmAirflow, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listen]:
    """Have the provider listen as the environment of a server makes it."""
    begun: list[Listening] = []

    def begin(project: Project, transport: str = "") -> None:
        while begun:
            begun.pop().stop()
        for name, value in provider_environment(project.settings).items():
            monkeypatch.setenv(name, value)
        if transport:
            monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", transport)
        begun.append(Listening())

    yield begin
    for one in begun:
        one.stop()


@pytest.fixture(scope="module")
def spec(real_data: Path) -> Spec:
    """OpenLineage's JSON Schemas."""
    return Spec(real_data / "openlineage" / "spec")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A shop with orders that nothing was built from yet; no run of it is recorded in lineage."""
    monkeypatch.setenv("HEADGATE_ROOT", str(tmp_path / "shop"))
    made = make_shop(tmp_path / "shop")
    days(made).write_text(PLAIN)
    deliver(made, range(50))
    (made.lake.root / made.settings.lineage_file).unlink()
    return made


def days(project: Project) -> Path:
    return project.settings.root / "dbt_project/models/marts/shop/days.sql"


def curate(airflow: WarmAirflow, project: Project) -> SmallAirflow:
    from headgate.orchestration.airflow import curate_dags

    file = str(project.settings.root / "dags/curate.py")
    return SmallAirflow(airflow, curate_dags(file)[f"curate.{GROUP}"])


def test_every_model_is_of_its_task_and_dag_run(
    airflow: WarmAirflow, shop: Project, listen: Listen, spec: Spec, capsys: Capture
) -> None:
    listen(shop)
    small = curate(airflow, shop)
    ran = small.run()
    assert ran.state == "success"
    ours, theirs = lineage_checks.told(shop)
    assert lineage_checks.check(shop, spec) == []
    assert lineage_checks.tasks_of_datasets(ours) == {d: {f"curate.shop.{d}"} for d in MODELS}
    assert lineage_checks.nodes(theirs) == {("headgate://local", d) for d in MODELS}
    first = tries(ours)

    # A model that is tried again builds what is made from it too, and the producer does not run.
    days(shop).write_text(PLAIN.replace("sum(cents)", "sum(cents) + 1"))
    small.clear(ran.run_id, DAYS)
    assert small.run(ran.run_id).state == "success"
    ours, _ = lineage_checks.told(shop)
    assert lineage_checks.check(shop, spec) == []
    second = {d: runs - first[d] for d, runs in tries(ours).items()}
    assert {d: len(runs) for d, runs in second.items()} == {CLEAN: 0, COUNTS: 0, DAYS: 1, TOTALS: 1}

    assert invoke(["lineage", "up", TOTALS, "--depth", "1"]) == 0
    assert f"UTC by task {TOTALS} of DAG curate.shop." in capsys.readouterr().out
    found = [
        f for f in verify(shop).findings if f.check != "lineage-gates"
    ]  # of the first delivery
    assert [f for f in found if f.check.startswith("lineage") or FILE in f.place] == []


def tries(events: list[Any]) -> dict[str, set[str]]:
    """By dataset, the runs of tasks that our events of it name as parents."""
    found: dict[str, set[str]] = {}
    for event in events:
        _, dataset = names.parse_job(event["job"]["name"])
        if dataset:
            found.setdefault(dataset, set()).add(event["run"]["facets"]["parent"]["run"]["runId"])
    return found


def test_a_dag_of_anybody_names_our_tables_and_no_dead_end_fails_it(
    airflow: WarmAirflow, shop: Project, listen: Listen
) -> None:
    from airflow.sdk import DAG, Asset, get_current_context, task

    from headgate.orchestration.airflow.assets import asset

    def work() -> None:
        with called_by(get_current_context()):
            path = shop.lake.root / shop.settings.lineage_file
            with Emitter(path, "local") as emitter:
                emitter.emit(steps.run_step(ids.new_id()), State.START)

    def dag() -> Any:
        with DAG("shop__weekly", schedule=None) as made:
            task(
                work, inlets=[asset(CLEAN, "local")],
                outlets=[asset(ORDERS, "local"), Asset(name="else", uri="headgate://local/else")],
            )()  # fmt: skip
        made.fileloc = str(shop.settings.root / "dags/curate.py")
        return made

    listen(shop)
    assert airflow.test(dag()).state == "success"
    ours, theirs = lineage_checks.told(shop)
    (ends,) = [
        e
        for e in theirs
        if e["job"]["name"] == "shop__weekly.work" and e["eventType"] == "COMPLETE"
    ]
    sides = [[(d["namespace"], d["name"]) for d in ends[side]] for side in ("inputs", "outputs")]
    assert sides == [[("headgate://local", CLEAN)], [("headgate://local", ORDERS)]]
    assert "sourceCode" not in ends["job"]["facets"]
    assert [callers.told_by(e).job for e in ours] == ["shop__weekly.work"]

    listen(shop, '{"type": "http", "url": "http://127.0.0.1:9", "retry": {"total": 0}}')
    assert airflow.test(dag()).state == "success"
    assert len(lineage_checks.told(shop)[1]) == len(theirs)
    assert len(lineage_checks.told(shop)[0]) == 2 * len(ours)


def test_without_the_provider_a_step_still_names_its_task(
    airflow: WarmAirflow, shop: Project
) -> None:
    assert not provider_at_work()
    dag = curate(airflow, shop).dag
    found, again, retried = (callers_of(context(dag, "build", n)) for n in (2, 2, 3))
    assert found == again
    assert found.part.job == "curate.shop.build"
    assert found.part.namespace == "headgate://local"
    assert found.part.run_id != retried.part.run_id
    assert found.part.root_run_id == retried.part.root_run_id
    assert found.nodes == retried.nodes
    assert {d: c.job for d, c in found.nodes.items()} == {d: f"curate.shop.{d}" for d in MODELS}


def context(dag: Any, task_id: str, number: int) -> dict[str, Any]:
    """What a task of a DAG run is given of itself, as far as lineage asks for it."""
    run = SimpleNamespace(
        run_id="manual__1", clear_number=0, conf=None, logical_date=None,
        run_after=datetime(2026, 3, 1, tzinfo=UTC),
    )  # fmt: skip
    ti = SimpleNamespace(task_id=task_id, try_number=number, map_index=-1)
    return {"ti": ti, "dag": dag, "dag_run": run}


def test_who_cannot_be_told_of_fails_no_task() -> None:
    with called_by({"ti": None}), waiting_told({"ti": None}) as told:
        told(NodeState("gold.shop.totals", "built", 1.0, "", None))
