"""A project at a git revision: what was committed, and a sentence wherever that cannot be had."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from headgate.core.errors import ContractError, UsageError
from headgate.orchestration.planning.making import make
from headgate.orchestration.planning.revisions import at_revision, in_folder
from headgate.orchestration.project import Project


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=tests", "-c", "user.email=tests@localhost")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project below the top of its repository, with two commits."""
    top = tmp_path / "repository"
    root = top / "platform"
    models = root / "dbt_project" / "models"
    models.mkdir(parents=True)
    (top / "readme").write_text("The project came later.")
    git(top, "init", "-q")
    git(top, "add", "readme")
    git(top, "commit", "-q", "-m", "Begin")
    (root / "headgate.toml").write_text('lake = "somewhere"\n')
    (models / "wörds & more.sql").write_text("select 1 as a")
    (root / "data_contracts").mkdir()
    (root / "data_contracts" / "note.txt").write_text("old")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "A project")
    (models / "wörds & more.sql").write_text("select 2 as a")
    (root / "data_contracts" / "note.txt").unlink()
    return Project.open(root)


def test_what_was_committed_is_read_and_nothing_else_moves(project: Project) -> None:
    model = project.settings.dbt_path / "models" / "wörds & more.sql"
    with at_revision(project, "HEAD") as earlier:
        root = earlier.settings.root
        assert (earlier.settings.dbt_path / "models" / model.name).read_text() == "select 1 as a"
        assert (earlier.settings.contracts_path / "note.txt").read_text() == "old"
        assert earlier.settings.lake_path == project.settings.lake_path
    assert not root.exists()
    assert model.read_text() == "select 2 as a"
    assert not (project.settings.contracts_path / "note.txt").exists()


def test_settings_of_the_environment_are_not_those_of_the_past(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_CONTRACTS", "elsewhere")
    with at_revision(project, "HEAD") as earlier:
        assert earlier.settings.contracts_path.name == "data_contracts"


@pytest.mark.parametrize("revision", ["nothing", "--output=x", "HEAD~9", ""])
def test_an_unknown_revision_is_told(project: Project, revision: str) -> None:
    with (
        pytest.raises(UsageError, match="no revision that git knows"),
        at_revision(project, revision),
    ):
        pass


def test_a_revision_without_the_project_is_told(project: Project) -> None:
    with (
        pytest.raises(UsageError, match=r"there was no platform/headgate\.toml"),
        at_revision(project, "HEAD~1"),
    ):
        pass


def test_no_repository_and_no_git_are_told(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "headgate.toml").write_text("")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with (
        pytest.raises(UsageError, match="git cannot read"),
        at_revision(Project.open(alone), "HEAD"),
    ):
        pass
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not installed"), at_revision(project, "HEAD"):
        pass


def test_a_folder_has_to_be_a_project(project: Project, tmp_path: Path) -> None:
    found = in_folder(project, project.settings.root).settings
    assert found.contracts_path == project.settings.contracts_path
    assert found.lake_path == project.settings.lake_path
    with pytest.raises(UsageError, match=r"no headgate\.toml"):
        in_folder(project, tmp_path)


def test_what_lies_outside_of_the_project_cannot_be_told(project: Project) -> None:
    (project.settings.root / "headgate.toml").write_text('contracts = "../elsewhere"\n')
    with pytest.raises(UsageError, match="outside of the project"):
        in_folder(project, project.settings.root)


def test_what_was_wrong_at_the_revision_is_told_as_that(project: Project) -> None:
    contract = project.settings.contracts_path / "x" / "contract.odcs.yaml"
    contract.parent.mkdir()
    contract.write_text("name: [")
    git(project.settings.root, "add", "-A")
    git(project.settings.root, "commit", "-q", "-m", "A mistake")
    contract.unlink()
    with pytest.raises(ContractError, match="as it was at HEAD: not valid YAML") as told:
        make(project, "HEAD")
    assert told.value.place.startswith("data_contracts/x/contract.odcs.yaml:")
