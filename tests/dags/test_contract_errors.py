"""Contracts that make no DAG are told of by Airflow itself, and the other DAGs live on."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY

CONTRACTS = "data_contracts"
IRC = f"{CONTRACTS}/irc/bronze_messages/contract.odcs.yaml"
GITHUB = f"{CONTRACTS}/engineering/bronze_github_events/contract.odcs.yaml"
DAYS = f"{CONTRACTS}/community/gold_fct_channel_activity_daily/contract.odcs.yaml"
#: What no process that parses or schedules may import.
HEAVY = {"pandas", "numpy", "dbt", "great_expectations", "duckdb", "pyspark", "polars", "pyarrow",
         "deltalake", "sqlglot"}  # fmt: skip


@pytest.fixture
def root(project: Project) -> Path:
    """A project with our DAG files in it."""
    where = project.settings.root
    shutil.copytree(
        REPOSITORY / "dags", where / "dags", ignore=shutil.ignore_patterns("__pycache__")
    )
    return where


def edit(path: Path, old: str, new: str) -> int:
    """Change the one place in a file; gives its line."""
    text = path.read_text()
    assert text.count(old) == 1, text.count(old)
    path.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


def test_all_dags_are_there_and_nothing_is_wrong(airflow: Any, root: Path) -> None:
    bag = airflow.bag(root / "dags")
    assert bag.import_errors == {}
    wanted = {"ingest.bronze.irc.messages", "ingest.bronze.chat.messages", "curate.chat"}
    assert wanted <= set(bag.dag_ids)


def test_what_is_wrong_is_an_import_error_and_the_other_dags_live_on(
    airflow: Any, root: Path
) -> None:
    """A broken cron, an unknown owner, a circle of datasets, and no YAML at all, all at once."""
    before = set(airflow.bag(root / "dags").dag_ids)
    owners = ("chat-platform", "community-insights")
    tables = "".join(f'[owners.{o}]\nemail = "{o}@example.com"\n' for o in owners)
    (root / "headgate.toml").write_text('lake = "lake"\n' + tables)
    line = edit(
        root / IRC, "customProperties:\n  - property: headgate.source\n    value: {format: jsonl}",
        "customProperties:\n  - {property: headgate.schedule, value: '99 * * * *'}\n"
        "  - property: headgate.source\n    value: {format: jsonl, path: in}",
    )  # fmt: skip
    model = root / "dbt_project/models/marts/community/fct_messages.sql"
    model.write_text(model.read_text() + "\n-- {{ ref('fct_channel_activity_daily') }}\n")
    odd = root / CONTRACTS / "odd" / "bronze_things" / "contract.odcs.yaml"
    odd.parent.mkdir(parents=True)
    odd.write_text("name: bronze.odd.things\nschema: [")

    bag = airflow.bag(root / "dags")

    assert [Path(p).name for p in bag.import_errors] == ["contract_errors.py"]
    told = next(iter(bag.import_errors.values()))
    assert f"{IRC}:{line + 1}: headgate.schedule '99 * * * *' is no schedule" in told
    assert re.search(rf"{GITHUB}:\d+: owner 'engineering-insights' is not known", told)
    assert re.search(rf"{DAYS}:\d+: datasets are made from each other", told)
    assert "fct_messages.sql:" in told
    assert re.search(r"odd/bronze_things/contract.odcs.yaml:\d+: not valid YAML", told)
    gone = {"ingest.bronze.irc.messages", "ingest.bronze.engineering.github_events"}
    after = set(bag.dag_ids)
    assert before - after >= gone
    assert {"ingest.bronze.chat.messages", "curate.chat", "curate.community", "maintain"} <= after
    tasks = set(bag.dags["curate.community"].task_ids)
    assert "gold.community.dim_users" in tasks
    assert not {"gold.community.fct_messages", "gold.community.fct_channel_activity_daily"} & tasks


def test_a_mended_contract_has_its_dag_again(airflow: Any, root: Path) -> None:
    edit(root / GITHUB, "version: 1.0.0", "version: [")
    assert "ingest.bronze.engineering.github_events" not in airflow.bag(root / "dags").dag_ids
    edit(root / GITHUB, "version: [", "version: 1.0.0")
    bag = airflow.bag(root / "dags")
    assert bag.import_errors == {}
    assert "ingest.bronze.engineering.github_events" in bag.dag_ids


def test_who_parses_and_who_waits_imports_nothing_heavy(root: Path) -> None:
    """All DAG files, and the modules that triggerers load, in a fresh process."""
    code = (
        "import sys\n"
        "import airflow.sdk, airflow.models\n"
        "from airflow.dag_processing.dagbag import DagBag\n"
        f"heavy = {sorted(HEAVY)!r}\n"
        "before = set(sys.modules) & set(heavy)\n"
        "for _ in range(2):\n"
        "    bag = DagBag(dag_folder=sys.argv[1], safe_mode=True)\n"
        "    assert not bag.import_errors, bag.import_errors\n"
        "assert len(bag.dags) > 15, list(bag.dags)\n"
        "import headgate.orchestration.airflow.node_trigger\n"
        "print('heavy:', sorted(set(sys.modules) & set(heavy) - before), sorted(before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(root / "dags")], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout.strip().endswith("heavy: [] []"), done.stdout[-2000:] + done.stderr[-3000:]
