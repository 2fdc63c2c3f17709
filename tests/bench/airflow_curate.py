"""``python -m tests.bench.airflow_curate``: what a whole curate run costs in a real Airflow here.

In turn, on one server: `headgate run` of all models without Airflow; the curate DAG of the same;
a DAG of as many empty tasks in the same shape; and, where the footprint `bench` is installed, Cosmos
with the same models as plain dbt. A DAG run's seconds are from when it was asked for to its end. The
processor seconds of a DAG run are those of all of the server's processes meanwhile: on a shared
machine those are the ones to compare, less what an idle server takes.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
from rich.console import Console
from rich.table import Table

from headgate.core import json as hjson
from headgate.core import settings as core_settings
from headgate.orchestration import dag_index, parts
from headgate.orchestration.airflow.serving import Server
from headgate.orchestration.project import Project
from tests.bench.airflow_cosmos import DAG_ID as COSMOS
from tests.bench.airflow_cosmos import prepare as prepare_cosmos
from tests.bench.scale import timed
from tests.bench.scale_project import Scaled, contract_path, generate

REPOSITORY = Path(__file__).resolve().parents[2]
GROUP, EMPTY = "scale", "empty"
CURATE = f"curate.{GROUP}"
#: A DAG run is waited for so long, on a machine that others use as well.
PATIENCE = 1800.0
_EMPTY = '''"""As many empty tasks, in the same shape: an airflow dag."""

from datetime import datetime

from airflow.sdk import DAG, task

BEFORE = {before}

with DAG("{dag}", schedule=None, start_date=datetime(2026, 1, 1), max_active_runs=1):

    @task
    def nothing() -> None:
        """Do nothing."""

    made = {{name: nothing.override(task_id=name)() for name in BEFORE}}
    for name, before in BEFORE.items():
        for one in before:
            made[one] >> made[name]
'''


@dataclass(frozen=True)
class Figure:
    """One side once: seconds, processor seconds, its tasks, and those that did not end well."""

    side: str
    seconds: float
    cpu: float
    tasks: int
    failed: int = 0


class Bench:
    """The project, its lake as it is before anything was curated, and the server."""

    def __init__(self, work: Path, models: int) -> None:
        self.scaled = one_group(generate(work / "project", models))
        self.root, self.seed = self.scaled.root, work / "seed"
        (self.root / "dags").mkdir()
        shutil.copyfile(REPOSITORY / "dags/curate.py", self.root / "dags/curate.py")
        project = Project.open(self.root)
        for source in self.scaled.sources:
            assert parts.take(project, source).well
        (self.root / "dags/empty.py").write_text(empty_dag(self.root))
        self.cosmos = importlib.util.find_spec("cosmos") is not None
        if self.cosmos:
            self.database = prepare_cosmos(self.scaled, self.root / "dags")
        shutil.copytree(self.root / "lake", self.seed)
        settings = core_settings.load(self.root)
        more = {
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
        }
        self.server = Server(settings, work / "home", port=0, more=more)

    def restore(self) -> None:
        """The lake as it was before anything was curated."""
        lake, new, old = (self.root / n for n in ("lake", "lake.new", "lake.old"))
        shutil.copytree(self.seed, new)
        lake.rename(old)  # the server looks at it at any time
        new.rename(lake)
        shutil.rmtree(old, ignore_errors=True)

    def plain(self) -> Figure:
        """`headgate run`, a process of its own."""
        self.restore()
        env = {**os.environ, "HEADGATE_ROOT": str(self.root)}
        command = [sys.executable, "-m", "headgate.cli.main", "run", "--json"]
        wall, cpu, _ = timed(command, env)
        return Figure("headgate run", wall, cpu, 0)

    def curate(self) -> Figure:
        """The curate DAG."""
        self.restore()
        found = self._dag_run("curate in Airflow", CURATE)
        newest = Project.open(self.root).releases.newest()
        assert newest is not None, "nothing was released"
        assert len(newest.versions) == len(self.scaled.models) + len(self.scaled.sources)
        return found

    def empty(self) -> Figure:
        """As many empty tasks."""
        return self._dag_run("empty tasks", EMPTY)

    def by_cosmos(self) -> Figure:
        """Cosmos on the same models."""
        self.database.unlink(missing_ok=True)
        return self._dag_run("Cosmos", COSMOS)

    def idle(self, seconds: float = 20.0) -> float:
        """Processor seconds that the server takes in a second of doing nothing."""
        before = self._cpu()
        time.sleep(seconds)
        return (self._cpu() - before) / seconds

    def _dag_run(self, side: str, dag: str) -> Figure:
        rest = self.server.rest
        rest.until(f"dags/{dag}", lambda _: True, within=PATIENCE)
        before, asked = self._cpu(), time.time()
        told = {"logical_date": None, "conf": {}}
        run = rest.post(f"dags/{dag}/dagRuns", told)["dag_run_id"]
        path = f"dags/{dag}/dagRuns/{quote(run, safe='')}"
        ended = rest.until(path, lambda r: r["state"] in ("success", "failed"), within=PATIENCE)
        cpu = self._cpu() - before
        tasks = rest.get(f"{path}/taskInstances", limit=1000)["task_instances"]
        failed = sum(t["state"] != "success" for t in tasks)
        assert not failed or dag == COSMOS, {t["task_id"]: t["state"] for t in tasks}
        end = datetime.fromisoformat(ended["end_date"]).timestamp()
        return Figure(side, end - asked, cpu, len(tasks), failed)

    def _cpu(self) -> float:
        """Of all of the server's processes so far, and of their children that have ended."""
        total = 0.0
        for process in psutil.Process().children(recursive=True):
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system + times.children_user + times.children_system
        return total


def one_group(scaled: Scaled) -> Scaled:
    """All datasets in one release group."""
    for dataset in (*scaled.sources, *(m.dataset for m in scaled.models)):
        path = contract_path(scaled.root, dataset)
        group = f"  - {{property: headgate.releaseGroup, value: {GROUP}}}\n"
        path.write_text(path.read_text() + group)
    return scaled


def empty_dag(root: Path) -> str:
    """The file of a DAG of as many empty tasks as the curate DAG has, in its shape."""
    found = dag_index.load_group(root, GROUP)
    assert found is not None, dag_index.load(root).broken
    group, entries = found
    before: dict[str, list[str]] = {"build": []}
    for dataset in group.curated:
        mine = [d for d in entries[dataset].inputs if d in group.curated]
        before[dataset] = mine or ["build"]
    before["release"] = list(before)
    return _EMPTY.format(before=before, dag=EMPTY)


def measure(bench: Bench, rounds: int) -> Iterator[list[Figure]]:
    """All sides in turn: gives all figures after each round. The first round warms what is kept, and
    is left out."""
    sides: list[Callable[[], Figure]] = [bench.plain, bench.curate, bench.empty]
    if bench.cosmos:
        sides.append(bench.by_cosmos)
    found: list[Figure] = []
    for number in range(rounds + 1):
        for side in sides if number else sides[:3]:
            figure = side()
            print(f"round {number}: {figure}", file=sys.stderr)
            found += [figure] if number else []
        if number:
            yield found


def summary(found: list[Figure], idle: float, models: int) -> dict[str, Any]:
    """Medians and spread of each side, and how near to what is aimed at it comes, in each round."""
    sides: dict[str, list[Figure]] = {}
    for figure in found:
        sides.setdefault(figure.side, []).append(figure)
    rows = [
        {"side": side, "tasks": mine[0].tasks, "failed": sum(f.failed for f in mine),
         "seconds": statistics.median(f.seconds for f in mine),
         "least": min(f.seconds for f in mine), "most": max(f.seconds for f in mine),
         "cpu": statistics.median(f.cpu for f in mine)}
        for side, mine in sides.items()
    ]  # fmt: skip
    run, curate, empty = (sides[s] for s in ("headgate run", "curate in Airflow", "empty tasks"))
    of_aim = [
        c.seconds / (1.5 * r.seconds + e.seconds)
        for r, c, e in zip(run, curate, empty, strict=True)
    ]
    return {"models": models, "rounds": len(run), "idle_cpu_a_second": idle, "sides": rows,
            "load": os.getloadavg(), "share_of_aim": statistics.median(of_aim),
            "share_least": min(of_aim), "share_most": max(of_aim)}  # fmt: skip


def show(told: dict[str, Any]) -> None:
    """The figures as a table."""
    table = Table(title=f"Curating {told['models']} models, {told['rounds']} rounds")
    for name in ("side", "tasks", "failed", "seconds", "spread", "cpu seconds"):
        table.add_column(name, justify="left" if name == "side" else "right")
    for row in told["sides"]:
        spread = f"{row['least']:.1f}-{row['most']:.1f}"
        table.add_row(row["side"], str(row["tasks"] or ""), str(row["failed"] or ""), f"{row['seconds']:.1f}", spread,
                      f"{row['cpu']:.1f}")  # fmt: skip
    Console().print(table)
    print(
        f"curate / (1.5 x headgate run + empty tasks) = {told['share_of_aim']:.2f} "
        f"({told['share_least']:.2f}-{told['share_most']:.2f}); an idle server takes "
        f"{told['idle_cpu_a_second']:.2f} processor seconds a second; load {told['load'][0]:.1f}"
    )


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="airflow_curate", description=__doc__)
    parser.add_argument("--models", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3, help="1 or more")
    parser.add_argument("--work", type=Path, default=Path("bench_results/airflow"))
    parser.add_argument("--out", type=Path, default=Path("bench_results/airflow_curate.json"))
    args = parser.parse_args()
    work = args.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    bench = Bench(work, args.models)
    bench.server.start(within=600.0)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    try:
        idle = bench.idle()
        for found in measure(bench, args.rounds):
            told = summary(found, idle, args.models)
            args.out.write_text(hjson.dumps(told, indent=2) + "\n")
            show(told)
    finally:
        bench.server.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
