"""The backfill DAG: dates taken in portions, some at once, and told of once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from headgate.orchestration.airflow import ingest_dags
from headgate.orchestration.airflow.backfill_tasks import portions
from headgate.orchestration.project import Project
from tests.dags.conftest import WarmAirflow
from tests.dags.test_ingest import HOPELESS, changed, landed
from tests.judged_lake import DATASET, record

RANGE = {"dataset": DATASET, "first": "2019-05-02", "last": "2019-05-05", "parallel": 2}


@pytest.fixture
def dated(dags_project: Project) -> Project:
    """A project whose messages of IRC lie in a file a day."""
    changed(dags_project, "format: jsonl", 'format: jsonl, path: "landing/irc/{date}.jsonl"')
    project = Project.open(dags_project.settings.root)
    for day in (1, 2, 3, 5):
        landed(project, f"2019-05-0{day}.jsonl", *(record(10 * day + i) for i in range(day)))
    return project


def backfill(project: Project) -> Any:
    return ingest_dags(str(project.settings.root / "dags" / "ingest.py"))["backfill"]


def test_a_range_is_taken_and_told_of_once(airflow: WarmAirflow, dated: Project) -> None:
    dag = backfill(dated)
    ran = airflow.test(dag, RANGE)
    assert ran.tasks == {
        "plan": "success", "take[0]": "success", "take[1]": "success", "finish": "success",
        "refused": "skipped",
    }  # fmt: skip
    assert ran.state == "success"
    assert ran.labels == {"take[0]": "2019-05-02 … 2019-05-03", "take[1]": "2019-05-05"}
    [(name, said)] = ran.events
    assert (name, said["read"], said["published"], said["release"]) == (DATASET, 10, 10, None)
    assert [b["read"] for b in said["batches"]] == [2, 3, 5]
    assert dated.lake.snapshot(DATASET).rows == 10

    again = airflow.test(dag, {**RANGE, "first": None})
    assert (again.state, again.tasks["take[1]"]) == ("success", "skipped")
    assert [said["read"] for _, said in again.events] == [1]  # of the first of the month


def test_what_is_refused_of_a_range_holds_nothing_else_up(
    airflow: WarmAirflow, dated: Project
) -> None:
    landed(dated, "2019-05-02.jsonl", *HOPELESS)
    dag = backfill(dated)
    ran = airflow.test(dag, {**RANGE, "parallel": 1})
    assert ran.state == "failed"
    assert ran.tasks == {
        "plan": "success", "take[0]": "failed", "take[1]": "success", "take[2]": "success",
        "finish": "success", "refused": "failed",
    }  # fmt: skip
    assert ran.tries["take[0]"] == 1
    assert [said["read"] for _, said in ran.events] == [8]


def test_a_range_that_is_none_is_told(airflow: WarmAirflow, dated: Project) -> None:
    dag = backfill(dated)
    dag.task_dict["plan"].retry_delay = timedelta(0)
    ran = airflow.test(dag, {**RANGE, "first": "2019-06-01"})
    assert (ran.state, ran.tasks["plan"], ran.tries["plan"]) == ("failed", "failed", 1)


def test_portions_keep_what_is_read_at_once_and_the_number_of_tasks_bounded() -> None:
    assert portions(["a", "b", "c"], 2) == [["a", "b"], ["c"]]
    assert portions([], 4) == []
    many = portions([str(n) for n in range(3000)], 1)
    assert len(many) <= 500 and [d for p in many for d in p] == [str(n) for n in range(3000)]
