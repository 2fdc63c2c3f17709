"""Tasks killed at random moments: Airflow tries them again, and the tables come out the same."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from headgate.core import json as hjson
from headgate.core import processes
from headgate.orchestration.project import Project
from tests.e2e import released
from tests.servers.conftest import Airflow

BRONZE = "bronze.irc.messages"
INGEST, CURATE = f"ingest.{BRONZE}", "curate.chat"
#: What a part of a run says that it is, where it holds the lake.
TAKE, BUILD = f"take {BRONZE}", "curate chat"
#: Another one is tried by giving it in the environment.
SEED = int(os.environ.get("HEADGATE_TEST_SEED", random.SystemRandom().randrange(10**6)))


def at_work(project: Project, part: str) -> int:
    """The process that does this part of a run at the moment; 0 if none does."""
    try:
        told = hjson.loads((project.lake.root / "_locks" / "run.lock").read_bytes())
    except (OSError, ValueError):
        return 0
    pid = int(told["pid"])
    return pid if told["command"] == part and processes.alive(pid) else 0


def time_of_work(airflow: Airflow, part: str) -> float:
    """How long it takes, from the moment on in which the lake is its."""
    pid = airflow.wait(lambda: at_work(airflow.project, part))
    began = time.monotonic()
    airflow.wait(lambda: at_work(airflow.project, part) != pid)
    return time.monotonic() - began


def killed_twice(
    airflow: Airflow,
    dag: str,
    run: str,
    task: str,
    part: str,
    chance: random.Random,
    seconds: float,
) -> None:
    """Kill the first and the second try of a task, each at some moment of its work: once the process
    that works, once also the one that watches it, of which Airflow learns by a missing heartbeat."""
    before: set[int] = {0}
    for attempt, watcher_too in ((1, False), (2, True)):

        def another() -> int:
            pid = at_work(airflow.project, part)
            return 0 if pid in before else pid

        pid = airflow.wait(another)
        before.add(pid)
        parent = processes.everyone()[pid].parent
        assert parent in processes.descendants(airflow.server.pids["scheduler"])
        time.sleep(chance.uniform(0.0, 0.5 * seconds))
        assert at_work(airflow.project, part) == pid, f"too late for try {attempt}; seed {SEED}"
        processes.kill([parent, pid] if watcher_too else [pid])
        killed = airflow.tasks(dag, run)[task]
        assert killed["try_number"] == attempt and killed["state"] != "success"


@pytest.fixture
def undisturbed(airflow: Airflow, irc_corpus: Path) -> tuple[dict[str, str], dict[str, float]]:
    """Content of each table after the corpus was taken in peace, and how long either task worked."""
    airflow.use_lake("undisturbed")
    airflow.unpause(INGEST, CURATE)
    seconds, known = {}, airflow.known(CURATE)
    run = airflow.trigger(INGEST, {"paths": [str(irc_corpus)]})
    seconds["take"] = time_of_work(airflow, TAKE)
    assert airflow.end_of(INGEST, run) == "success", airflow.why(INGEST, run)
    curated = airflow.next_run(CURATE, known)
    seconds["build"] = time_of_work(airflow, BUILD)
    assert airflow.end_of(CURATE, curated) == "success", airflow.why(CURATE, curated)
    airflow.quiet()
    return released.hashes(airflow.project), seconds


def test_whoever_is_killed_the_tables_come_out_the_same(
    airflow: Airflow, irc_corpus: Path, undisturbed: tuple[dict[str, str], dict[str, float]]
) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    expected, seconds = undisturbed
    project = airflow.use_lake("disturbed")
    known = airflow.known(CURATE)

    run = airflow.trigger(INGEST, {"paths": [str(irc_corpus)]})
    killed_twice(airflow, INGEST, run, "take", TAKE, chance, seconds["take"])
    assert airflow.end_of(INGEST, run) == "success", airflow.why(INGEST, run)
    curated = airflow.next_run(CURATE, known)
    killed_twice(airflow, CURATE, curated, "build", BUILD, chance, seconds["build"])
    assert airflow.end_of(CURATE, curated) == "success", airflow.why(CURATE, curated)
    airflow.quiet()

    assert airflow.tasks(INGEST, run)["take"]["try_number"] == 3, f"seed {SEED}"
    assert airflow.tasks(CURATE, curated)["build"]["try_number"] == 3, f"seed {SEED}"
    assert released.hashes(project) == expected, f"seed {SEED}"
    took = airflow.events(INGEST, run)[BRONZE]
    assert (took["read"], took["published"]) == (220_463, 220_463), f"told of once; seed {SEED}"
