"""Which files are taken for which datasets, and in what order."""

from __future__ import annotations

import pytest

from headgate.core.errors import UsageError
from headgate.orchestration import ingesting
from headgate.orchestration.project import Project


def found(project: Project, sources: dict[str, list[str]]) -> dict[str, list[str]]:
    """The names of the files that would be taken, by dataset, in order."""
    files = ingesting.files_of(project, sources, set(project.contracts))
    return {dataset: [file.name for file in named] for dataset, named in files.items()}


def exports(project: Project, *names: str) -> str:
    """A folder with exports of these names."""
    folder = project.settings.root / "exports"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("{}")
    return str(folder)


def test_one_folder_serves_several_datasets_and_parents_come_first(project: Project) -> None:
    folder = exports(project, "b.json", "a.json.gz", "notes.txt")
    taken = found(project, {"bronze.chat.*": [folder]})
    assert list(taken) == [
        "bronze.chat.guilds", "bronze.chat.channels", "bronze.chat.messages",
        "bronze.chat.attachments", "bronze.chat.reactions", "bronze.chat.users",
    ]  # fmt: skip
    assert all(names == ["a.json.gz", "b.json"] for names in taken.values())


def test_a_name_and_a_pattern_add_up(project: Project) -> None:
    folder = exports(project, "a.json", "b.json")
    given = {"bronze.chat.users": [f"{folder}/a.json"], "bronze.*.users": [f"{folder}/b.json"]}
    assert found(project, given) == {"bronze.chat.users": ["a.json", "b.json"]}


def test_a_pattern_that_means_nothing_is_told(project: Project) -> None:
    with pytest.raises(UsageError, match=r"'silver\.\*' means no dataset that is ingested"):
        found(project, {"silver.*": ["."]})


def test_declared_sources_are_looked_for_where_their_contracts_say(project: Project) -> None:
    assert found(project, {}) == {
        c.id: [] for c in project.contracts.sources
    }  # nothing has landed yet
    landing = project.settings.root / "landing" / "discord"
    landing.mkdir(parents=True)
    (landing / "general [1].json").write_text("{}")
    taken = found(project, {})
    assert {d for d, names in taken.items() if names == ["general [1].json"]} == {
        d for d in taken if d.startswith("bronze.chat.")
    }
