"""No question reads the large tables of the store from end to end: asked of SQLite's own plan of each query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from headgate.lineage.questions import datasets, events, jobs, runs
from headgate.lineage.questions.impact import impact
from headgate.lineage.questions.personal import personal
from headgate.lineage.questions.trace import trace
from headgate.lineage.questions.why import why
from headgate.lineage.store import loading
from headgate.lineage.store.opening import Store, open_store
from headgate.lineage.store.taking import take
from tests.bench.lineage_ours import Lake
from tests.bench.lineage_platform import platform
from tests.bench.lineage_stream import BEGIN

#: Those that grow with every event.
GROWING = ("event", "run", "run_dataset", "verdict")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store after two runs over a lake, whose graph was loaded after the first."""
    whole = platform(60, 900)
    lake = Lake(whole, 8)
    ((domain, listed),) = whole.domains("ours").items()
    found = open_store(tmp_path_factory.mktemp("plans") / "lineage.db")
    for share, begin in ((1.0, BEGIN), (0.6, BEGIN + timedelta(days=1))):
        assert not take(found, lake.run(domain, listed, begin, share=share)).refused
        loading.graph(found)
    yield found
    found.close()


def _some(store: Store) -> dict[str, Any]:
    """Names to ask by: of a dataset that was released, of a run that wrote it, and of its job."""
    query = sa.text(
        "SELECT d.name AS dataset, j.name AS job, r.uuid AS run, r.parent, r.whole, n.number AS release"
        " FROM release_version v JOIN dataset d ON d.id = v.dataset_id JOIN release n ON n.id = v.release_id"
        " JOIN run_dataset x ON x.dataset_id = d.id AND x.role = 'out' JOIN run r ON r.id = x.run_id"
        " JOIN job j ON j.id = r.job_id WHERE r.whole IS NOT NULL AND d.name LIKE 'silver%' LIMIT 1"
    )
    with store.reading() as connection:
        return dict(connection.execute(query).one()._mapping)


QUESTIONS: dict[str, Callable[[Store, dict[str, Any]], object]] = {
    "events": lambda s, n: events.page(s, limit=10),
    "events, a later page": lambda s, n: events.page(s, limit=10, after=events.page(s, limit=10).next),
    "events of a run": lambda s, n: events.page(s, run=n["run"], limit=10),
    "events of a job": lambda s, n: events.page(s, job=n["job"], limit=1),
    "runs": lambda s, n: runs.page(s, limit=10),
    "runs, a later page": lambda s, n: runs.page(s, limit=10, after=runs.page(s, limit=10).next),
    "runs of a job": lambda s, n: runs.page(s, job=n["job"], limit=10),
    "runs that wrote a dataset": lambda s, n: runs.page(s, dataset=n["dataset"], limit=10),
    "runs that read a dataset": lambda s, n: runs.page(s, dataset=n["dataset"], role="in", limit=10),
    "runs that a task called for": lambda s, n: runs.page(s, parent=n["parent"], limit=10),
    "steps of a run": lambda s, n: runs.page(s, whole=n["whole"], limit=10),
    "a run": lambda s, n: runs.one(s, n["run"]),
    "jobs": lambda s, n: jobs.page(s, limit=10),
    "a job": lambda s, n: jobs.one(s, n["job"]),
    "datasets": lambda s, n: datasets.page(s, limit=10),
    "a dataset": lambda s, n: datasets.one(s, n["dataset"]),
    "versions": lambda s, n: datasets.versions(s, n["dataset"]),
    "verdicts": lambda s, n: datasets.verdicts(s, n["dataset"]),
    "trace": lambda s, n: trace(s, n["dataset"], "up").json(),
    "trace as of a run": lambda s, n: trace(s, n["dataset"], "up", as_of=f"run:{n['run']}"),
    "trace as of a release": lambda s, n: trace(s, n["dataset"], "up", as_of=f"release:{n['release']}"),
    "impact": lambda s, n: impact(s, n["dataset"], change="goes"),
    "why": lambda s, n: why(s, n["dataset"], n["release"], n["release"]),
    "personal data": lambda s, n: personal(s, n["dataset"]),
}  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_go_by_indexes(store: Store, question: str) -> None:
    some = _some(store)
    asked: list[str] = []

    # By the driver, since some questions are asked past SQLAlchemy; with values in their places.
    def note(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(asked.append)

    def stop(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(None)

    sa.event.listen(store.engine, "checkout", note)
    sa.event.listen(store.engine, "checkin", stop)
    try:
        QUESTIONS[question](store, some)
    finally:
        sa.event.remove(store.engine, "checkout", note)
        sa.event.remove(store.engine, "checkin", stop)
    selects = [one for one in asked if one.lstrip().upper().startswith(("SELECT", "WITH"))]
    assert selects
    for statement in selects:
        assert not _read_whole(store, statement), statement


def test_a_query_that_reads_a_table_whole_is_seen(store: Store) -> None:
    assert _read_whole(store, "SELECT count(*) FROM run WHERE error = 'x'") == {"run"}
    assert _read_whole(store, "SELECT * FROM run ORDER BY state LIMIT 3") == {"run"}
    assert not _read_whole(store, "SELECT * FROM run ORDER BY id DESC LIMIT 3")


def _read_whole(store: Store, statement: str) -> set[str]:
    """The growing tables that a query reads from end to end.

    A page in the order of an index is no such: it ends where the page is full.
    """
    with store.engine.connect() as connection:
        told = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
        plan = [str(row[-1]) for row in told]
    aliases = dict(re.findall(r"\b(?:FROM|JOIN)\s+\"?(\w+)\"?\s+(?:AS\s+)?\"?(\w+)\"?", statement))
    named = {alias: table for table, alias in aliases.items()}
    paged = re.search(r"\bLIMIT\b", statement) and not any("B-TREE FOR ORDER" in p for p in plan)
    found = {line.split()[1] for line in plan if line.startswith("SCAN ")}
    found = {named.get(name, name) for name in found} & set(GROWING)
    return set() if paged else found
