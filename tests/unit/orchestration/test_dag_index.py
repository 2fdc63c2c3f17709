"""The light index: what it says of contracts, and that one that is wrong stops no other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from headgate.core import settings as core_settings
from headgate.core.errors import SettingError
from headgate.orchestration import dag_index
from headgate.orchestration.curating import graph_of
from headgate.orchestration.order import topological
from headgate.orchestration.project import Project
from tests.unit.orchestration.small_contracts import SmallProject, line_of

A, B, C, D = "bronze.shop.orders", "silver.shop.orders", "gold.shop.sales", "gold.shop.report"


@pytest.fixture
def small(tmp_path: Path) -> SmallProject:
    """A source, two models in a row, and a report that reads both."""
    project = SmallProject(tmp_path / "p")
    project.source(A, sla="24, unit: h")
    project.contract(B)
    project.contract(C, releaseGroup="sales", retries="0")
    project.contract(D, releaseGroup="sales")
    project.model("int_shop__orders", "select * from {{ source('bronze_shop', 'orders') }}")
    project.model("stg", "select * from {{ ref('int_shop__orders') }}")
    project.model("sales", "select * from {{ ref('stg') }}")
    project.model("report", "select * from {{ ref('sales') }} join {{ ref('int_shop__orders') }}")
    return project


def test_it_says_of_our_own_contracts_what_a_run_knows_of_them(project: Project) -> None:
    """An independent witness: the order and the readers that `headgate run` works by."""
    root = project.settings.root
    index = dag_index.load(root)
    assert index.broken == ()
    graph = graph_of(project)
    assert {d: e.inputs for d, e in index.entries.items()} == {
        d: tuple(sorted(i)) for d, i in graph.items()
    }
    for dataset, entry in index.entries.items():
        contract = project.contracts[dataset]
        assert entry.parents == contract.parents
        assert (entry.owner, entry.version) == (contract.owner, contract.version)
        assert entry.model == contract.model
        assert (root / entry.path).samefile(contract.path)
    order = topological(graph)
    for group in index.groups.values():
        mine = [d for d in order if project.contracts[d].release_group == group.name]
        assert set(group.curated) | set(group.sources) == set(mine)
        for position, dataset in enumerate(group.curated):
            assert not set(graph[dataset]) & set(group.curated[position:])
    assert index.lake_name == project.settings.lake_name


def test_groups_begin_after_what_they_are_made_from(small: SmallProject) -> None:
    index = dag_index.load(small.root)
    assert index.broken == ()
    assert index.groups["sales"].curated == (C, D)
    assert index.groups["sales"].upstream == (B,)
    assert index.groups["shop"].upstream == (A,)
    assert index.groups["shop"].sources == (A,)
    assert index.entries[C].inputs == (B,)
    assert (index.entries[A].maker, index.entries[B].maker) == ("source", "model")
    assert (index.entries[A].retries, index.entries[C].retries) == (3, 0)


def test_one_dataset_or_group_is_what_it_is_among_all(small: SmallProject) -> None:
    for _ in range(2):  # made, then remembered
        index = dag_index.load(small.root)
        assert {d: dag_index.load_one(small.root, d) for d in index.entries} == index.entries
        for name, group in index.groups.items():
            members = {d: index.entries[d] for d in (*group.curated, *group.sources)}
            assert dag_index.load_group(small.root, name) == (group, members)
    assert dag_index.load_one(small.root, "bronze.shop.none") is None
    assert dag_index.load_group(small.root, "none") is None


def only(small: SmallProject) -> dag_index.Broken:
    index = dag_index.load(small.root)
    assert len(index.broken) == 1, index.broken
    assert index == dag_index.load(small.root), "told otherwise the second time"
    return index.broken[0]


def test_a_wrong_schedule_is_told_with_its_line(small: SmallProject) -> None:
    path = small.source(A, schedule="'61 * * * *'")
    broken = only(small)
    assert broken.place == f"{small.shown(A)}:{line_of(path, 'headgate.schedule')}"
    assert "minute '61'" in broken.message and broken.remedy and broken.datasets == (A,)
    assert set(dag_index.load(small.root).entries) == {B, C, D}, "what reads it lives on"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("name: bronze.shop.orders\n  : [", 2, "not valid YAML"),
        ("apiVersion: v3.1.0\nname: bronze.shop.orders\n", 1, "not ODCS"),
        ("\xff\xfe", 1, "YAML"),
        ("[" * 3000, 1, "nests deeper"),
        ("- 1\n", 1, "a contract is a YAML mapping"),
    ],
)
def test_what_is_no_contract_at_all_stops_no_other(
    small: SmallProject, text: str, line: int, told: str
) -> None:
    small.path(A).write_text(text)
    index = dag_index.load(small.root)
    mine = [b for b in index.broken if b.place.startswith(small.shown(A))]
    assert [b.place for b in mine] == [f"{small.shown(A)}:{line}"]
    assert told in mine[0].message
    small.source("bronze.shop.visits")
    assert "bronze.shop.visits" in dag_index.load(small.root).entries


def test_a_contract_that_cannot_be_opened_is_told_of(small: SmallProject) -> None:
    small.path(A).unlink()
    small.path(A).symlink_to("/etc/hostname")
    (small.root / "data_contracts" / "odd" / "contract.odcs.yaml").mkdir(parents=True)
    told = {b.place: b.message for b in dag_index.load(small.root).broken}
    assert "symbolic link" in told[f"{small.shown(A)}:1"]


def test_an_unknown_owner_is_told_where_any_is_known(small: SmallProject) -> None:
    (small.root / "headgate.toml").write_text('[owners.shop]\nemail = "shop@example.com"\n')
    assert dag_index.load(small.root).broken == ()
    path = small.contract(C, owner="nobody", releaseGroup="sales")
    broken = only(small)
    assert broken.place == f"{small.shown(C)}:{line_of(path, 'team:')}"
    assert "'nobody'" in broken.message and "shop" in broken.remedy
    assert broken.datasets == (C,)
    assert dag_index.load(small.root).groups["sales"].curated == (D,)
    (small.root / "headgate.toml").write_text("")
    assert dag_index.load(small.root).broken == (), "nobody is unknown where nobody is named"


def test_wrong_owners_are_told_once_and_blame_no_contract(small: SmallProject) -> None:
    (small.root / "headgate.toml").write_text('[owners.sales]\nemail = "no address"\n')
    broken = only(small)
    assert broken.place.startswith("headgate.toml") and broken.datasets == ()


def test_an_unknown_parent_is_told_at_its_relationship(small: SmallProject) -> None:
    path = small.source(A, parent="bronze.shop.none")
    broken = only(small)
    assert broken.place == f"{small.shown(A)}:{line_of(path, '- type: foreignKey')}"
    assert "no contract describes it" in broken.message and broken.datasets == (A,)


def test_a_parent_whose_contract_is_wrong_is_not_the_childs_fault(small: SmallProject) -> None:
    small.source("bronze.shop.shops", schedule="never")
    small.source(A, parent="bronze.shop.shops")
    assert only(small).datasets == ("bronze.shop.shops",)
    assert A in dag_index.load(small.root).entries


def test_datasets_made_from_each_other_are_told_with_contract_and_line(small: SmallProject) -> None:
    small.model("stg", "select 1\nfrom {{ ref('report') }}")
    broken = only(small)
    assert broken.datasets == (D, C)
    assert broken.place.startswith(f"{small.shown(D)}:")
    assert "dbt_project/models/report.sql:1" in broken.message
    assert f"{D} is made from {C}" in broken.message and f"{C} is made from {D}" in broken.message
    assert set(dag_index.load(small.root).entries) == {A, B}


def test_a_circle_through_a_transform_names_the_line_of_its_inputs(small: SmallProject) -> None:
    path = small.contract("silver.shop.baskets", transform="shop.baskets", inputs=f"[{C}]")
    small.contract("gold.shop.reader")
    small.model("reader", "select * from {{ ref('sales') }}")
    small.model("sales", "select * from {{ source('silver_shop', 'baskets') }}")
    broken = only(small)
    assert broken.datasets == (C, "silver.shop.baskets")
    where = f"{small.shown('silver.shop.baskets')}:{line_of(path, 'headgate.inputs')}"
    assert where in (broken.place, *broken.message.replace(")", "(").split("("))
    assert "gold.shop.reader" in dag_index.load(small.root).entries, "what reads it has an order"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select 1\nfrom {{ ref('none') }}", "there is no such model"),
        ("select 1\nfrom {{ source('bronze_shop', 'none') }}", "no contract describes it"),
        ("select 1\nfrom {{ source('raw', 'none') }}", "names no dataset"),
    ],
)
def test_a_model_that_reads_what_is_not_there_is_told_at_its_line(
    small: SmallProject, sql: str, told: str
) -> None:
    small.model("stg", sql)
    broken = only(small)
    assert broken.place == "dbt_project/models/stg.sql:2"
    assert told in broken.message and broken.datasets == (C,)
    assert D in dag_index.load(small.root).entries


def test_a_contract_without_its_model_is_told(small: SmallProject) -> None:
    (small.root / "dbt_project/models/report.sql").unlink()
    broken = only(small)
    assert "no report.sql" in broken.message and broken.datasets == (D,)
    assert broken.place.startswith(small.shown(D))


def test_two_contracts_of_one_dataset_make_no_dag(small: SmallProject) -> None:
    other = small.path(A).with_name("again") / "contract.odcs.yaml"
    other.parent.mkdir()
    other.write_bytes(small.path(A).read_bytes())
    broken = only(small)
    assert broken.datasets == (A,) and "has a contract already" in broken.message
    assert A not in dag_index.load(small.root).entries


def test_two_contracts_of_one_model_make_no_dag(small: SmallProject) -> None:
    small.contract(D, model="sales")
    broken = only(small)
    assert broken.datasets == (D, C)


def test_no_contracts_at_all_is_told(tmp_path: Path) -> None:
    (tmp_path / "headgate.toml").write_text("")
    index = dag_index.load(tmp_path)
    assert [b.place for b in index.broken] == ["headgate.toml:1"]


def test_a_wrong_setting_is_raised(small: SmallProject) -> None:
    (small.root / "headgate.toml").write_text("nonsense = 1\n")
    with pytest.raises(SettingError):
        dag_index.load(small.root)


def test_it_imports_no_engine(small: SmallProject) -> None:
    """Made and remembered, with a transform and a model, in a process of its own."""
    small.contract("silver.shop.baskets", transform="shop.baskets", inputs=f"[{B}]")
    code = (
        "import sys\nfrom pathlib import Path\nfrom headgate.orchestration import dag_index\n"
        "index = [dag_index.load(Path(sys.argv[1])) for _ in range(2)][1]\n"
        "assert len(index.entries) == 5 and not index.broken, index.broken\n"
        "heavy = {'duckdb', 'polars', 'pyarrow', 'dbt', 'numpy', 'pandas', 'deltalake', 'sqlglot',"
        " 'great_expectations', 'pyspark', 'airflow'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(small.root)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_lake_of_the_settings_is_the_one_that_is_named(
    small: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_LAKE_NAME", "elsewhere")
    assert dag_index.load(small.root).lake_name == "elsewhere"
    assert core_settings.load(small.root).lake_name == "elsewhere"
