"""Adding X takes as many files as the architecture's table says, and they are right as drafted."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headgate.cli.main import invoke
from headgate.core import json as hjson
from headgate.core.ids import digest
from headgate.orchestration.airflow.policy import check_folder
from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY

IGNORED = {"target", "logs", "_contracts", "lake"}
ORDERS = [
    {
        "id": f"o{n}",
        "customerEmail": f"c{n}@example.org",
        "placedAt": f"2024-05-01T09:{n:02d}:00Z",
        "day": "2024-05-01",
        "amount": n + 0.5,
        "items": [n, n + 1],
        "gift": n % 2 == 0,
        "note": None if n % 3 else "please ring",
        "extra": {"n": n},
    }
    for n in range(30)
]


def promised(what: str) -> int:
    """How many new files the architecture's table says that adding ``what`` takes; 0 are edited."""
    text = (Path(__file__).resolve().parents[2] / "ARCHITECTURE.md").read_text("utf-8")
    row = re.search(rf"^\| {re.escape(what)} \| (\d)[^|]*\| 0 \|$", text, re.MULTILINE)
    assert row, what
    return int(row[1])


def tree(root: Path) -> dict[str, str]:
    """Relative path to content hash of each file of a project."""
    return {
        str(path.relative_to(root)): digest(path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file() and not IGNORED & set(path.relative_to(root).parts)
    }


@pytest.fixture
def changes(project: Project) -> Callable[[], tuple[list[str], list[str]]]:
    """Files that were added, and files that were edited, since the test began."""
    before = tree(project.settings.root)

    def compare() -> tuple[list[str], list[str]]:
        after = tree(project.settings.root)
        assert before.keys() <= after.keys()
        added = sorted(after.keys() - before.keys())
        return added, [name for name in before if before[name] != after[name]]

    return compare


def sample(folder: Path, kind: str = "jsonl") -> Path:
    """The orders as a file of one of the formats that there are."""
    path = folder / f"orders.{kind}"
    if kind == "jsonl":
        path.write_text("".join(hjson.dumps(order) + "\n" for order in ORDERS))
    elif kind == "json":
        path.write_text(hjson.dumps({"shop": "north", "orders": ORDERS}))
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(ORDERS), path)
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            out = csv.DictWriter(file, list(ORDERS[0]), delimiter=";")
            out.writeheader()
            for order in ORDERS:
                # Not every producer of CSV can write what is nested.
                texts = {
                    k: hjson.dumps(v) if isinstance(v, list | dict) else v for k, v in order.items()
                }
                out.writerow(texts)
    return path


def test_a_source_takes_three_files(
    project: Project, changes: Callable[[], tuple[list[str], list[str]]], tmp_path: Path
) -> None:
    assert invoke(["new", "source", "bronze.shop.orders", "--sample", str(sample(tmp_path))]) == 0
    folder = "data_contracts/shop/bronze_orders"
    assert changes() == (
        [
            f"{folder}/contract.odcs.yaml",
            f"{folder}/examples/invalid.jsonl",
            f"{folder}/examples/valid.jsonl",
        ],
        [],
    )
    assert len(changes()[0]) == promised("source dataset")
    assert invoke(["check"]) == 0
    contract = Project.open(project.settings.root).contracts["bronze.shop.orders"]
    assert {c.name: c.type for c in contract.columns} == {
        "id": "string",
        "customer_email": "string",
        "placed_at": "timestamp",
        "day": "date",
        "amount": "double",
        "items": "array<long>",
        "gift": "boolean",
        "note": "string",
        "extra": "json",
    }
    assert contract.key == ("id",)
    assert [c.name for c in contract.columns if c.personal] == ["customer_email"]
    assert not contract.column("note").required


def test_a_drafted_source_takes_its_sample(project: Project, tmp_path: Path) -> None:
    path = sample(tmp_path)
    assert invoke(["new", "source", "bronze.shop.orders", "--sample", str(path)]) == 0
    assert invoke(["run", "--source", f"bronze.shop.orders={path}", "--json"]) == 0
    found = Project.open(project.settings.root).lake.snapshot("bronze.shop.orders")
    assert found is not None
    assert found.rows == len(ORDERS)


@pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
def test_a_source_of_any_format_takes_three_files_on_a_running_lake(
    project: Project,
    tmp_path: Path,
    changes: Callable[[], tuple[list[str], list[str]]],
    kind: str,
) -> None:
    root = project.settings.root
    path = sample(tmp_path, kind)
    assert invoke(["new", "source", "bronze.shop.visits"]) == 0
    (tmp_path / "visits.jsonl").write_text(
        hjson.dumps({"id": "v1", "occurred_at": "2024-05-01T09:00:00Z", "text": "x"}) + "\n"
    )
    assert invoke(["run", "--source", f"bronze.shop.visits={tmp_path / 'visits.jsonl'}"]) == 0
    running = set(changes()[0])

    assert invoke(["new", "source", "bronze.shop.orders", "--sample", str(path)]) == 0

    added, edited = changes()
    assert len(set(added) - running) == promised("source dataset")
    assert edited == []
    assert invoke(["check"]) == 0
    assert invoke(["run", "--source", f"bronze.shop.orders={path}"]) == 0
    snapshot = Project.open(root).lake.snapshot("bronze.shop.orders")
    visits = Project.open(root).lake.snapshot("bronze.shop.visits")
    assert snapshot is not None and snapshot.rows == len(ORDERS)
    assert visits is not None and visits.rows == 1
    with duckdb.connect() as con:
        found = con.execute(
            f"SELECT id, customer_email, amount, gift, note FROM {snapshot.relation()} ORDER BY _position"
        ).fetchall()
    fields = ("id", "customerEmail", "amount", "gift", "note")
    assert found == [tuple(order[f] for f in fields) for order in ORDERS]


def test_a_source_without_a_sample_is_right_too(project: Project) -> None:
    assert invoke(["new", "source", "bronze.shop.visits", "--owner", "shop"]) == 0
    assert invoke(["check"]) == 0


def test_a_public_model_takes_two_files(
    project: Project, changes: Callable[[], tuple[list[str], list[str]]]
) -> None:
    sql = project.settings.dbt_path / "models/marts/community/fct_replies.sql"
    sql.write_text(
        "select message_id, sent_date, length(content) as characters\n"
        "from {{ ref('int_chat__messages') }}\nwhere reply_to_message_id is not null\n"
    )
    assert invoke(["check"]) == 1, "a mart without a contract must be noticed"
    assert invoke(["new", "model", "gold.community.fct_replies", "--key", "message_id"]) == 0
    assert changes() == (
        [
            "data_contracts/community/gold_fct_replies/contract.odcs.yaml",
            "dbt_project/models/marts/community/fct_replies.sql",
        ],
        [],
    )
    assert len(changes()[0]) == promised("dbt model that others may use")
    assert invoke(["check"]) == 0
    contracts = Project.open(project.settings.root).contracts
    contract, upstream = contracts["gold.community.fct_replies"], contracts["silver.chat.messages"]
    assert contract.column("sent_date").description == upstream.column("sent_date").description
    assert contract.column("characters").type == "long"


def test_a_model_can_begin_from_a_dataset(project: Project) -> None:
    command = ["new", "model", "gold.community.fct_all", "--of", "gold.community.fct_messages"]
    assert invoke(command) == 0
    assert invoke(["check"]) == 0


def test_a_private_model_takes_one_file(
    project: Project, changes: Callable[[], tuple[list[str], list[str]]]
) -> None:
    sql = project.settings.dbt_path / "models/intermediate/chat/int_chat__long_messages.sql"
    sql.write_text("select * from {{ ref('int_chat__messages') }} where length(content) > 100\n")
    assert invoke(["check"]) == 0
    assert changes() == (["dbt_project/models/intermediate/chat/int_chat__long_messages.sql"], [])
    assert promised("private dbt model") == 1


def bag_of(project: Project) -> Mapping[str, Any]:
    """The DAGs of the project's DAG files; none of these may be wrong."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(project.settings.root / "dags"))
    assert bag.import_errors == {}
    return bag.dags


@pytest.mark.filterwarnings("ignore")
@pytest.mark.xdist_group("airflow")
def test_an_ingest_dag_takes_no_file_and_a_hand_written_one_takes_one(
    project: Project, tmp_path: Path
) -> None:
    shutil.copytree(REPOSITORY / "dags", project.settings.root / "dags")
    before = tree(project.settings.root)
    known = set(bag_of(project))

    assert invoke(["new", "source", "bronze.shop.orders", "--sample", str(sample(tmp_path))]) == 0

    assert set(bag_of(project)) - known == {"ingest.bronze.shop.orders", "curate.shop"}
    with_source = tree(project.settings.root)
    assert len(with_source.keys() - before.keys()) == promised("source dataset")
    assert promised("scheduled ingest DAG") == 0

    (project.settings.root / "dags" / "shop__tell.py").write_text(TELLS)

    assert set(bag_of(project)) - known - {"ingest.bronze.shop.orders", "curate.shop"} == {
        "shop.tell"
    }
    after = tree(project.settings.root)
    assert after.keys() - with_source.keys() == {"dags/shop__tell.py"}
    assert promised("hand-written DAG") == 1
    assert with_source.items() <= after.items() and before.items() <= after.items()
    assert check_folder(project.settings.root / "dags") == []


TELLS = '''"""Says how many orders there are."""

from headgate.orchestration.airflow import governed_dag, governed_task, read_release


@governed_dag(owner="community-insights", schedule="@daily")
def tell():
    @governed_task
    def count(orders=read_release("bronze.shop.orders")):
        return orders.collect().height

    count()


tell()
'''


def test_a_rule_of_a_known_kind_takes_one_line(
    project: Project, changes: Callable[[], tuple[list[str], list[str]]]
) -> None:
    contract = project.contracts["bronze.irc.messages"].path
    text = contract.read_text("utf-8")
    line = "      - {id: short_channel, type: custom, engine: headgate, implementation: length(channel) < 999}\n"
    at = text.index("      - id: chat_has_time_and_author")
    contract.write_text(text[:at] + line + text[at:])
    assert invoke(["check"]) == 0
    assert changes() == ([], [str(contract.relative_to(project.settings.root))])
    rules = Project.open(project.settings.root).contracts["bronze.irc.messages"].rules
    assert "short_channel" in {rule.id for rule in rules}


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["new", "source", "gold.shop.orders"], "lands in bronze"),
        (["new", "source", "bronze.irc.messages"], "has a contract already"),
        (["new", "source", "orders"], "is no dataset id"),
        (["new", "source", "bronze.shop.orders", "--sample", "nowhere.jsonl"], "cannot be read"),
        (["new", "source", "bronze.shop.orders", "--key", "nothing"], "no column 'nothing'"),
        (["new", "model", "gold.community.fct_none"], "no fct_none.sql yet"),
        (["new", "model", "bronze.community.fct_none"], "builds silver or gold"),
    ],
)
def test_a_wrong_wish_is_refused_and_writes_nothing(
    project: Project,
    changes: Callable[[], tuple[list[str], list[str]]],
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    told: str,
) -> None:
    assert invoke(command) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error
    assert changes() == ([], [])
