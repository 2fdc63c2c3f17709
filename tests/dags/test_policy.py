"""Every DAG file and every DAG keeps to the policies; and each policy catches what breaks it."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.checks import CHECKS
from headgate.orchestration.airflow.policy import POLICIES, check_file, check_folder, dag_files
from headgate.orchestration.airflow.policy_bag import judge_bag
from headgate.orchestration.airflow.policy_watch import watch
from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY
from tests.dags.conftest import WarmAirflow

DAGS = REPOSITORY / "dags"
FILES = dag_files(DAGS)
GOOD = '''"""Says what it is for."""

from headgate.orchestration.airflow import gated_write, governed_dag

MOST = 3


@governed_dag(owner="community-insights", schedule="0 6 * * *")
def digest():
    @gated_write("bronze.community.weekly_digest")
    def told():
        return []

    told()


digest()
'''


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_each_file_keeps_to_the_policies(path: Path) -> None:
    assert check_file(path, DAGS) == []


def test_all_dags_keep_to_the_policies(airflow: WarmAirflow) -> None:
    bag = airflow.bag(DAGS)
    assert judge_bag(bag.dags, bag.import_errors, REPOSITORY) == []
    assert len(bag.dags) > len(FILES)
    assert {Path(d.fileloc) for d in bag.dags.values()} == {
        p for p in FILES if p.name != "contract_errors.py"
    }


def test_parsing_them_touches_nothing(dags_project: Project) -> None:
    root = dags_project.settings.root
    assert watch(dag_files(root / "dags"), root) == []


def written(folder: Path, text: str, name: str = "community__digest.py") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def test_a_good_file_is_good(tmp_path: Path) -> None:
    assert check_file(written(tmp_path / "dags", GOOD)) == []


BAD = {
    "name": [
        ("digest.py", GOOD, "call the file <domain>__<verb>.py"),
        ("Community__Digest.py", GOOD, "does not say what it is"),
    ],
    "docstring": [("community__digest.py", GOOD.partition("\n")[2], "no docstring")],
    "length": [("community__digest.py", GOOD + "# and on\n" * 110, "fewer than 120")],
    "imports": [
        ("community__digest.py", f"{GOOD}\nimport community__other\n", "imports the DAG file"),
        ("community__digest.py", f"{GOOD}\nfrom dags import ingest\n", "imports the DAG file dags"),
        ("community__digest.py", f"{GOOD}\nfrom . import ingest\n", "import no DAG files"),
        ("community__digest.py", f"{GOOD}\nfrom headgate.lake.lake import Lake\n", "nothing else of ours"),
        ("community__digest.py", GOOD.replace("return []", "import headgate"), "nothing else of ours"),
    ],
    "heavy": [
        ("community__digest.py", f"{GOOD}\nimport pandas as pd\n", "imports pandas"),
        (
            "community__digest.py",
            GOOD.replace("def digest():\n", "def digest():\n    from polars import col\n"),
            "imports polars",
        ),
    ],
    "work": [
        ("community__digest.py", GOOD.replace("MOST = 3", "MOST = len(open('x').read())"), "work"),
        ("community__digest.py", f"{GOOD}\nfor n in range(3):\n    print(n)\n", "`for n in range(3):`"),
        ("community__digest.py", f"{GOOD}\nprint(MOST)\n", "`print(MOST)` is work"),
        (
            "community__digest.py",
            GOOD.replace('"0 6 * * *"', "fetch()"), "`fetch()` is work at the top level",
        ),
        (
            "community__digest.py",
            GOOD.replace("MOST = 3", "from datetime import datetime\nMOST = datetime.now()"),
            "something else at each parse",
        ),
        ("community__digest.py", GOOD.replace("MOST = 3", "MOST = [n for n in (1, 2)]"), "work"),
    ],
    "one-dag": [
        ("community__digest.py", GOOD.removesuffix("digest()\n"), "call it at the end"),
        ("community__digest.py", f"{GOOD}digest()\n", "give another DAG its own file"),
    ],
    "governed": [
        (
            "community__digest.py",
            f"{GOOD}\nfrom airflow.sdk import DAG\n", "without owner, alerts and retries",
        ),
    ],
}  # fmt: skip


def test_each_policy_has_its_counter_example() -> None:
    assert BAD.keys() == POLICIES.keys()


@pytest.mark.parametrize(
    ("policy", "name", "text", "told"),
    [(policy, *case) for policy, cases in BAD.items() for case in cases],
)
def test_a_file_that_breaks_a_policy_is_found(
    tmp_path: Path, policy: str, name: str, text: str, told: str
) -> None:
    folder = tmp_path / "dags"
    written(folder, GOOD, "community__other.py")
    found = check_file(written(folder, text, name), folder)
    assert {f.policy for f in found} == {policy}, found
    assert told in found[0].problem, found
    assert found[0].place.startswith(str(folder / name))


def test_what_is_no_python_is_told(tmp_path: Path) -> None:
    [found] = check_file(written(tmp_path / "dags", "def (:\n"))
    assert found.policy == "python" and found.place.endswith(".py:1")


def test_check_tells_of_dag_files(project: Project) -> None:
    path = written(project.settings.root / "dags", f"{GOOD}\nprint(MOST)\n")
    [(place, problem)] = CHECKS["dags"](project)
    assert place == f"{path}:19"
    assert problem.startswith("`print(MOST)` is work at the top level")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("community-insights", "nobody-in-particular"), "Owner 'nobody-in-particular' is not known"),
        (('"""Says what it is for."""', ""), "say at the top of the file what the DAG is for"),
        (('schedule="0 6 * * *"', "retries=0"), "retries=0: a task may be killed at any time"),
        (('schedule="0 6 * * *"', 'after=["gold.community.none"]'), "which has no contract"),
        (('"0 6 * * *"', '"0 25 * * *"'), "Its schedule '0 25 * * *': its hour '25'"),
        (('"0 6 * * *"', '"0 6 * * *", timezone="Mars"'), "Its timezone 'Mars' is none"),
        (('"0 6 * * *"', '"@daily", after=["x"]'), "and not both"),
        (('schedule="0 6 * * *"', 'after=["bronze.irc.messages"]'), "what came is no release yet"),
        (("weekly_digest", "weekly_digests"), "headgate new source bronze.community.weekly_digests"),
        (("bronze.community.weekly_digest", "gold.community.dim_users"), "which is made by a model"),
        (("def told():", 'def told(x=read_release("gold.x.y")):'), "which has no contract"),
        (("    told()", "    pass"), "it has no task"),
    ],
)  # fmt: skip
def test_what_a_dag_lacks_is_an_import_error(
    airflow: WarmAirflow, project: Project, change: tuple[str, str], told: str
) -> None:
    text = GOOD.replace(*change).replace("import gated", "import read_release, gated")
    path = written(project.settings.root / "dags", text)
    bag = airflow.bag(path)
    [finding] = judge_bag(bag.dags, bag.import_errors, project.settings.root)[:1]
    assert finding.policy in ("import", "bag")
    assert told in next(iter(bag.import_errors.values())).splitlines()[-1]


UNGOVERNED = '''"""A DAG as Airflow has it."""

from datetime import datetime
from airflow.sdk import DAG, task

with DAG("x", schedule=None, start_date=datetime(2026, 1, 1), catchup=True) as dag:

    @task
    def x():
        return 1

    x()
'''


def test_a_dag_that_breaks_policies_is_found(
    airflow: WarmAirflow, project: Project, tmp_path: Path
) -> None:
    bag = airflow.bag(written(tmp_path / "bad", UNGOVERNED, "bad.py"))
    found = judge_bag(bag.dags, bag.import_errors, project.settings.root)
    assert {f.policy: f.place for f in found} == dict.fromkeys(
        ("owner", "page", "alerts", "retries", "tags", "catchup"), "DAG x"
    )
    empty: dict[str, Any] = {}
    assert [f.policy for f in judge_bag(empty, {}, project.settings.root)] == ["bag"]


WORKING = '''"""Does things while it is parsed."""

import os
import socket
import subprocess

import numpy

subprocess.run(["true"], check=True)
with socket.socket() as client:
    client.settimeout(0.1)
    client.connect_ex(("127.0.0.1", 9))
with open(os.path.join(os.environ["HEADGATE_ROOT"], "lake/bronze/irc/messages/x.parquet"), "rb"):
    pass
'''


def test_what_a_file_does_while_it_is_parsed_is_found(project: Project) -> None:
    root = project.settings.root
    table = root / "lake/bronze/irc/messages"
    table.mkdir(parents=True)
    (table / "x.parquet").write_bytes(b"")
    good = written(root / "dags", GOOD)
    bad = written(root / "dags", textwrap.dedent(WORKING), "community__work.py")
    found = watch([good, bad], root)
    assert {f.place for f in found} == {str(bad)}
    assert sorted(f.problem.removesuffix(" whenever it is parsed: do that in a task.") for f in found) == [
        "it imports numpy", "it opens a connection", "it reads bronze of the lake",
        "it starts a process",
    ]  # fmt: skip


def test_the_folder_is_checked_as_a_whole(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    written(tmp_path, f"{GOOD}\nprint(1)\n", "community__other.py")
    (tmp_path / "__pycache__").mkdir()
    written(tmp_path / "__pycache__", "print(1)\n", "old.py")
    assert [Path(f.place.rpartition(":")[0]).name for f in check_folder(tmp_path)] == [
        "community__other.py"
    ]
    assert check_folder(tmp_path / "nowhere") == []
