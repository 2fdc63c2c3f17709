"""Working with the contracts that are right while others are wrong, as a scheduler's tasks do."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from headgate.core.errors import ContractError
from headgate.orchestration import parts
from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY
from tests.unit.orchestration.small_contracts import SmallProject

A, B, C, D = "bronze.shop.orders", "bronze.shop.visits", "silver.web.visits", "gold.web.days"


@pytest.fixture
def small(tmp_path: Path) -> SmallProject:
    """Two sources, one of which two models in a row are made from, and a file for each."""
    project = SmallProject(tmp_path / "p")
    shutil.copytree(REPOSITORY / "data_contracts/ledger", project.root / "data_contracts/ledger")
    shutil.copytree(REPOSITORY / "dbt_project/macros", project.root / "dbt_project/macros")
    for dataset in (A, B):
        name = dataset.rpartition(".")[2]
        project.source(dataset, source=f"{{format: jsonl, path: in/{name}}}", releaseGroup=name)
        folder = project.root / "in" / name
        folder.mkdir(parents=True)
        (folder / "1.jsonl").write_text('{"thing_id": "a"}\n{"thing_id": "b"}\n')
    project.contract(C)
    project.contract(D)
    project.model("int_web__visits", "select thing_id from {{ source('bronze_shop', 'visits') }}")
    project.model("days", "select thing_id from {{ ref('int_web__visits') }}")
    return project


def opened(small: SmallProject, *, sound: bool = True) -> Project:
    return dataclasses.replace(Project.open(small.root), sound=sound)


def test_where_nothing_is_wrong_all_are_there(small: SmallProject) -> None:
    assert dict(opened(small).contracts) == dict(opened(small, sound=False).contracts)
    assert not opened(small).contracts.left_out.datasets


def test_a_wrong_contract_stops_no_other(small: SmallProject) -> None:
    small.source(B, schedule="'99 * * * *'", parent=A)
    with pytest.raises(ContractError):
        parts.take(opened(small, sound=False), A)

    assert [a.published for a in parts.take(opened(small), A).accounts] == [2]
    assert parts.release(opened(small), "orders").released == (A,)
    with pytest.raises(ContractError, match=r"bronze_visits/contract.odcs.yaml:\d+: headgate.sch"):
        parts.take(opened(small), B)


def test_a_child_is_taken_while_its_parents_contract_is_wrong(small: SmallProject) -> None:
    small.source(A, source="{format: jsonl, path: in/orders}", parent=B)
    parts.take(opened(small), B)
    small.path(B).write_text(small.path(B).read_text() + "nonsense: [")
    (small.root / "in/orders/1.jsonl").write_text('{"thing_id": "a"}\n{"thing_id": "z"}\n')
    report = parts.take(opened(small), A)
    assert report.accounts, report
    (account,) = report.accounts
    assert (account.read, account.published, account.quarantined) == (2, 1, 1) or (
        account.verdict == "refused"
    )


def test_a_group_does_not_move_without_one_of_its_datasets(small: SmallProject) -> None:
    parts.take(opened(small), B)
    nodes = parts.curate(opened(small), "web").nodes
    assert {n.state for n in nodes} == {"built"}, nodes[0].message
    assert set(parts.release(opened(small), "web").released) == {C, D}
    (small.root / "in/visits/2.jsonl").write_text('{"thing_id": "c"}\n')
    parts.take(opened(small), B)
    right = small.path(D).read_text()
    small.contract(D, retries="many")

    report = parts.curate(opened(small), "web")
    assert [(n.dataset, n.state) for n in report.nodes] == [(C, "built")]
    report = parts.release(opened(small), "web")
    assert report.held == ("web",) and report.released == ()
    assert "gold_days/contract.odcs.yaml:" in " ".join(report.problems)

    small.path(D).write_text(right)
    parts.curate(opened(small), "web")
    assert set(parts.release(opened(small), "web").released) == {C, D}


def test_what_is_made_from_a_wrong_contract_is_left_out_and_says_why(small: SmallProject) -> None:
    small.contract(C, retries="many")
    contracts = opened(small).contracts
    assert {d for d in contracts if not d.startswith("system.")} == {A, B}
    assert set(contracts.left_out.groups) == {"web"}
    with pytest.raises(ContractError, match="retries 'many'"):
        contracts[D]
    small.path(C).write_text(small.path(C).read_text() + "\nno: [ yaml")
    assert D not in opened(small).contracts, "it would be built past the contract of what it reads"
