"""Lineage of an engineer's own Spark job, by real Spark and its listener, asked of the store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.lineage.graph_node import Node
from headgate.lineage.questions import runs
from headgate.lineage.questions.trace import trace
from headgate.lineage.store.opening import Store
from headgate.orchestration import lineage_store
from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY, make_project

pytestmark = pytest.mark.servers

BRONZE = "bronze.irc.messages"
JOB = Path(__file__).with_name("spark_job.py")
LINES = "\n".join(
    f'{{"file":"a","line":{n},"channel":"#x","time":"10:0{n}","author":"a{n % 3}","type":"message",'
    f'"text":"words {n}","reply_to":null,"date":"2004-09-28"}}'
    for n in range(9)
)


def headgate(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "HEADGATE_ROOT": str(project.settings.root),
        "HEADGATE_SPARK_JARS": str(REPOSITORY / ".tools/spark/jars"),
        "HEADGATE_SPARK_MASTER": "local[2]",
        "HEADGATE_SPARK_MEMORY": "1g",
    }
    command = [sys.executable, "-m", "headgate.cli.main", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A lake with a table that our gate filled."""
    folder = tmp_path_factory.mktemp("jobs")
    project = make_project(folder / "project")
    (folder / "day.jsonl").write_text(LINES)
    with (folder / "project/headgate.toml").open("a") as file:
        file.write("[spark]\nsql.shuffle.partitions = 1\ndatabricks.delta.snapshotPartitions = 1\n")
    done = headgate(
        project, "run", "--source", f"{BRONZE}={folder / 'day.jsonl'}", "--select", BRONZE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture(scope="module")
def mart(lake: Project) -> Path:
    """Where the job wrote, once it has run well."""
    folder = lake.settings.root.parent / "mart"
    source = str(lake.settings.lake_path / "bronze/irc/messages")
    done = headgate(lake, "spark", "submit", "--name", "chat.enrich", str(JOB), source, str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("failed:") == 3, "the job itself went on"
    return folder


@pytest.fixture
def store(lake: Project, mart: Path) -> Iterator[Store]:
    opened = lineage_store.open_for(lake)
    yield opened
    opened.close()


def made_of(store: Store, mart: Path, table: str, column: str) -> set[str]:
    """The columns of ours that a column of the mart's is made of, directly."""
    node = Node(str(mart / table), column)
    found = trace(store, node, "up", indirect=False).nodes
    return {f"{one.name}.{one.column}" for one in found if one.namespace == "headgate://local"}


@pytest.mark.parametrize(
    ("table", "column", "wanted"),
    [
        pytest.param("authors", "author", {"author"}, id="a DataFrame"),
        pytest.param("authors", "last_words", {"text", "channel"}, id="a DataFrame, then MERGE"),
        pytest.param("notes", "who", {"author"}, id="INSERT SELECT"),
        pytest.param("notes", "note", {"text"}, id="INSERT SELECT, then a merge by the class"),
        pytest.param("copied", "at", {"time"}, id="CREATE TABLE AS SELECT"),
    ],
)
def test_columns_are_made_of_the_lakes_own(
    store: Store, mart: Path, table: str, column: str, wanted: set[str]
) -> None:
    assert made_of(store, mart, table, column) == {f"{BRONZE}.{name}" for name in wanted}


def test_what_failed_made_nothing(store: Store, mart: Path) -> None:
    """The failed MERGE and INSERT would have made `channel` of `author`, or of nothing."""
    assert made_of(store, mart, "copied", "channel") == {f"{BRONZE}.channel"}


def test_a_column_is_traced_to_the_file_that_our_gate_took(store: Store, mart: Path) -> None:
    found = trace(store, Node(str(mart / "notes"), "note"), "up").nodes
    assert any(one.namespace == "file" and one.name.startswith("source:") for one in found)


def statements(store: Store) -> list[runs.Run]:
    (job,) = runs.page(store, job="chat.enrich", namespace="spark").runs
    return [runs.one(store, r.run_id) for r in runs.page(store, parent=job.run_id).runs]


def test_the_job_and_its_statements_end_as_they_did(store: Store) -> None:
    (job,) = runs.page(store, job="chat.enrich", namespace="spark").runs
    assert job.state == "COMPLETE"
    failed = [r for r in statements(store) if r.state == "FAIL"]
    assert {r.job.name.split(".")[-2 if "execute" not in r.job.name else 1] for r in failed}
    assert len([r for r in failed if "merge" in r.job.name]) == 1
    assert len([r for r in failed if "append" in r.job.name]) == 1
    assert all(r.error for r in failed)
    assert any("not today" in str(r.error) for r in failed)
    assert not [r for r in statements(store) if r.state == "ABORT"], "all ends are known"


def test_a_merge_names_its_source_among_its_inputs(store: Store, mart: Path) -> None:
    merges = [r for r in statements(store) if "merge" in r.job.name and r.state == "COMPLETE"]
    assert len(merges) == 2
    for merge in merges:
        assert BRONZE in {one.name for one in merge.inputs}, merge


def test_a_job_that_ends_badly_is_told_so(lake: Project, mart: Path) -> None:
    source = str(lake.settings.lake_path / "bronze/irc/messages")
    where = str(mart.with_name("doomed"))
    done = headgate(lake, "spark", "submit", "--name", "chat.doomed", str(JOB), source, where)
    assert done.returncode == 3, done.stdout + done.stderr
    opened = lineage_store.open_for(lake)
    try:
        (job,) = runs.page(opened, job="chat.doomed", namespace="spark").runs
        assert job.state == "FAIL"
    finally:
        opened.close()
