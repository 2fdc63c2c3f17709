"""Tasks killed at random moments: Airflow tries them again, and the tables come out the same."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from headgate.core import json as hjson
from headgate.orchestration.airflow.serving import processes
from headgate.orchestration.project import Project
from tests.e2e import released
from tests.servers.conftest import Airflow

BRONZE = "bronze.irc.messages"
INGEST, CURATE = f"ingest.{BRONZE}", "curate.chat"
#: Another one is tried by giving it in the environment.
SEED = int(os.environ.get("HEADGATE_TEST_SEED", random.SystemRandom().randrange(10**6)))


def holder(project: Project) -> int | None:
    """The process that works on the lake at the moment."""
    try:
        told = (project.lake.root / "_locks" / "run.lock").read_bytes()
        pid = int(hjson.loads(told)["pid"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return pid if processes.alive(pid) else None


def work_of(airflow: Airflow, seconds: float = 120.0) -> int:
    """The process that works on the lake, as soon as there is one."""
    found: int = airflow.wait(lambda: holder(airflow.project), within=seconds)
    return found


def killed_twice(airflow: Airflow, dag: str, run: str, task: str, chance: random.Random,
                 seconds: float) -> None:  # fmt: skip
    """Kill the first and the second try of a task, each at some moment of its work: once the process
    that works, once also the one that watches it, of which Airflow learns by a missing heartbeat."""
    before: set[int] = set()
    for attempt, watcher_too in ((1, False), (2, True)):
        pid = airflow.wait(lambda: (holder(airflow.project) or 0) not in {0, *before}
                           and holder(airflow.project))  # fmt: skip
        before.add(pid)
        parent = processes.everyone()[pid].parent
        time.sleep(chance.uniform(0.0, 0.6 * seconds))
        assert processes.alive(pid), f"try {attempt} was over before it was killed; seed {SEED}"
        processes.kill([parent, pid] if watcher_too else [pid], signal.SIGKILL)
        airflow.wait(
            lambda n=attempt: (
                airflow.tasks(dag, run)[task]["try_number"] > n
                or airflow.states(dag, run)[task] in ("up_for_retry", "failed")
            )
        )


@pytest.fixture
def undisturbed(airflow: Airflow, irc_corpus: Path) -> tuple[dict[str, str], dict[str, float]]:
    """Content of each table after the corpus was taken in peace, and how long either task worked."""
    airflow.use_lake("undisturbed")
    airflow.unpause(INGEST, CURATE)
    seconds, known = {}, airflow.known(CURATE)
    run = airflow.trigger(INGEST, {"paths": [str(irc_corpus)]})
    seconds["take"] = time_of_work(airflow)
    assert airflow.end_of(INGEST, run) == "success", airflow.why(INGEST, run)
    curated = airflow.next_run(CURATE, known)
    seconds["build"] = time_of_work(airflow)
    assert airflow.end_of(CURATE, curated) == "success", airflow.why(CURATE, curated)
    airflow.quiet()
    return released.hashes(airflow.project), seconds


def time_of_work(airflow: Airflow) -> float:
    """How long the next process works on the lake that does."""
    pid = work_of(airflow)
    began = time.monotonic()
    airflow.wait(lambda: holder(airflow.project) != pid)
    return time.monotonic() - began


def test_whoever_is_killed_the_tables_come_out_the_same(
    airflow: Airflow, irc_corpus: Path, undisturbed: tuple[dict[str, str], dict[str, float]]
) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    expected, seconds = undisturbed
    project = airflow.use_lake("disturbed")
    known = airflow.known(CURATE)

    run = airflow.trigger(INGEST, {"paths": [str(irc_corpus)]})
    killed_twice(airflow, INGEST, run, "take", chance, seconds["take"])
    assert airflow.end_of(INGEST, run) == "success", airflow.why(INGEST, run)
    curated = airflow.next_run(CURATE, known)
    killed_twice(airflow, CURATE, curated, "build", chance, seconds["build"])
    assert airflow.end_of(CURATE, curated) == "success", airflow.why(CURATE, curated)
    airflow.quiet()

    assert airflow.tasks(INGEST, run)["take"]["try_number"] == 3, f"seed {SEED}"
    assert airflow.tasks(CURATE, curated)["build"]["try_number"] == 3, f"seed {SEED}"
    assert released.hashes(project) == expected, f"seed {SEED}"
    took = airflow.events(INGEST, run)[BRONZE]
    assert (took["read"], took["published"]) == (220_463, 220_463), f"told of once; seed {SEED}"
