"""A real Airflow that all of these tests share, and what they ask of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from headgate.orchestration.airflow.serving import Server
from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY, make_project
from tests.servers.kafka_broker import kafka as kafka
from tests.servers.pulsar_broker import pulsar_broker as pulsar_broker
from tests.servers.schema_registry import schema_registry as schema_registry
from tests.servers.spark_engine import spark as spark

HERE = Path(__file__).parent
#: `make test` collects what is here to leave it out, in an environment without clients of brokers.
collect_ignore = (
    []
    if find_spec("confluent_kafka")
    else [
        "test_codecs.py",
        "test_kafka_source.py",
        "test_pulsar_source.py",
        "test_stream_secured.py",
        "test_stream_spark_reach.py",
    ]
)
#: Longer than anything takes, also where others use the machine too.
PATIENCE = 300.0
OVER = ("success", "failed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them need a server, and share one."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.servers)
            item.add_marker(pytest.mark.xdist_group("airflow-server"))


def project_with_dags(folder: Path) -> Project:
    """A project as it is cloned, with a lake of its own."""
    made = make_project(folder)
    shutil.copytree(
        REPOSITORY / "dags", folder / "dags", ignore=shutil.ignore_patterns("__pycache__")
    )
    for contract in folder.glob("data_contracts/*/*/contract.odcs.yaml"):
        amend(contract, "retryMinutes", "0.02")  # who is killed is not to wait for a minute
    return made


def amend(contract: Path, name: str, value: str) -> None:
    """Add a property to a contract, at its end."""
    text = contract.read_text()
    if "\ncustomProperties:" not in text:
        text += "customProperties:\n"
    contract.write_text(text + f"  - {{property: headgate.{name}, value: {value}}}\n")


class Airflow:
    """What tests ask of a running server, and its project."""

    def __init__(self, server: Server, project: Project) -> None:
        self.server, self.project, self.rest = server, project, server.rest

    def use_lake(self, name: str) -> Project:
        """Have all that follows happen in another lake, once nothing happens any more."""
        self.quiet()
        toml = self.project.settings.root / "headgate.toml"
        toml.write_text(f'lake = "{name}"\n')
        self.project = Project.open(self.project.settings.root)
        return self.project

    def quiet(self) -> None:
        """Wait until no run goes on or waits, and none is to come of an Asset event."""

        def still() -> bool:
            busy = self.rest.get("dags/~/dagRuns", state=["running", "queued"])["total_entries"]
            return busy == 0

        for _ in range(3):  # the scheduler makes runs of events in its next round
            self.wait(still)
            time.sleep(1.0)
        self.wait(still)

    def unpause(self, *dags: str) -> None:
        for dag in dags:
            self.rest.until(f"dags/{dag}", lambda _: True, within=PATIENCE)
            self.rest.patch(f"dags/{dag}", {"is_paused": False})

    def pause(self, dag: str) -> None:
        self.rest.until(f"dags/{dag}", lambda _: True, within=PATIENCE)
        self.rest.patch(f"dags/{dag}", {"is_paused": True})

    def trigger(self, dag: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run; its id."""
        told = {"logical_date": None, "conf": dict(conf or {})}
        found: str = self.rest.post(f"dags/{dag}/dagRuns", told)["dag_run_id"]
        return found

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """All runs of a DAG, oldest first."""
        found = self.rest.get(f"dags/{dag}/dagRuns", order_by="id", limit=100)
        runs: list[dict[str, Any]] = found["dag_runs"]
        return runs

    def end_of(self, dag: str, run: str) -> str:
        """How a run ended, once it has."""
        path = f"dags/{dag}/dagRuns/{quote(run, safe='')}"
        found = self.rest.until(path, lambda r: r["state"] in OVER, within=PATIENCE)
        return str(found["state"])

    def next_run(self, dag: str, known: set[str]) -> str:
        """The id of a run that is none of ``known``, once there is one."""
        found = self.wait(lambda: [r for r in self.runs(dag) if r["dag_run_id"] not in known])
        return str(found[0]["dag_run_id"])

    def known(self, dag: str) -> set[str]:
        return {r["dag_run_id"] for r in self.runs(dag)}

    def tasks(self, dag: str, run: str) -> dict[str, dict[str, Any]]:
        """The tasks of a run by id (``task[2]`` where it is mapped)."""
        path = f"dags/{dag}/dagRuns/{quote(run, safe='')}/taskInstances"
        found = self.rest.get(path, limit=100)["task_instances"]
        return {
            t["task_id"] if t["map_index"] < 0 else f"{t['task_id']}[{t['map_index']}]": t
            for t in found
        }

    def states(self, dag: str, run: str) -> dict[str, str]:
        return {name: str(t["state"]) for name, t in self.tasks(dag, run).items()}

    def log(self, dag: str, run: str, task: str, attempt: int = 1) -> str:
        """What a try of a task logged, as the UI shows it."""
        where = f"dags/{dag}/dagRuns/{quote(run, safe='')}/taskInstances/{task}/logs/{attempt}"
        found = self.rest.get(where, full_content="true")["content"]
        return "\n".join(str(line.get("event", line)) for line in found)

    def events(self, dag: str, run: str) -> dict[str, dict[str, Any]]:
        """What the Asset events of a run carry, by dataset."""
        found = self.rest.get("assets/events", source_dag_id=dag, source_run_id=run, limit=100)
        return {e["name"]: e["extra"] for e in found["asset_events"]}

    def why(self, dag: str, run: str) -> str:
        """For an assertion that fails: states, and the log of what did not succeed."""
        told = []
        for name, task in self.tasks(dag, run).items():
            told.append(f"{name}: {task['state']} try {task['try_number']}")
            if task["state"] not in ("success", "skipped") and task["map_index"] < 0:
                told.append(self.log(dag, run, name, max(task["try_number"], 1))[-3000:])
        return "\n".join(told)

    def wait(self, holds: Callable[[], Any], within: float = PATIENCE) -> Any:
        """What ``holds`` gives, once it gives something."""
        end = time.monotonic() + within
        while not (found := holds()):
            assert time.monotonic() < end, "it has not come to that"
            time.sleep(0.3)
        return found


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """A server over a project of its own."""
    folder = tmp_path_factory.mktemp("served")
    project = project_with_dags(folder / "project")
    told: list[str] = []
    server = Server(project.settings, folder / "home", port=0, hasty=True, said=told.append)
    server.start()
    try:
        yield Airflow(server, project)
    finally:
        server.stop()
    assert told == [], "no component died"
