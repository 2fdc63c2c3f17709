"""A DAG that somebody wrote: what it reads, delivers and tells, and what becomes of a second try."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest

from headgate.core import json as hjson
from headgate.lake.engines.duckdb import connect
from headgate.lake.lake import LANDING
from headgate.orchestration import parts
from headgate.orchestration.airflow import handmade_tasks
from headgate.orchestration.project import Project
from headgate.orchestration.verifying.verify import verify
from tests.conftest import REPOSITORY, make_project
from tests.dags.conftest import Ran, WarmAirflow
from tests.dags.handmade_weeks import DAYS, DIGEST, FIRST, deliver, lines

WEEKS = {0: 9, 1: 12, 2: 9, 3: 15, 4: 9, 5: 60, 6: 3, 7: 9}
WRITES = '''"""Delivers what the test says."""

from headgate.orchestration.airflow import gated_write, governed_dag, governed_task, read_release


@governed_dag(owner="community-insights")
def tried():
{body}

tried()
'''


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a release of eight weeks; each test gets a copy."""
    project = make_project(tmp_path_factory.mktemp("weeks") / "project")
    deliver(project, WEEKS)
    return project.settings.root


@pytest.fixture
def project(told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("HEADGATE_ROOT", str(tmp_path / "project"))
    shutil.copytree(told, tmp_path / "project", copy_function=shutil.copyfile)
    shutil.copytree(REPOSITORY / "dags", tmp_path / "project" / "dags")
    return Project.open(tmp_path / "project")


def dag_of(airflow: WarmAirflow, project: Project, body: str = "") -> Any:
    """The example's DAG, or one whose function has this body."""
    path = project.settings.root / "dags" / "community__digest.py"
    if body:
        path = path.with_name("community__try.py")
        indented = "".join(f"    {line}\n" for line in body.strip().splitlines())
        path.write_text(WRITES.format(body=indented))
    bag = airflow.bag(path)
    assert not bag.import_errors, bag.import_errors
    [dag] = bag.dags.values()
    return dag


def rows(project: Project) -> list[tuple[Any, ...]]:
    """The digest's table as it is now."""
    snapshot = Project.open(project.settings.root).lake.snapshot(DIGEST)
    if snapshot is None:
        return []
    with connect(project.settings) as con:
        return con.execute(
            "SELECT community_id, week, active_days, messages, busiest_date, usual_messages, unusual"
            f" FROM {snapshot.relation()} ORDER BY ALL"
        ).fetchall()


def account(weeks: dict[int, int]) -> list[tuple[Any, ...]]:
    """What the digest must be, by plain Python; the newest week is not over."""
    found = []
    for week in range(max(weeks)):
        days = [str(line["date"]) for line in lines(week, weeks[week])]
        busiest = max(set(days), key=lambda d: (days.count(d), d))
        before = [weeks[w] for w in range(week - 4, week) if w in weeks]
        usual = float(statistics.median(before)) if len(before) == 4 else None
        unusual = usual is not None and (len(days) > 3 * usual or 3 * len(days) < usual)
        monday = FIRST + dt.timedelta(weeks=week)
        found.append(("irc:ubuntu", monday, len(set(days)), len(days),
                      dt.date.fromisoformat(busiest), usual, unusual))  # fmt: skip
    return found


def batches(project: Project) -> int:
    """How many batches of the digest were committed."""
    opened = Project.open(project.settings.root)
    with connect(opened.settings) as con:
        batches = opened.lake.snapshot("system.ledger.batches")
        assert batches is not None
        query = f"SELECT count(*) FROM {batches.relation()} WHERE dataset = '{DIGEST}' AND version IS NOT NULL"
        return con.execute(query).fetchall()[0][0]


def again(airflow: WarmAirflow, dag: Any, ran: Ran) -> Ran:
    """Another try of a DAG run's tasks."""
    from airflow.models.dagrun import DagRun
    from airflow.settings import Session
    from sqlalchemy import select

    with Session() as session:
        ours = select(DagRun).where(DagRun.dag_id == dag.dag_id, DagRun.run_id == ran.run_id)
        when = session.scalars(ours).one().logical_date
    dag.test(logical_date=when)
    return airflow.ran(dag.dag_id, ran.run_id)


WHEN = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def started(airflow: WarmAirflow, dag: Any, when: dt.datetime = WHEN) -> Ran:
    """The DAG run of that time, or another try of it."""
    airflow.register(dag)
    return airflow.ran(dag.dag_id, dag.test(logical_date=when).run_id)


def test_the_example_tells_of_weeks(airflow: WarmAirflow, project: Project) -> None:
    dag = dag_of(airflow, project)
    ran = airflow.test(dag)
    assert (ran.state, ran.tasks) == ("success", {"digest": "success"})
    assert rows(project) == account(WEEKS)
    assert [week[-1] for week in rows(project)] == [False] * 5 + [True, True]
    [(name, extra)] = ran.events
    assert name == DIGEST
    assert (extra["read"], extra["published"], extra["verdict"]) == (7, 7, "passed")
    assert (extra["version"], extra["release"]) == (0, None)
    [task] = dag.tasks
    assert [i.name for i in task.inlets] == [DAYS]
    assert [o.uri for o in task.outlets] == [f"headgate://local/{DIGEST}"]
    # It is released as any other candidate.
    report = parts.release(Project.open(project.settings.root), "digest")
    assert report.released == (DIGEST,)
    assert not verify(Project.open(project.settings.root)).findings
