"""A log entry that a power cut tore is set aside by the next run, which says so and goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from headgate.core.errors import LakeError
from headgate.lake.recovery import set_aside
from headgate.orchestration.project import Project
from headgate.orchestration.report import RunReport
from headgate.orchestration.run import run
from tests.judged_lake import DATASET
from tests.judged_lake import record as line
from tests.reliability.power import history

TABLE = "bronze/irc/messages"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("HEADGATE_ROOT", str(tmp_path / "project"))
    monkeypatch.setenv("HEADGATE_READERS", "inline")
    history.make(tmp_path / "project")
    return Project.open(tmp_path / "project")


def deliver(project: Project, first: int, *, torn: bool = False) -> RunReport:
    path = project.settings.root / f"{first}.jsonl"
    rows = [json.dumps(line(first + n)) + "\n" for n in range(10)]
    path.write_text("".join(rows) + ("{oops\n" if torn else ""))
    return run(project, sources={DATASET: [str(path)]}, select=[DATASET])


def entry(project: Project, version: int, table: str = TABLE) -> Path:
    return project.lake.root / table / "_delta_log" / f"{version:020d}.json"


def append_as_others_do(project: Project, table: str = TABLE) -> Path:
    """What stock delta-rs leaves where the power goes after it: an entry with half of its bytes."""
    place = str(project.lake.root / table)
    schema = DeltaTable(place).to_pyarrow_table().schema
    rows = pa.Table.from_pylist([{"file": "x", "line": 1}], schema)
    write_deltalake(place, rows, mode="append")
    newest = entry(project, DeltaTable(place).version(), table)
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    return newest


def test_a_run_sets_a_torn_entry_aside_and_says_so(project: Project) -> None:
    deliver(project, 0)
    newest = append_as_others_do(project)
    damaged = newest.read_bytes()

    report = deliver(project, 100)

    (told,) = [n for n in report.notes if "set aside" in n]
    assert TABLE in told and "version 1 is cut short" in told
    (kept,) = set_aside(project.lake)
    assert (project.lake.root / kept).read_bytes() == damaged
    assert report.exit_code == 0 and report.release_id == 2
    assert project.releases.get(1).versions == {DATASET: 0}
    assert project.releases.get(2).versions == {DATASET: 1}
    found = project.lake.snapshot(DATASET)
    assert found is not None and (found.version, found.rows) == (1, 20)
    assert not [n for n in deliver(project, 200).notes if "set aside" in n]


def test_a_torn_entry_of_the_quarantine_or_of_a_ledger_is_set_aside_too(project: Project) -> None:
    deliver(project, 0, torn=True)
    for table in (f"{TABLE}__quarantine", "system/ledger/runs"):
        place = entry(project, 1, table)
        place.write_bytes(b"")
    report = deliver(project, 100)
    assert len([n for n in report.notes if "set aside" in n]) == 2
    assert report.exit_code == 0 and len(set_aside(project.lake)) == 2


def test_a_table_whose_only_entry_is_torn_is_written_as_if_it_never_was(project: Project) -> None:
    entry(project, 0).parent.mkdir(parents=True)
    entry(project, 0).write_bytes(b'{"protocol":{"minReader')
    report = deliver(project, 0)
    assert any("version 0 is cut short" in n for n in report.notes)
    found = project.lake.snapshot(DATASET)
    assert found is not None and (found.version, found.rows) == (0, 10)


def test_a_run_refuses_where_a_release_names_what_is_torn(project: Project) -> None:
    deliver(project, 0)
    whole = entry(project, 0).read_bytes()
    entry(project, 0).write_bytes(whole[:300])
    with pytest.raises(LakeError, match=r"release 1 names it.*headgate fsck"):
        deliver(project, 100)
    assert entry(project, 0).read_bytes() == whole[:300] and set_aside(project.lake) == []
    # Put back from a backup, it goes on as if nothing had been.
    entry(project, 0).write_bytes(whole)
    assert deliver(project, 200).exit_code == 0


def test_a_run_refuses_where_others_went_on_behind_what_is_torn(project: Project) -> None:
    deliver(project, 0)
    deliver(project, 100)
    (project.lake.root / "_state" / "boot").unlink()
    entry(project, 0).write_bytes(b"")
    with pytest.raises(LakeError, match="what was committed since needs it"):
        deliver(project, 200)
    assert set_aside(project.lake) == []
