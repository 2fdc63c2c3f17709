"""The whole real corpus in one run, against an account that imports nothing of ours."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

from headgate.core import json as hjson
from headgate.lake.engines.duckdb import connect
from headgate.lineage import log
from headgate.lineage.names import nodes
from headgate.orchestration.project import Project
from tests.e2e import oracle

BRONZE = "bronze.irc.messages"


def headgate(project: Project, *arguments: str, code: int = 0) -> str:
    """What the command prints, as a user would run it."""
    done = subprocess.run(
        [sys.executable, "-m", "headgate.cli.main", *arguments],
        env={**os.environ, "HEADGATE_ROOT": str(project.settings.root)},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_the_corpus_from_file_to_gold(project: Project, irc_corpus: Path) -> None:
    with gzip.open(irc_corpus, "rb") as source:
        lines = sum(1 for _ in source)
    assert lines == 220_463

    report = hjson.loads(headgate(project, "run", "--source", f"{BRONZE}={irc_corpus}", "--json"))

    (batch,) = report["batches"]
    assert (batch["read"], batch["published"], batch["quarantined"]) == (lines, lines, 0)
    for entry in (*report["batches"], *report["models"]):
        counted = [entry[k] for k in ("published", "quarantined", "deduplicated", "refused")]
        assert entry["read"] == sum(counted)
    expected = oracle.gold(irc_corpus)
    with connect(project.settings) as con:
        for dataset, rows in expected.items():
            newest = project.releases.newest()
            assert newest is not None
            snapshot = project.lake.snapshot(dataset, newest.versions[dataset])
            assert snapshot is not None
            columns = rows[0]
            found = con.execute(
                f"SELECT {', '.join(columns)} FROM {snapshot.relation()} ORDER BY ALL"
            ).fetchall()
            assert found == sorted(rows[1:], key=_nulls_last), dataset

    known = nodes(project.contracts.values(), project.settings.lake_name)
    seen = {
        (end["namespace"], end["name"])
        for event in log.read(project.lake.root / project.settings.lineage_file)
        for end in (*event.get("inputs", ()), *event.get("outputs", ()))
    }
    assert seen and seen <= set(known)


def _nulls_last(row: tuple[object, ...]) -> list[tuple[bool, object]]:
    return [(value is None, value if value is not None else 0) for value in row]


def test_a_second_run_changes_nothing_and_imports_no_dbt(
    project: Project, irc_corpus: Path
) -> None:
    source = f"{BRONZE}={irc_corpus}"
    headgate(project, "run", "--source", source)
    before = files_of(project)

    probe = (
        "import sys; from headgate.cli.main import main\n"
        "try: main()\n"
        "finally: print('DBT' if any(m.split('.')[0] == 'dbt' for m in sys.modules) else 'NO-DBT')"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, "run", "--source", source],
        env={**os.environ, "HEADGATE_ROOT": str(project.settings.root)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("NO-DBT")
    assert files_of(project) == before


def files_of(project: Project) -> dict[str, tuple[int, int]]:
    """Every file of the lake with its size and time of change, but for the lock."""
    root = project.lake.root
    return {
        str(p.relative_to(root)): (p.stat().st_size, p.stat().st_mtime_ns)
        for p in sorted(root.rglob("*"))
        if p.is_file() and "_locks" not in p.parts
    }
