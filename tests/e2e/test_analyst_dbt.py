"""Plain dbt in dbt_project/, as an analyst and an editor's extension use it: on its own, as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import headgate
from headgate.cli.main import invoke
from headgate.contracts import types
from headgate.core import json as hjson
from headgate.core.errors import LakeBusyError, UsageError
from headgate.orchestration.dbt import standalone
from headgate.orchestration.project import Project
from tests.conftest import make_project
from tests.unit.cli.conftest import DATASET, write

# One worker runs all of this file, so that its lake is made once.
pytestmark = pytest.mark.xdist_group("plain_dbt")
GOLD = "gold.community.fct_messages"


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose lake holds one release, and dbt's properties as set-up leaves them."""
    project = make_project(tmp_path_factory.mktemp("dbt") / "project")
    root = project.settings.root
    write(root / "day.jsonl", 40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADGATE_ROOT", str(root))
        assert invoke(["run", "--source", f"{DATASET}={root / 'day.jsonl'}", "--json"]) == 0
        assert invoke(["dbt"]) == 0
        yield project


def dbt(folder: Path, *arguments: str) -> tuple[int, str]:
    """dbt as a person starts it; gives its exit code and what it said."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HEADGATE_")}
    done = subprocess.run(
        [Path(sys.executable).with_name("dbt"), *arguments], cwd=folder, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr, done.stdout
    return done.returncode, done.stdout + done.stderr


def document(project: Project, name: str) -> dict[str, Any]:
    found: dict[str, Any] = hjson.loads((project.settings.dbt_path / "target" / name).read_bytes())
    return found


def test_docs_and_editors_find_everything_while_a_run_goes_on(taken: Project) -> None:
    with taken.lake.run_lock("another", "run"):
        code, told = dbt(taken.settings.dbt_path, "docs", "generate")
    assert code == 0, told
    manifest, catalog = document(taken, "manifest.json"), document(taken, "catalog.json")
    for contract in taken.contracts.values():
        unique = f"model.headgate.{contract.model}"
        kind = "nodes"
        if not contract.model:
            unique = f"source.headgate.{contract.name.schema}.{contract.name.name}"
            kind = "sources"
        node = manifest[kind][unique]
        assert " ".join(contract.description.split()) in " ".join(node["description"].split())
        for column in contract.columns:
            assert node["columns"][column.name]["description"].split() == (
                column.description.split()
            )
        found = {c["name"]: c["type"] for c in catalog[kind][unique]["columns"].values()}
        assert found == {
            n: types.duckdb_type(t).replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE")
            for n, t in contract.table_columns.items()
        }
    parents = manifest["parent_map"]
    assert parents["model.headgate.fct_conversation_response"] == [
        "source.headgate.silver_chat.conversations"
    ]
    assert "source.headgate.bronze_irc.messages" in parents["model.headgate.stg_irc__messages"]
    compiled = manifest["nodes"]["model.headgate.fct_channel_activity_daily"]["compiled_code"]
    assert '"gold_community"."fct_messages"' in compiled


def test_rows_are_shown_from_anywhere_while_a_run_goes_on(taken: Project, tmp_path: Path) -> None:
    place = str(taken.settings.dbt_path)
    with taken.lake.run_lock("another", "run"):
        code, told = dbt(
            tmp_path, "show", "--project-dir", place, "--profiles-dir", place, "--quiet",
            "--select", "fct_messages", "--full-refresh", "--limit", "3", "--output", "json",
        )  # fmt: skip
    assert code == 0, told
    rows = hjson.loads(told[told.index("{") :])["show"]
    assert len(rows) == 3 and rows[0]["platform"] == "irc"


def test_a_build_commits_what_the_next_run_releases(taken: Project) -> None:
    before = taken.lake.snapshot(GOLD)
    (path,) = (taken.settings.dbt_path / "models").rglob("fct_messages.sql")
    old = "length(messages.content) as characters"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, f"7 * {old}"))
    path.with_name("fct_messages__unit_tests.yml").unlink()

    code, told = dbt(taken.settings.dbt_path, "build", "--select", "fct_messages", "--full-refresh")

    assert code == 0, told
    assert "OK created sql delta model gold_community.fct_messages" in told
    after = Project.open(taken.settings.root).lake.snapshot(GOLD)
    assert before is not None and after is not None and after.version == before.version + 1
    # Readers see what was released, until a run has built and tested all that follows.
    daily = "gold.community.fct_channel_activity_daily"
    was = characters(taken, GOLD)
    assert was == characters(taken, daily) > 0
    assert invoke(["run", "--json"]) == 0
    assert characters(taken, GOLD) == characters(taken, daily) == 7 * was


def characters(project: Project, dataset: str) -> int:
    """How many characters were written, as readers see it."""
    found = headgate.read(dataset, columns=["characters"], project=project.settings.root)
    return int(found["characters"].sum())


def started(
    monkeypatch: pytest.MonkeyPatch, project: Project, command: str, **more: object
) -> None:
    """As if dbt had been started with a command, in this process."""
    flags = SimpleNamespace(
        WHICH=command, EMPTY=False, SAMPLE=None, PROJECT_DIR=str(project.settings.dbt_path)
    )
    vars(flags).update(more)
    monkeypatch.setattr("dbt.flags.get_flags", lambda: flags)
    monkeypatch.delenv("HEADGATE_ROOT", raising=False)


@pytest.mark.parametrize("more", [{"EMPTY": True}, {"SAMPLE": "1 day"}])
def test_part_of_the_data_is_never_committed(
    project: Project, monkeypatch: pytest.MonkeyPatch, more: dict[str, object]
) -> None:
    started(monkeypatch, project, "build", **more)
    with pytest.raises(UsageError, match="part of the data would be committed"):
        standalone.begin()


def test_a_build_waits_for_no_run_and_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert invoke(["dbt"]) == 0
    started(monkeypatch, project, "run")
    project.lake.make()
    with project.lake.run_lock("another", "run"), pytest.raises(LakeBusyError):
        standalone.begin()
    started(monkeypatch, project, "show")
    with project.lake.run_lock("another", "run"):
        context = standalone.begin()
    context.session.con.close()


def test_a_build_from_old_properties_is_refused_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(monkeypatch, project, "build")
    with pytest.raises(UsageError, match="written anew"):
        standalone.begin()
    with project.lake.run_lock("another", "run"), pytest.raises(LakeBusyError):
        standalone.begin()
