"""A lake is verified: a healthy one is clean, and what is wrong with others is told, and nothing else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from headgate.contracts.names import DatasetName
from headgate.core.errors import LakeError, UsageError
from headgate.orchestration.project import Project
from headgate.orchestration.verifying.finding import ERROR, WARNING
from headgate.orchestration.verifying.repairing import repair
from headgate.orchestration.verifying.verify import CHECKS, verify
from tests.unit.orchestration.verifying import corruptions
from tests.unit.orchestration.verifying.corruptions import Corruption
from tests.unit.orchestration.verifying.lakes import BRONZE, GOLD

#: Of each part of a lake one way of being wrong; the others are tried by `make reliability`.
SHORT = {
    "bit_flip_in_a_data_page",
    "an_entry_edited",
    "a_torn_entry_that_nobody_names",
    "a_batch_missing_from_the_ledger",
    "a_catalogue_of_the_release_before",
    "a_refused_row_lost",
}
CASES = [
    pytest.param(c, id=c.name, marks=() if c.name in SHORT else pytest.mark.long)
    for c in corruptions.ALL
]
DEEP = {c.name for c in CHECKS if c.deep}
#: Files that say nothing of the lake: they may be written at any time.
PASSING = ("_cache", "_locks", "_state", "_staging")


def content(root: Path) -> dict[str, bytes]:
    """Every file that says something of the lake, and what is in it."""
    return {
        str(p.relative_to(root)): p.read_bytes()
        for p in root.rglob("*")
        if p.is_file() and p.relative_to(root).parts[0] not in PASSING
    }


def test_a_healthy_lake_is_clean(lake_project: Project) -> None:
    before = content(lake_project.lake.root)

    found = verify(lake_project, deep=True)

    assert found.findings == ()
    assert found.exit_code == 0
    assert found.tables >= 8 and found.versions >= 15 and found.releases == 2 and found.rows > 100
    assert content(lake_project.lake.root) == before


@pytest.mark.parametrize("way", CASES)
def test_each_way_of_being_wrong_is_told_and_no_other(
    lake_project: Project, way: Corruption
) -> None:
    way.do(lake_project, random.Random(7))
    project = Project.open(lake_project.settings.root)

    found = verify(project, deep=True)

    assert set(found.by_check) == way.seen, "\n".join(
        f"{f.check}: {f.message}" for f in found.findings
    )
    for one in found.findings:
        assert one.message.endswith(".") and one.remedy and one.severity in (ERROR, WARNING)
        assert (project.lake.root / one.place.split(":")[0]).parent.parent.exists(), one.place
    quick = set(verify(project).by_check)
    assert quick == (way.seen - DEEP if way.quick else set())

    before = content(project.lake.root)
    mended = repair(project, found)

    if way.mended:
        assert mended.done and not mended.stopped
        assert mended.after.findings == ()
        # What holds data is all there still: moved at the most.
        lost = {n: d for n, d in before.items() if n not in content(project.lake.root)}
        assert not any(n.endswith(".parquet") and "checkpoint" not in n for n in lost)
    elif not any(f.repair for f in found.findings):
        assert mended.done == ()
        assert content(project.lake.root) == before


def test_what_is_mended_leaves_what_is_not_as_it_was(lake_project: Project) -> None:
    ways = {c.name: c for c in corruptions.ALL}
    for name in ("a_refused_row_lost", "bit_flip_in_a_data_page", "a_release_with_another_file",
                 "a_catalogue_of_the_release_before", "a_draft_left", "a_contract_missing"):  # fmt: skip
        ways[name].do(lake_project, random.Random(7))
    project = Project.open(lake_project.settings.root)
    before = content(project.lake.root)
    found = verify(project, deep=True)

    mended = repair(project, found)

    assert set(mended.after.by_check) == {"quarantine-accounts", "file-content", "release-tables"}
    after = content(project.lake.root)
    changed = {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
    drafts = {n for n in changed if Path(n).name.startswith(".")}
    assert len(drafts) == 1
    assert {Path(n).parts[0] for n in changed - drafts} == {"catalog.duckdb", "_contracts"}
    assert len(mended.done) == 3


def test_only_what_was_asked_for_is_told(lake_project: Project) -> None:
    corruptions.file_deleted(lake_project, random.Random(1))

    assert verify(lake_project, datasets=[GOLD]).clean
    assert verify(lake_project, datasets=[BRONZE]).by_check == {"file-missing": 1}
    with pytest.raises(UsageError, match="no contract for dataset"):
        verify(lake_project, datasets=["gold.no.body"])


def test_a_finding_says_where(lake_project: Project) -> None:
    corruptions.null_count_wrong(lake_project, random.Random(1))

    (one,) = verify(lake_project, deep=True).findings

    assert (one.dataset, one.version, one.column) == (BRONZE, 1, "text")
    assert one.place.startswith(DatasetName.parse(BRONZE).path + "/part-")
    assert "nulls" in one.message and "rebuild" in one.remedy


def test_there_is_no_lake(project: Project) -> None:
    with pytest.raises(LakeError, match="there is no lake"):
        verify(project)


def test_checks_have_names_of_their_own_and_say_what_they_promise() -> None:
    names = [c.name for c in CHECKS]
    assert len(set(names)) == len(names) >= 35
    for check in CHECKS:
        assert check.promise.endswith(".") and check.remedy.endswith((".", "now."))
    tried = {name for c in corruptions.ALL for name in c.seen}
    assert set(names) - tried <= {
        "private-base", "release-mixed",
        "stream-positions",  # tried where streams are: streaming/test_consuming.py
    }  # fmt: skip
    assert len(corruptions.ALL) >= 60


def test_what_cannot_be_mended_keeps_nothing_else_from_it(lake_project: Project) -> None:
    """Without a file that the release has no catalogue can be written."""
    for way in (
        corruptions.a_catalogue_missing,
        corruptions.file_deleted,
        corruptions.a_draft_left,
    ):
        way(lake_project, random.Random(1))
    project = Project.open(lake_project.settings.root)

    mended = repair(project, verify(project))

    assert [one.split(":")[0] for one in mended.done] == [
        "_releases/.00000000000000000001.json.01a1ff7e-0000-7000-8000-00000000000a"
    ]
    assert "No files found" in mended.stopped
    assert mended.after.by_check == {"catalogue": 1, "file-missing": 1}
