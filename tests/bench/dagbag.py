"""What a DAG processor and a worker pay for a thousand contracts: `python -m tests.bench.dagbag`.

Contracts are copies of this project's own sources, each in a domain of its own. Each figure is of a
fresh process that has imported Airflow, as both have. Cold: neither index nor cache of contracts is
there; code is compiled. The processor time tells more than the clock on a machine that is shared.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from headgate.core import json as hjson

ROOT = Path(__file__).resolve().parents[2]
#: Seconds that each is meant to take at most. Settling: the first time after files changed, when their
#: text is compared. One: a DAG on a worker that has our modules; one_imports: on one that imports them.
AIMS = {"cold": 12.0, "settling": 12.0, "warm": 3.0, "one": 0.020, "one_imports": 0.5}
_DATASET = re.compile(r"\b(bronze)\.([a-z]+)\.([a-z_]+)\b")
_BAG = """
import resource, sys, time
import airflow.models, airflow.sdk
from airflow.dag_processing.dagbag import DagBag
def spent():
    own, others = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in (own, others))
began, used = time.perf_counter(), spent()
bag = DagBag(dag_folder=sys.argv[1], safe_mode=False)
print("figures", time.perf_counter() - began, spent() - used, len(bag.dags))
assert not bag.import_errors, bag.import_errors
"""
_ONE = """
import os, sys, time
import airflow.models, airflow.sdk
from airflow.dag_processing.dagbag import DagBag
os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = sys.argv[2]
if len(sys.argv) > 3:
    import headgate.orchestration.airflow.ingest_factory
began, used = time.perf_counter(), time.process_time()
bag = DagBag(dag_folder=sys.argv[1], safe_mode=False)
print("figures", time.perf_counter() - began, time.process_time() - used, len(bag.dags))
assert list(bag.dags) == [sys.argv[2]], (list(bag.dags)[:3], bag.import_errors)
"""


def generate(folder: Path, contracts: int) -> list[str]:
    """A project of so many source contracts, copied from ours; gives the ids of their datasets."""
    if folder.exists():
        shutil.rmtree(folder)
    real = sorted(
        p for p in (ROOT / "data_contracts").rglob("contract.odcs.yaml")
        if re.search(r"^name: bronze\.(chat|irc|engineering)\.", p.read_text(), re.MULTILINE)
    )  # fmt: skip
    found: list[str] = []
    for number in range(contracts):
        copy, path = number // len(real), real[number % len(real)]
        text = _DATASET.sub(rf"\1.\g<2>{copy:04d}.\3", path.read_text("utf-8"))
        target = folder / "data_contracts" / f"{path.parts[-3]}{copy:04d}" / path.parts[-2]
        target.mkdir(parents=True)
        (target / path.name).write_text(text)
        found.append(re.search(r"^name: (\S+)$", text, re.MULTILINE)[1])  # type: ignore[index]
    (folder / "dbt_project" / "models").mkdir(parents=True)
    (folder / "headgate.toml").write_text('lake = "lake"\n')
    shutil.copytree(ROOT / "dags", folder / "dags", ignore=shutil.ignore_patterns("*__*", "*.md"))
    return found


def _figures(code: str, folder: Path, home: Path, *given: str) -> tuple[float, float, int]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "HEADGATE"))}
    env |= {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT / "libs"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "0",
             "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}  # fmt: skip
    file = str(folder / "dags" / "ingest.py")
    done = subprocess.run(
        [sys.executable, "-c", code, file, *given], env=env, capture_output=True, text=True,
        check=False, cwd=home,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("figures ")]
    if done.returncode or not lines:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-4000:])
    wall, used, dags = lines[-1].split()[1:]
    return float(wall), float(used), int(dags)


def measure(contracts: int, rounds: int, work: Path) -> dict[str, Any]:
    """All figures, each as the median over the rounds, with its smallest and largest."""
    project, home = work / "project", work / "airflow"
    home.mkdir(parents=True)
    datasets = generate(project, contracts)
    _figures(_BAG, project, home)  # compiles code, makes Airflow's database if it wants one
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in AIMS}
    for number in range(rounds):
        shutil.rmtree(project / "lake", ignore_errors=True)
        for name in ("cold", "settling", "warm"):
            wall, used, dags = _figures(_BAG, project, home)
            assert dags >= contracts, dags
            taken[name].append((wall, used))
            time.sleep(1.5 if name == "cold" else 0)  # times are believed a second later
        one = "ingest." + datasets[(number * 37) % len(datasets)]
        taken["one"].append(_figures(_ONE, project, home, one, "imported")[:2])
        taken["one_imports"].append(_figures(_ONE, project, home, one)[:2])
    return {
        "contracts": contracts, "rounds": rounds, "cores": os.cpu_count(),
        "index_bytes": (project / "lake" / "_cache" / "dag_index.jsonl").stat().st_size,
        **{name: _spread(found) for name, found in taken.items()},
    }  # fmt: skip


def _spread(found: list[tuple[float, float]]) -> dict[str, float]:
    walls, used = [w for w, _ in found], [u for _, u in found]
    return {
        "seconds": statistics.median(walls), "seconds_min": min(walls), "seconds_max": max(walls),
        "processor_seconds": statistics.median(used), "processor_min": min(used),
        "processor_max": max(used),
    }  # fmt: skip


def main() -> None:
    """Measure, tell, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contracts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headgate-dagbag-") as work:
        found = measure(given.contracts, given.rounds, Path(work))
    print(f"{given.contracts} contracts; seconds, median of {given.rounds} (smallest to largest)")
    for name, aim in AIMS.items():
        row = found[name]
        print(
            f"{name:>11}: {row['seconds']:.3f} s ({row['seconds_min']:.3f} to {row['seconds_max']:.3f}), "
            f"processor {row['processor_seconds']:.3f} s "
            f"({row['processor_min']:.3f} to {row['processor_max']:.3f}); aim {aim:g} s"
        )
    target = ROOT / "bench_results" / "dagbag.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(hjson.dumps(found, indent=2) + "\n")
    print(f"kept in {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
