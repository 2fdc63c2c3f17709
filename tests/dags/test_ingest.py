"""Ingest DAGs: what a run of one takes, tells and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.orchestration.airflow import ingest_dags
from headgate.orchestration.project import Project
from tests.dags.conftest import WarmAirflow
from tests.judged_lake import DATASET, record

PATH = "landing/irc/*.jsonl"


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


def landed(project: Project, name: str, *records: dict) -> Path:
    """A file that lies at the source."""
    path = project.settings.root / "landing" / "irc" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


def dag_of(project: Project, dataset: str = DATASET):
    return ingest_dags(str(project.settings.root / "dags" / "ingest.py"))[f"ingest.{dataset}"]


def test_what_is_new_is_taken_and_told(airflow: WarmAirflow, irc: Project) -> None:
    landed(irc, "day.jsonl", *map(record, range(20)))
    dag = dag_of(irc)
    ran = airflow.test(dag)
    assert (ran.state, ran.tasks) == ("success", {"take": "success", "refused": "skipped"})
    [(_, extra)] = ran.events
    print(extra)
    again = airflow.test(dag)
    assert (again.state, again.tasks) == ("success", {"take": "skipped", "refused": "skipped"})
    assert again.events == []
