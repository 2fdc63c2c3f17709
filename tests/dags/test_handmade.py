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
from tests.dags.conftest import WarmAirflow
from tests.dags.curate_scheduler import SmallAirflow
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
    monkeypatch.setenv("HEADGATE_READERS", "inline")  # a process for each test costs a second
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
    assert [a.name for a in dag.timetable.asset_condition.objects] == [DAYS]
    assert task.outlets[0].uri == f"headgate://local/{DIGEST}"
    # It is released as any other candidate.
    report = parts.release(Project.open(project.settings.root), "digest")
    assert report.released == (DIGEST,)
    assert not verify(Project.open(project.settings.root)).findings


def test_a_later_run_delivers_what_changed(airflow: WarmAirflow, project: Project) -> None:
    dag = dag_of(airflow, project)
    airflow.test(dag)
    deliver(project, {8: 30}, "second")
    ran = airflow.test(dag)
    assert ran.tasks == {"digest": "success"}
    assert rows(project) == account({**WEEKS, 8: 30})
    [(_, extra)] = ran.events
    assert (extra["read"], extra["published"], extra["deduplicated"]) == (8, 1, 7)


def test_each_try_of_a_run_reads_the_same_release(airflow: WarmAirflow, project: Project) -> None:
    small = SmallAirflow(airflow, dag_of(airflow, project))
    first = small.run()
    assert first.tasks == {"digest": "success"}
    deliver(project, {8: 30}, "second")
    small.clear(first.run_id, "digest")
    second = small.run(first.run_id)
    assert (second.tasks, second.tries) == ({"digest": "success"}, {"digest": 2})
    assert rows(project) == account(WEEKS), "it read what the first try read"
    assert batches(project) == 1, "and delivered nothing twice"


@pytest.mark.parametrize("after", ["take", "emit"])
def test_a_try_that_died_after_its_commit_is_told_of_by_the_next(
    airflow: WarmAirflow, project: Project, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    small = SmallAirflow(airflow, dag_of(airflow, project))
    real, tried = getattr(handmade_tasks, after), []

    def dying(*given: Any, **more: Any) -> Any:
        done = real(*given, **more)
        tried.append(after)
        if len(tried) == 1:
            raise OSError("the worker died")
        return done

    monkeypatch.setattr(handmade_tasks, after, dying)
    ran = small.run()
    assert (ran.tasks, ran.tries) == ({"digest": "success"}, {"digest": 2})
    assert rows(project) == account(WEEKS)
    assert [(name, e["published"]) for name, e in ran.events] == [(DIGEST, 7)]
    assert batches(project) == 1


def test_a_zombie_of_a_try_changes_nothing(airflow: WarmAirflow, project: Project) -> None:
    from headgate.orchestration.airflow.delivery import delivered

    contract, settings = project.contracts[DIGEST], project.settings
    row = {"community_id": "irc:x", "week": "2024-01-01", "active_days": 1, "messages": 3,
           "new_authors": 0, "answered": 0, "unanswered": 0, "busiest_date": "2024-01-02",
           "usual_messages": None, "unusual": False}  # fmt: skip
    given = [{**row, "week": dt.date(2024, 1, 1), "busiest_date": dt.date(2024, 1, 2)}]
    with delivered(settings, contract, given, by="x.y", run="r") as of_zombie:
        with delivered(settings, contract, given, by="x.y", run="r") as paths:
            assert parts.take(project, DIGEST, paths=paths).accounts[0].published == 1
        assert not Path(paths[0]).exists()
        late = parts.take(Project.open(settings.root), DIGEST, paths=of_zombie)
    assert (late.accounts, late.problems) == ((), ())
    assert batches(project) == 1 and len(rows(project)) == 1
    assert not list((settings.lake_path / LANDING).rglob("*.parquet"))


REFUSED = f'''
@gated_write("{DIGEST}")
def wrong():
    return [{{"community_id": None, "week": None, "messages": 1}}] * 3

wrong()
'''


def test_a_refused_batch_fails_the_task_and_tells_the_owner(
    airflow: WarmAirflow, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    airflow.test(dag_of(airflow, project))
    before = rows(project)
    with caplog.at_level(logging.WARNING, "headgate.alerts"):
        ran = airflow.test(dag_of(airflow, project, REFUSED))
    assert (ran.tasks, ran.events) == ({"wrong": "failed"}, [])
    assert ran.tries == {"wrong": 1}, "another try would be refused as well"
    told = [r.getMessage() for r in caplog.records if r.name == "headgate.alerts"]
    assert len([t for t in told if "Refused: bronze.community.weekly_digest" in t]) == 1, told
    assert "owner: community-insights" in told[0] and "headgate" in told[0]
    assert rows(project) == before, "a reader sees what was there"


ASKS = f'''
@governed_task
def count(days=read_release("{DAYS}", columns=["sent_date"], as_="duckdb")):
    return days.aggregate("count(*)").fetchall()[0][0]

@governed_task
def add(number, days=read_release("{DAYS}")):
    return number + days.collect().height

add(count())
'''


def test_a_task_that_only_reads(airflow: WarmAirflow, project: Project) -> None:
    dag = dag_of(airflow, project, ASKS)
    assert [i.name for t in dag.tasks for i in t.inlets] == [DAYS, DAYS]
    ran = airflow.test(dag)
    assert ran.tasks == {"count": "success", "add": "success"}
    assert airflow.xcom(ran, "count") == [16]
    assert airflow.xcom(ran, "add") == [32]


def test_nothing_returned_is_no_delivery(airflow: WarmAirflow, project: Project) -> None:
    body = f'@gated_write("{DIGEST}")\ndef forgot():\n    [].append(1)\n\nforgot()'
    ran = airflow.test(dag_of(airflow, project, body))
    assert (ran.tasks, ran.tries) == ({"forgot": "failed"}, {"forgot": 1})
    assert rows(project) == []


def test_files_are_delivered_as_they_are(airflow: WarmAirflow, project: Project) -> None:
    irc = "bronze.irc.messages"
    (project.settings.root / "more.jsonl").write_text(
        "".join(hjson.dumps(line) + "\n" for line in lines(9, 4))
    )
    body = f'@gated_write("{irc}")\ndef exported():\n    return "more.jsonl"\n\nexported()'
    ran = airflow.test(dag_of(airflow, project, body))
    [(name, extra)] = ran.events
    assert (name, extra["published"]) == (irc, 4)
    assert (project.settings.root / "more.jsonl").exists(), "it is not ours to remove"


MAPPED = """
@gated_write("bronze.irc.messages")
def exported(week):
    line = {"channel": "#x", "time": "10:00", "author": "u", "type": "message", "text": "x"}
    more = {"reply_to": None, "date": f"2024-06-0{week}", "file": f"#x-2024-06-0{week}.txt"}
    return ({**line, **more, "line": n} for n in range(week))

exported.expand(week=[1, 2])
"""


def test_mapped_tasks_deliver_each_for_itself(airflow: WarmAirflow, project: Project) -> None:
    dag = dag_of(airflow, project, MAPPED)
    assert "Writes | `bronze.irc.messages`" in dag.doc_md
    ran = airflow.test(dag)
    assert ran.tasks == {"exported[0]": "success", "exported[1]": "success"}
    assert sorted(extra["published"] for _, extra in ran.events) == [1, 2]
