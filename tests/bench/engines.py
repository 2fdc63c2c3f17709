"""``python -m tests.bench.engines``: the same pipeline on DuckDB and on Spark, by time and memory.

Parquet files of 5 million chat-like rows each are taken through the gate of 31 rules, joined with
themselves into a curated table of as many rows, and summed up by channel and day: three governed tables
and a release. Each run is a whole process over an empty lake; sizes go up, and at each the engines take
turns. Spark runs as `local[2]`. Both must release the same rows: sums of each table are compared.

Memory is what the process and all that it started hold at once, at its highest; processor time is
theirs, start of Python and Java included.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from headgate.core import json as hjson
from tests.bench import engines_report, generate
from tests.bench.cases import BENCH, HERE, project
from tests.bench.scale_project import copy_dbt
from tests.bench.watching import Watched

ENGINES = ("duckdb", "spark")
#: Rows of one input file.
FILE = 5_000_000
_SUMS = {
    "bronze.bench.messages": "count(*), sum(id), sum(length(text)), sum(reactions), sum(reply_to)",
    "silver.bench.messages": "count(*), sum(message_id), sum(letters), count(reply_seconds), sum(reply_seconds)",
    "gold.bench.channel_days": "count(*), sum(messages), sum(authors), sum(replies), sum(letters)",
}


def prepare(folder: Path, engine: str, memory: str) -> tuple[list[str], dict[str, str]]:
    """The benchmark's contracts and models in a folder of their own; the command, and its environment."""
    command, env = project(folder, "parquet")
    shutil.copytree(HERE / "pipeline" / "data_contracts", folder / "data_contracts" / "bench")
    shutil.copytree(HERE / "pipeline" / "models", folder / "dbt_project" / "models")
    copy_dbt(folder)
    jars = HERE.parent.parent / ".tools" / "spark" / "jars"
    return command, {
        **env, "HEADGATE_ENGINE": engine, "HEADGATE_SPARK_MASTER": "local[2]",
        "HEADGATE_SPARK_MEMORY": memory, "HEADGATE_SPARK_JARS": str(jars),
    }  # fmt: skip


def inputs(folder: Path, rows: int) -> list[Path]:
    """Parquet files of so many rows together, made unless they are there."""
    files = max(1, rows // FILE)
    each = rows // files
    return [generate.make_part(folder, each, number) for number in range(files)]


def measure(data: Path, work: Path, engine: str, rows: int, memory: str) -> dict[str, Any]:
    """One run of an engine over so many rows."""
    paths = inputs(data, rows)
    command, env = prepare(work / engine, engine, memory)
    given = [
        f"{BENCH}.channels={generate.channels(data)}",
        *(f"{BENCH}.messages={p}" for p in paths),
    ]
    words = [a for one in given for a in ("--source", one)]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "run", "--json", *words], env=env, stdout=subprocess.PIPE, text=True
    )
    watched = Watched(process.pid)
    try:
        told, _ = process.communicate()
        took = time.perf_counter() - began
    finally:
        watched.end()
    assert process.returncode == 0, told[-2000:]
    found = {"engine": engine, "rows": rows, "seconds": round(took, 1),
             "processor_seconds": round(watched.processor, 1), "peak_mib": watched.peak >> 20,
             "sums": sums(command, env)}  # fmt: skip
    shutil.rmtree(work / engine)
    return found


def sums(command: list[str], env: dict[str, str]) -> dict[str, Any]:
    """Sums over each table that was released, by dataset."""
    found = {}
    for dataset, asked in _SUMS.items():
        words = [*command, "sql", f"SELECT {asked} FROM {dataset}", "--json"]
        told = subprocess.run(words, env=env, check=True, capture_output=True, text=True).stdout
        found[dataset] = hjson.loads(told)
    return found


def main() -> None:
    """Measure sizes and engines in turns, print tables, write JSON and curves."""
    parser = argparse.ArgumentParser(prog="bench.engines", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000_000, 20_000_000, 80_000_000])
    parser.add_argument("--rounds", type=int, nargs="+", default=[2, 2, 1], help="of each size")
    parser.add_argument("--memory", default="4g", help="of Spark's driver")
    parser.add_argument("--data", type=Path, default=Path("bench_results/data"))
    parser.add_argument("--out", type=Path, default=Path("bench_results/engines.json"))
    parser.add_argument("--draw", type=Path, help="write the curves as SVG")
    args = parser.parse_args()
    work = args.data / "engines"
    found: list[dict[str, Any]] = []
    for rows, rounds in zip(args.rows, args.rounds, strict=True):
        inputs(args.data, rows)
        for _ in range(rounds):
            both = [measure(args.data, work, e, rows, args.memory) for e in ENGINES]
            assert both[0]["sums"] == both[1]["sums"], both
            found += both
            print(hjson.dumps(both), file=sys.stderr, flush=True)
            args.out.parent.mkdir(parents=True, exist_ok=True)
            args.out.write_text(hjson.dumps(found, indent=2) + "\n")
    shutil.rmtree(work, ignore_errors=True)
    engines_report.show(found)
    if args.draw:
        args.draw.write_text(engines_report.curves(found))


if __name__ == "__main__":
    main()
