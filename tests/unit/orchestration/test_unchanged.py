"""A run that has nothing to do says so at once, and never when anything is other than it was."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.cli.main import invoke
from headgate.core import settings as core_settings
from headgate.core.settings import Settings
from headgate.orchestration import unchanged
from headgate.orchestration.project import Project
from tests.bench.scale_project import contract_path, generate, model_path

#: In the second part of a table's log.
ENTRY = "silver/d00/clean_0000/_delta_log/00000000000000000001.json"


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A small project with something like a lake, which was noted as having nothing to do."""
    monkeypatch.setattr(unchanged, "_TICK", -1e9)
    made = generate(tmp_path / "project", 8, rows=3)
    settings = core_settings.load(made.root, environ={})
    for name in ("_locks/run.lock", ENTRY, "_releases/1.json", "catalog.duckdb"):
        (settings.lake_path / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.lake_path / name).write_text("")
    unchanged.note(settings, Project(settings).contracts, 0.0)
    assert unchanged.nothing_to_do(settings)
    return settings


def in_place(path: Path) -> None:
    """Another content of the same size in the same file, with the times that the old one had."""
    stat, data = path.stat(), bytearray(path.read_bytes())
    data[-2] ^= 1
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def replaced(path: Path) -> None:
    """The same, by renaming another file over it."""
    beside = path.with_name("beside")
    beside.write_bytes(path.read_bytes())
    in_place(beside)
    os.replace(beside, path)


def written(path: Path, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


CONTRACT = "data_contracts/d00/silver_clean_0000/contract.odcs.yaml"
CHANGES: dict[str, Callable[[Path], None]] = {
    "a contract is edited": lambda root: in_place(root / CONTRACT),
    "a contract is new": lambda root: written(root / "data_contracts/new/contract.odcs.yaml"),
    "a contract is gone": lambda root: (root / CONTRACT).unlink(),
    "a model is edited": lambda root: in_place(next(root.rglob("int_d00__clean_0000.sql"))),
    "a macro is edited": lambda root: in_place(next((root / "dbt_project/macros").glob("*.sql"))),
    "a test is new": lambda root: written(root / "dbt_project/tests/assert_x.sql"),
    "a source is edited": lambda root: in_place(root / "sources/source_0000.parquet"),
    "a source is replaced": lambda root: replaced(root / "sources/source_0000.parquet"),
    "a source is gone": lambda root: (root / "sources/source_0000.parquet").unlink(),
    "a table moved": lambda root: written(root / "lake" / ENTRY.replace("1.json", "2.json")),
    "a table is new": lambda root: written(root / "lake/gold/x/y/_delta_log/0.json"),
    "rows were set aside": lambda root: written(
        root / "lake/silver/d00/clean_0000__quarantine/_delta_log/0.json"
    ),
    "a table is gone": lambda root: (root / "lake" / ENTRY).unlink(),
    "something is pending": lambda root: written(root / "lake/_state/pending_models.json"),
    "a release is new": lambda root: written(root / "lake/_releases/2.json"),
    "the catalogue is gone": lambda root: (root / "lake/catalog.duckdb").unlink(),
    "a run died": lambda root: written(root / "lake/_locks/run.lock"),
    "a setting changed": lambda root: written(root / "headgate.toml", "commit_retries = 6"),
    "the note is torn": lambda root: written(root / "lake" / unchanged.NOTE, '{"digest": "'),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_is_other_than_it_was_is_looked_at(noted: Settings, what: str) -> None:
    CHANGES[what](noted.root)
    assert not unchanged.nothing_to_do(core_settings.load(noted.root, environ={}))


def test_our_own_code_is_looked_at(noted: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate.__file__", str(noted.root / "libs" / "__init__.py"))
    assert not unchanged.nothing_to_do(noted)


def test_a_new_file_at_a_source_is_looked_at(noted: Settings) -> None:
    contract = contract_path(noted.root, "bronze.d00.source_0000")
    contract.write_text(contract.read_text().replace("source_0000.parquet", "*_0000.parquet"))
    unchanged.note(noted, Project(noted).contracts, 0.0)
    assert unchanged.nothing_to_do(noted)
    written(noted.root / "sources" / "more_0000.parquet")
    assert not unchanged.nothing_to_do(noted)


def test_what_changed_just_now_or_answers_from_outside_is_not_noted(
    noted: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    contracts = Project(noted).contracts
    (noted.lake_path / unchanged.NOTE).unlink()
    model = noted.root / "dbt_project/models/x.sql"
    written(model, "select '{{ env_var('X') }}'")
    unchanged.note(noted, contracts, 0.0)
    assert not unchanged.nothing_to_do(noted)
    model.unlink()
    # What stands behind a linked folder is not looked at.
    linked = noted.root / "dbt_project/models/linked"
    linked.symlink_to(noted.root / "sources")
    unchanged.note(noted, contracts, 0.0)
    assert not unchanged.nothing_to_do(noted)
    linked.unlink()
    monkeypatch.setattr(unchanged, "_TICK", 1.0)
    unchanged.note(noted, contracts, 3600.0)
    assert not unchanged.nothing_to_do(noted)


def test_the_command_looks_no_closer_the_third_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(unchanged, "_TICK", -1e9)
    made = generate(tmp_path / "project", 8, rows=20)
    monkeypatch.setenv("HEADGATE_ROOT", str(made.root))
    assert invoke(["run"]) == 0
    assert not unchanged.nothing_to_do(core_settings.load(made.root))
    assert invoke(["run", "--json"]) == 0
    capsys.readouterr()
    with monkeypatch.context() as patched:
        patched.setattr("headgate.orchestration.run.run", None)
        assert invoke(["run", "--json"]) == 0
    assert '"release_id": null' in capsys.readouterr().out
    path = model_path(made.root, made.models[-1])
    path.write_text(f"select * from (\n{path.read_text()})\n")
    assert invoke(["run", "--json"]) == 0
    assert made.models[-1].dataset in capsys.readouterr().out


def test_a_note_holds_for_one_start_of_the_machine(
    noted: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a power cut a file may keep its name, size and times, and lose what is in it."""
    monkeypatch.setattr(unchanged, "boot_id", lambda: "the next start")
    assert not unchanged.nothing_to_do(noted)
