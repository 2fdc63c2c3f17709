"""Real data through a real Airflow: taken, curated because of it, released; told of, and logged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headgate.core import json as hjson
from headgate.orchestration.airflow.lineage import airflow_events
from headgate.orchestration.project import Project
from tests.e2e import oracle, released
from tests.servers.conftest import Airflow

BRONZE = "bronze.irc.messages"
INGEST = f"ingest.{BRONZE}"
#: The groups whose curate runs follow, each because of what the one before it released.
GROUPS = ("irc", "chat", "community")


class Taken:
    """What became of the corpus: the run of each DAG, by its name."""

    def __init__(self, airflow: Airflow, corpus: Path) -> None:
        self.airflow, self.project = airflow, airflow.project
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
            found = project.releases.load(extra["release"])
            assert found.versions[dataset] == extra["version"]
            parts = ("published", "quarantined", "deduplicated", "refused")
            assert extra["read"] == sum(extra[p] for p in parts) > 0


def version_of(project: Project, dataset: str) -> int:
    snapshot = project.lake.snapshot(dataset)
    assert snapshot is not None
    return snapshot.version


def test_lineage_ties_each_table_to_its_task_and_the_run_of_its_dag(taken: Taken) -> None:
    project = taken.project
    ours = events_in(project.lake.root / project.settings.lineage_file)
    theirs = events_in(airflow_events(project.settings))
    runs = {e["run"]["runId"]: e["job"] for e in theirs}
    for dag, dataset in ((INGEST, BRONZE), ("curate.chat", "silver.chat.messages"),
                         ("curate.community", "gold.community.dim_users")):  # fmt: skip
        made = [e for e in ours if dataset in {o["name"] for o in e.get("outputs", ())}]
        parents = [e["run"]["facets"]["parent"] for e in made]
        roots = {p["root"]["job"]["name"] for p in parents}
        assert roots == {dag}, dataset
        assert {p["root"]["run"]["runId"] for p in parents} <= runs.keys(), (
            "Airflow tells of it too"
        )
        assert {p["root"]["job"]["namespace"] for p in parents} == {
            runs[parents[0]["root"]["run"]["runId"]]["namespace"]
        }


def events_in(file: Path) -> list[dict[str, Any]]:
    return [hjson.loads(line) for line in file.read_bytes().splitlines()]
