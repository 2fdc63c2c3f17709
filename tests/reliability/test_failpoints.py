"""Whole processes: a run that is killed, two that start at once, and runs that wait for each other."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.lake import ledger
from headgate.lake.content import content_hash
from headgate.lake.engines.duckdb import connect
from headgate.lineage import log
from headgate.orchestration.project import Project
from headgate.quality.quarantine import counts
from tests.conftest import make_project
from tests.damage import ENVIRONMENT, damage

BRONZE = "bronze.irc.messages"


@pytest.fixture(scope="module")
def deliveries(irc_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two files with some damage, the second one grown from a part of the first."""
    folder = tmp_path_factory.mktemp("deliveries")
    with gzip.open(irc_corpus, "rb") as source:
        lines = [line.rstrip(b"\n") for line, _ in zip(source, range(6_000), strict=False)]
    damage(lines[:4_000], folder / "a.jsonl", each=2, seed=5)
    damage(lines[3_000:], folder / "b.jsonl", each=2, seed=6)
    return sorted(folder.iterdir())


def start(
    project: Project, files: list[Path], **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "headgate.cli.main", "run"]
    for file in files:
        command += ["--source", f"{BRONZE}={file}"]
    env = {**os.environ, **ENVIRONMENT, "HEADGATE_ROOT": str(project.settings.root), **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)


def state(project: Project) -> dict[str, object]:
    """All that must be the same: tables, released versions' contents, accounts, quarantine."""
    newest = project.releases.newest()
    assert newest is not None
    found: dict[str, object] = {}
    with connect(project.settings) as con:
        for dataset, version in newest.versions.items():
            released, head = project.lake.snapshot(dataset, version), project.lake.snapshot(dataset)
            assert released is not None and head is not None
            found[dataset] = content_hash(con, released)
            assert released.version == head.version, f"{dataset} has versions that are not released"
        batches = ledger.rows(project.lake, con, ledger.BATCHES, limit=10_000)
        releases = ledger.rows(project.lake, con, ledger.RELEASES, limit=10_000)
    names = ("read", "published", "quarantined", "deduplicated", "refused", "source", "outcome")
    found["accounts"] = sorted(tuple(b[n] for n in names) for b in batches if b["kind"] == "ingest")
    assert len({(b["dataset"], b["version"]) for b in batches}) == len(batches)
    found["quarantine"] = counts(project.lake, project.contracts[BRONZE])
    assert {r["release_id"] for r in releases} == set(project.releases.ids())
    catalog = project.lake.root / "catalog.duckdb"
    import duckdb

    with duckdb.connect(str(catalog), read_only=True) as con:
        assert con.execute("SELECT release_id FROM headgate_release").fetchall() == [(newest.id,)]
    return found


@pytest.fixture(scope="module")
def undisturbed(
    deliveries: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, object]:
    project = make_project(tmp_path_factory.mktemp("undisturbed") / "project")
    done = start(project, deliveries)
    assert done.returncode == 0, done.stdout + done.stderr
    return state(project)


def test_killed_for_real_and_started_again(
    deliveries: list[Path], undisturbed: dict[str, object], tmp_path: Path
) -> None:
    """In processes of their own, as people start them; every failpoint is tried in `test_kills`."""
    project = make_project(tmp_path / "project")

    killed = start(project, deliveries, HEADGATE_FAILPOINT="commit.log_written:2")
    assert killed.returncode == -signal.SIGKILL, f"{killed.stdout}{killed.stderr}"
    again = start(project, deliveries)

    assert again.returncode == 0, again.stdout + again.stderr
    assert state(project) == undisturbed
    assert not [p for p in (project.lake.root / "_staging").rglob("*") if p.is_file()]
    assert not log.unfinished(project.lake.root / project.settings.lineage_file)


def test_two_runs_at_once_end_as_one_or_one_refuses(
    deliveries: list[Path], undisturbed: dict[str, object], tmp_path: Path
) -> None:
    project = make_project(tmp_path / "project")
    command = [sys.executable, "-m", "headgate.cli.main", "run"]
    for file in deliveries:
        command += ["--source", f"{BRONZE}={file}"]
    env = {**os.environ, **ENVIRONMENT, "HEADGATE_ROOT": str(project.settings.root)}
    both = [
        subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ends = [(p.communicate(timeout=300), p.returncode) for p in both]

    codes = sorted(code for _, code in ends)
    assert codes in ([0, 0], [0, 1]), ends
    if codes == [0, 1]:
        ((_, told), _) = next(e for e in ends if e[1] == 1)
        assert "another run holds the lake" in told
    assert state(project) == undisturbed
    assert project.releases.ids() == [1]


def test_runs_that_wait_for_each_other_all_end_well(
    deliveries: list[Path], undisturbed: dict[str, object], tmp_path: Path
) -> None:
    project = make_project(tmp_path / "project")
    env = {**os.environ, **ENVIRONMENT, "HEADGATE_ROOT": str(project.settings.root),
           "HEADGATE_LOCK_WAIT_SECONDS": "240"}  # fmt: skip
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "headgate.cli.main", "run", "--source", f"{BRONZE}={file}"],
            env=env,
        )
        for file in deliveries
    ]
    assert [p.wait(timeout=300) for p in runs] == [0, 0]
    final = state(project)
    assert {k: v for k, v in final.items() if "." in k} == {
        k: v for k, v in undisturbed.items() if "." in k
    }
