"""Tables of both engines: each reads the other's, one writes a table, and a run that is killed is made good."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headgate.core import ids
from headgate.lake import checkpoint
from headgate.lake.engines.duckdb import connect
from headgate.lake.lake import log_key
from headgate.lake.maintenance.compaction import compact
from headgate.lake.snapshot import Snapshot
from headgate.orchestration.project import Project
from headgate.orchestration.rebuilding import rebuild
from headgate.orchestration.run import run
from tests.servers import both_contracts
from tests.servers.both_contracts import CONTRACTS, EDGES, STAFF
from tests.servers.both_engines import account, configure, lay_out

pytestmark = pytest.mark.servers
NAMES = ("staff", "edges")


def project_on(folder: Path, engine: str) -> Project:
    return lay_out(folder, engine, {n: CONTRACTS[n] for n in NAMES}, ())


def staff(folder: Path, *names: str) -> Path:
    return both_contracts.jsonl(folder / f"{'-'.join(names)}.jsonl", [{"name": n} for n in names])


def take(project: Project, dataset: str, *paths: Path) -> tuple[str, ...]:
    """Deliver files; gives the problems that there were."""
    problems: tuple[str, ...] = run(
        project, sources={dataset: [str(p) for p in paths]}, select=[dataset]
    ).problems
    return problems


def delta_rows(spark: Any, project: Project, dataset: str, version: int) -> list[tuple[str]]:
    """The rows that Delta's own reader on Spark sees, as text."""
    uri = project.lake.storage.uri(project.lake.key(dataset))
    frame = spark.read.format("delta").option("versionAsOf", version).load(uri)
    table = frame.toArrow()
    with connect(project.settings) as con:
        con.register("found", table)
        return con.execute("SELECT t::VARCHAR AS r FROM found AS t ORDER BY r").fetchall()


def own_rows(project: Project, snapshot: Snapshot) -> list[tuple[str]]:
    with connect(project.settings) as con:
        return con.execute(
            f"SELECT t::VARCHAR AS r FROM {snapshot.relation()} AS t ORDER BY r"
        ).fetchall()


def test_delta_on_spark_reads_what_our_door_wrote(spark: Any, tmp_path: Path) -> None:
    project = project_on(tmp_path / "p", "duckdb")
    assert not take(project, EDGES, *both_contracts.edges(tmp_path))
    for name in ("ada", "bob", "cyd", "dan", "eve"):
        assert not take(project, STAFF, staff(tmp_path, name))
    lake = project.lake
    before = {v: own_rows(project, lake.snapshot(STAFF, v)) for v in range(5)}  # type: ignore[arg-type]
    with connect(project.settings) as con:
        assert compact(con, lake, STAFF, run_id=ids.new_id(), key=("name",)) is not None
    checkpoint.tried(lake, lake.key(STAFF), 5, ids.new_id())
    assert (lake.root / lake.key(STAFF) / "_delta_log" / "_last_checkpoint").exists()
    for version in (1, 4):
        assert delta_rows(spark, project, STAFF, version) == before[version]
        assert len(before[version]) == version + 1
    for version in before:  # so that what is read then is read from the checkpoint
        (lake.root / log_key(lake.key(STAFF), version)).unlink()
    newest = delta_rows(spark, project, STAFF, 5)
    assert newest == before[4] and len(newest) == 5
    snapshot = lake.snapshot(EDGES)
    assert snapshot is not None
    assert delta_rows(spark, project, EDGES, 0) == own_rows(project, snapshot)


def test_one_engine_writes_a_table_until_it_is_handed_over(spark: Any, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    project = project_on(folder, "duckdb")
    assert not take(project, STAFF, staff(tmp_path, "ada", "bob"))
    project = configure(folder, "spark")
    (problem,) = take(project, STAFF, staff(tmp_path, "cyd"))
    assert f"{STAFF} is written by the engine duckdb, and spark was to write it" in problem
    assert f"headgate rebuild {STAFF}" in problem
    kept = project.lake.snapshot(STAFF)
    assert kept is not None and kept.version == 0

    assert rebuild(project, STAFF).problems == ()
    handed = project.lake.snapshot(STAFF)
    assert handed is not None and handed.meta is not None
    assert (handed.rows, handed.meta.engine) == (2, "spark")
    actions = log_of(project, handed.version)
    assert actions["metaData"]["configuration"] == {"headgate.engine": "spark"}
    assert not take(project, STAFF, staff(tmp_path, "cyd"), staff(tmp_path, "ada", "dan"))
    grown = project.lake.snapshot(STAFF)
    assert grown is not None and grown.rows == 4
    assert delta_rows(spark, project, STAFF, grown.version) == own_rows(project, grown)

    project = configure(folder, "duckdb")
    (problem,) = take(project, STAFF, staff(tmp_path, "eve"))
    assert f"{STAFF} is written by the engine spark" in problem
    # The contract's word goes before the setting's.
    contract = folder / "data_contracts" / "test" / "staff" / "contract.odcs.yaml"
    contract.write_text(contract.read_text() + "  - {property: headgate.engine, value: spark}\n")
    assert not take(Project.open(folder), STAFF, staff(tmp_path, "eve"))


def log_of(project: Project, version: int) -> dict[str, Any]:
    text = project.lake.storage.read(log_key(project.lake.key(STAFF), version))
    assert text is not None
    found: dict[str, Any] = {}
    for line in text.splitlines():
        found |= json.loads(line)
    return found


@pytest.mark.long
@pytest.mark.parametrize("point", ["commit.log_written", "commit.quarantine_committed"])
def test_killed_and_run_again(spark: Any, tmp_path: Path, point: str) -> None:
    """In a process of its own, with a Spark of its own; what it left is made good by the next run."""
    (edges,) = both_contracts.edges(tmp_path)
    whole = project_on(tmp_path / "undisturbed", "duckdb")
    assert not take(whole, EDGES, edges)
    project = project_on(tmp_path / "p", "spark")
    command = [sys.executable, "-m", "headgate.cli.main", "run", "--source", f"{EDGES}={edges}"]
    told = {"HEADGATE_ROOT": str(project.settings.root), "HEADGATE_FAILPOINT": point}
    killed = subprocess.run(
        command, env={**os.environ, **told}, capture_output=True, text=True, timeout=300
    )
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr

    report = run(project, sources={EDGES: [str(edges)]}, select=[EDGES])
    assert report.problems == ()
    mine, other = project.lake.snapshot(EDGES), whole.lake.snapshot(EDGES)
    aside = project.lake.snapshot(EDGES, quarantine=True)
    assert mine is not None and other is not None and aside is not None
    assert (mine.version, mine.rows, aside.rows) == (0, other.rows, 51 - other.rows)
    with connect(project.settings) as con:
        from headgate.lake import ledger

        batches = ledger.rows(project.lake, con, ledger.BATCHES, limit=10)
    (batch,) = [b for b in batches if b["kind"] == "ingest" and b["outcome"] == "published"]
    assert (batch["read"], batch["published"]) == (51, other.rows)
    assert [account(b)["numbers"][0] for b in report.batches] in ([51], [])
    assert not [p for p in (project.lake.root / "_staging").rglob("*") if p.is_file()]
