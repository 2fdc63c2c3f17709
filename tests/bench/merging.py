"""``python -m tests.bench.merging``: a hundredth of the rows merged into a table, beside Spark's MERGE.

Ours is a whole governed run (read, judged, accounted for, committed durably); Spark's is Delta's MERGE
and no more, on two threads. Both as whole processes in turn, and Spark's statement alone, after its
session is warm. Needs Java, and a Python with pyspark and delta-spark of its own:

    uv venv .bench-spark && uv pip install --python .bench-spark pyspark==4.2.0 delta-spark==4.4.0
    mvn -f tests/bench/pom.xml dependency:copy-dependencies -DoutputDirectory=../../bench_results/jars
    python -m tests.bench.merging --spark .bench-spark/bin/python --jars bench_results/jars
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from headgate.core import json as hjson
from tests.bench import logs
from tests.bench.__main__ import _timed
from tests.bench.cases import HERE
from tests.bench.incremental import BRONZE, project

CASES = {"recent": "in the newest days", "edited": "all over the table"}


def measure(args: argparse.Namespace, work: Path) -> list[dict[str, Any]]:
    """Seconds of each side, by case."""
    paths = logs.make(args.data, args.rows)
    folder = work / "project"
    command, env = project(folder)
    shutil.rmtree(folder / "dbt_project" / "models")
    for contract in (folder / "data_contracts").glob("*/*/contract.odcs.yaml"):
        if contract.parent.parent.name not in ("irc", "ledger"):
            shutil.rmtree(contract.parent)
    jars = ",".join(str(p) for p in sorted(args.jars.glob("*.jar"))) if args.jars else ""
    spark, table = [str(args.spark), str(HERE / "spark_merge.py")], work / "spark_table"
    assert _timed([*command, "--source", f"{BRONZE}={paths['all']}"], env)[2] == 0
    (folder / "lake").rename(work / "lake")
    if args.spark:
        subprocess.run([*spark, "create", str(paths["all"]), str(table), jars], check=True)
        table.rename(work / "spark_kept")
    found = []
    for case in CASES:
        seconds: dict[str, list[float]] = {"ours": [], "spark_process": [], "spark_statement": []}
        for _ in range(args.rounds):
            _fresh(work / "lake", folder / "lake")
            took, _, code = _timed([*command, "--source", f"{BRONZE}={paths[case]}"], env)
            assert code == 0
            seconds["ours"].append(took)
            if args.spark:
                _fresh(work / "spark_kept", table)
                began = time.perf_counter()
                told = subprocess.run(
                    [*spark, "merge", str(paths[case]), str(table), jars],
                    check=True, capture_output=True, text=True,
                )  # fmt: skip
                seconds["spark_process"].append(time.perf_counter() - began)
                seconds["spark_statement"].append(json.loads(told.stdout)["statement"])
        found.append({"case": case, "rows": args.rows, "seconds": seconds})
    return found


def _fresh(kept: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(kept, target)


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(
        prog="bench.merging", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=Path("bench_results/data"))
    parser.add_argument("--out", type=Path, default=Path("bench_results/merging.json"))
    parser.add_argument("--spark", type=Path, help="Python that has pyspark and delta-spark")
    parser.add_argument("--jars", type=Path, help="folder of Delta's jars")
    args = parser.parse_args()
    work = args.data / "merging"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    found = measure(args, work)
    shutil.rmtree(work, ignore_errors=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(hjson.dumps(found, indent=2) + "\n")
    table = Table(title=f"A hundredth merged into {args.rows:,} rows: median seconds (spread)")
    for name in ("rows that change", "headgate run", "Spark, process", "Spark, MERGE alone"):
        table.add_column(name, justify="left" if name.startswith("rows") else "right")
    for one in found:
        cells = [
            f"{statistics.median(v):.1f} ({min(v):.1f}-{max(v):.1f})" if v else "not run"
            for v in one["seconds"].values()
        ]
        table.add_row(CASES[one["case"]], *cells)
    Console().print(table)


if __name__ == "__main__":
    main()
