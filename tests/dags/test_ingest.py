"""Ingest DAGs: what a run of one takes, tells and refuses."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headgate.orchestration import parts
from headgate.orchestration.airflow import ingest_dags, take_task
from headgate.orchestration.project import Project
from tests.dags.conftest import WarmAirflow
from tests.judged_lake import DATASET, record

PATH = "landing/irc/*.jsonl"
HOPELESS = [record(900 + i, channel="no sign") for i in range(10)]


def changed(project: Project, old: str, new: str, dataset: str = DATASET) -> None:
    """Edit a contract of the project."""
    path = project.contracts[dataset].path
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.fixture
def irc(dags_project: Project) -> Project:
    """A project whose messages of IRC lie in a folder."""
    changed(dags_project, "format: jsonl", f'format: jsonl, path: "{PATH}"')
    return Project.open(dags_project.settings.root)


def landed(project: Project, name: str, *records: dict[str, Any]) -> Path:
    """A file that lies at the source."""
    path = project.settings.root / "landing" / "irc" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


def dag_of(project: Project, dataset: str = DATASET) -> Any:
    return ingest_dags(str(project.settings.root / "dags" / "ingest.py"))[f"ingest.{dataset}"]


def test_what_is_new_is_taken_once_and_told(airflow: WarmAirflow, irc: Project) -> None:
    landed(irc, "first.jsonl", *map(record, range(20)))
    landed(irc, "second.jsonl", *map(record, range(15, 30)))
    dag = dag_of(irc)
    ran = airflow.test(dag)
    assert (ran.state, ran.tasks) == ("success", {"take": "success", "refused": "skipped"})
    [(name, said)] = ran.events
    version = irc.lake.snapshot(DATASET).version
    assert name == DATASET
    assert (said["version"], said["verdict"], said["release"]) == (version, "passed", None)
    counts = ("read", "published", "quarantined", "deduplicated", "refused")
    assert [said[c] for c in counts] == [35, 30, 0, 5, 0]
    assert [b["read"] for b in said["batches"]] == [20, 15]
    assert irc.releases.newest() is None

    again = airflow.test(dag)
    assert (again.state, again.tasks) == ("success", {"take": "skipped", "refused": "skipped"})
    assert again.events == []

    landed(irc, "../by_hand.jsonl", *map(record, range(40, 42)))
    by_hand = airflow.test(dag, {"paths": ["landing/by_*.jsonl"]})
    assert [said["read"] for _, said in by_hand.events] == [2]


def test_what_is_refused_fails_the_run_and_the_rest_is_told(
    airflow: WarmAirflow, irc: Project, caplog: pytest.LogCaptureFixture
) -> None:
    landed(irc, "good.jsonl", *map(record, range(20)))
    bad = landed(irc, "hopeless.jsonl", *HOPELESS)
    dag = dag_of(irc)
    with caplog.at_level(logging.WARNING, "headgate.alerts"):
        ran = airflow.test(dag)
    assert (ran.state, ran.tasks) == ("failed", {"take": "success", "refused": "failed"})
    assert [(name, said["read"], said["verdict"]) for name, said in ran.events] == [
        (DATASET, 20, "passed")
    ]
    [alert] = [m for m in caplog.messages if m.startswith(f"Refused: {DATASET} (owner: ")]
    assert f"headgate show verdicts {DATASET}" in alert
    assert "no sign" not in alert

    only_bad = airflow.test(dag)  # what was refused is tried again, and nothing else is new
    assert (only_bad.state, only_bad.tasks) == (
        "failed",
        {"take": "failed", "refused": "upstream_failed"},
    )
    assert only_bad.events == []
    assert only_bad.tries["take"] == 1
    bad.unlink()
    assert airflow.test(dag).state == "success"


def test_a_try_that_ended_before_it_told_is_told_of_by_the_next(
    airflow: WarmAirflow, irc: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    landed(irc, "day.jsonl", *map(record, range(20)))
    dag, emit, tries = dag_of(irc), take_task.emit, []

    def late(*given: Any, **named: Any) -> None:
        tries.append(given)
        if len(tries) == 1:
            raise ConnectionError("the worker is gone")
        emit(*given, **named)

    monkeypatch.setattr(take_task, "emit", late)
    dag.task_dict["take"].retry_delay = timedelta(0)
    ran = airflow.test(dag)
    assert (ran.state, ran.tries["take"]) == ("success", 2)
    [(_, said)] = ran.events
    assert (said["read"], said["published"], said["version"]) == (20, 20, 0)


def test_what_nobody_was_told_of_is_told_of_by_the_next_run(
    airflow: WarmAirflow, irc: Project
) -> None:
    landed(irc, "day.jsonl", *map(record, range(20)))
    parts.take(irc, DATASET)  # by a task all of whose tries were killed before they told
    dag = dag_of(irc)
    ran = airflow.test(dag)
    assert ran.tasks == {"take": "success", "refused": "skipped"}
    assert [(name, said["version"]) for name, said in ran.events] == [(DATASET, 0)]
    assert airflow.test(dag).events == []
