"""Real data through a real Airflow: taken, curated because of it, released; told of, and logged."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.orchestration.airflow.lineage import airflow_events
from headgate.orchestration.project import Project
from tests.dags import lineage_checks
from tests.e2e import oracle, released
from tests.servers.conftest import Airflow
from tests.unit.lineage.openlineage_spec import Spec

BRONZE = "bronze.irc.messages"
INGEST = f"ingest.{BRONZE}"
#: The groups whose curate runs follow, each because of what the one before it released.
GROUPS = ("irc", "chat", "community", "live")


class Taken:
    """What became of the corpus: the run of each DAG, by its name."""

    def __init__(self, airflow: Airflow, corpus: Path) -> None:
        self.airflow, self.project = airflow, airflow.use_lake("corpus")
        dags = [INGEST, *(f"curate.{g}" for g in GROUPS)]
        airflow.unpause(*dags)
        known = {dag: airflow.known(dag) for dag in dags}
        self.runs = {INGEST: airflow.trigger(INGEST, {"paths": [str(corpus)]})}
        for dag in dags:
            run = self.runs.setdefault(dag, "") or airflow.next_run(dag, known[dag])
            self.runs[dag] = run
            assert airflow.end_of(dag, run) == "success", airflow.why(dag, run)

    def tasks(self, dag: str) -> dict[str, dict[str, Any]]:
        return self.airflow.tasks(dag, self.runs[dag])

    def events(self, dag: str) -> dict[str, dict[str, Any]]:
        return self.airflow.events(dag, self.runs[dag])


@pytest.fixture(scope="module")
def taken(airflow: Airflow, irc_corpus: Path) -> Taken:
    """The corpus, taken once for all of these tests."""
    return Taken(airflow, irc_corpus)


def test_every_table_of_the_release_is_what_an_independent_account_says(
    taken: Taken, irc_corpus: Path
) -> None:
    released.agrees(taken.project, oracle.gold(irc_corpus))


def test_every_model_has_a_task_that_held_no_worker(taken: Taken) -> None:
    for group in ("chat", "community"):
        tasks = taken.tasks(f"curate.{group}")
        curated = {c.id for c in taken.project.contracts.curated if c.release_group == group}

        assert {t: str(v["state"]) for t, v in tasks.items()} == dict.fromkeys(
            {"build", "release", *curated}, "success"
        )
        assert {t for t, v in tasks.items() if v["pid"] is None} == curated
        assert {tasks[t]["try_number"] for t in curated} <= {0, 1}


def test_a_models_log_says_what_became_of_it(taken: Taken) -> None:
    dag, model = "curate.community", "gold.community.dim_users"

    told = taken.airflow.log(dag, taken.runs[dag], model)

    assert model in told and "published" in told, told


def test_asset_events_carry_version_account_verdict_and_release(taken: Taken) -> None:
    project = taken.project
    took = taken.events(INGEST)[BRONZE]
    assert (took["read"], took["published"], took["quarantined"]) == (220_463, 220_463, 0)
    assert took["verdict"] in ("passed", "warned") and took["release"] is None
    assert took["version"] == version_of(project, BRONZE)

    for group in ("chat", "community"):
        events = taken.events(f"curate.{group}")
        assert set(events) == {c.id for c in project.contracts.curated if c.release_group == group}
        for dataset, extra in events.items():
            assert extra["version"] == version_of(project, dataset)
            found = project.releases.get(extra["release"])
            assert found.versions[dataset] == extra["version"]
            parts = ("published", "quarantined", "deduplicated", "refused")
            assert extra["read"] == sum(extra[p] for p in parts) > 0


def version_of(project: Project, dataset: str) -> int:
    snapshot = project.lake.snapshot(dataset)
    assert snapshot is not None
    return snapshot.version


def test_lineage_ties_each_table_to_its_task_and_the_run_of_its_dag(
    taken: Taken, real_data: Path
) -> None:
    project, spec = taken.project, Spec(real_data / "openlineage" / "spec")
    # Airflow tells of its tasks in the lake that the server was started over.
    theirs = airflow_events(taken.airflow.server.settings)
    # The scheduler tells of the end of a DAG run a moment after it.
    until(lambda: not lineage_checks.check(project, spec, theirs))
    assert lineage_checks.check(project, spec, theirs) == []

    ours, _ = lineage_checks.told(project)
    for dag, dataset in ((INGEST, BRONZE), ("curate.chat", "silver.chat.messages"),
                         ("curate.community", "gold.community.dim_users")):  # fmt: skip
        made = [e for e in ours if dataset in {o["name"] for o in e.get("outputs", ())}]
        roots = {e["run"]["facets"]["parent"]["root"]["job"]["name"] for e in made}
        assert roots == {dag}, dataset


def until(holds: Callable[[], bool], within: float = 30.0) -> None:
    """Wait for it, so long; whoever asks again is told what is missing."""
    end = time.monotonic() + within
    while not holds() and time.monotonic() < end:
        time.sleep(1.0)
