"""``python -m tests.bench.incremental``: what a run costs when a hundredth of the rows is new.

The project's own contracts and models, over a year of logs. Each figure is a whole process. Of the
time of a run that has nothing to do (no-op) is taken off on both sides, so that what remains follows
from the rows: (incremental - no-op) / (full - no-op). Rows that lie in the newest days are the usual
case; rows edited all over the year touch every day, and are reported beside.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from headgate.core import json as hjson
from tests.bench import logs
from tests.bench.__main__ import _timed
from tests.bench.cases import HERE

BRONZE = "bronze.irc.messages"
REPOSITORY = HERE.parent.parent


def project(folder: Path) -> tuple[list[str], dict[str, str]]:
    """The repository's contracts and models in a folder of their own, with logs read from Parquet."""
    import os

    shutil.rmtree(folder, ignore_errors=True)
    left_out = shutil.ignore_patterns("target", "logs", "_contracts", ".user.yml")
    for part in ("data_contracts", "dbt_project"):
        shutil.copytree(REPOSITORY / part, folder / part, ignore=left_out)
    contract = folder / "data_contracts" / "irc" / "bronze_messages" / "contract.odcs.yaml"
    text = contract.read_text()
    assert "format: jsonl" in text
    contract.write_text(text.replace("format: jsonl", "format: parquet"))
    (folder / "headgate.toml").write_text("")
    command = [sys.executable, "-m", "headgate.cli.main", "run", "--json"]
    return command, {**os.environ, "HEADGATE_ROOT": str(folder)}


def measure(data: Path, work: Path, rows: int, rounds: int) -> dict[str, Any]:
    """Seconds of each kind of run, by round, and the two shares."""
    paths = logs.make(data, rows)
    folder = work / "project"
    command, env = project(folder)
    lake, kept = folder / "lake", {n: work / n for n in ("most", "all")}

    def take(name: str | None) -> tuple[float, float]:
        given = ["--source", f"{BRONZE}={paths[name]}"] if name else []
        seconds, peak, code = _timed([*command, *given], env)
        assert code == 0, f"the run over {name} ended with {code}"
        return seconds, peak

    found: dict[str, list[float]] = {"full": [], "no_op": [], "newest": [], "scattered": []}
    peak = 0.0
    shutil.rmtree(lake, ignore_errors=True)
    take("most")
    lake.rename(kept["most"])
    for _ in range(rounds):
        shutil.rmtree(lake, ignore_errors=True)
        seconds, peak_now = take("all")
        found["full"].append(seconds)
        peak = max(peak, peak_now)
        found["no_op"].append(take(None)[0])
        found["scattered"].append(take("edited")[0])
        shutil.rmtree(lake)
        shutil.copytree(kept["most"], lake)
        take(None)  # the caches of a lake that was just copied are cold
        found["newest"].append(take("newest")[0])
    shutil.rmtree(work, ignore_errors=True)
    middle = {name: statistics.median(values) for name, values in found.items()}
    whole = middle["full"] - middle["no_op"]
    shares = {name: (middle[name] - middle["no_op"]) / whole for name in ("newest", "scattered")}
    return {"rows": rows, "rounds": rounds, "seconds": found, "peak_mib": peak, "shares": shares}


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="bench.incremental", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--data", type=Path, default=Path("bench_results/data"))
    parser.add_argument("--out", type=Path, default=Path("bench_results/incremental.json"))
    args = parser.parse_args()
    work = args.data / "incremental"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    found = measure(args.data, work, args.rows, args.rounds)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(hjson.dumps(found, indent=2) + "\n")
    table = Table(title=f"Runs over {args.rows:,} log lines (peak {found['peak_mib']:.0f} MiB)")
    for name in ("run", "seconds", "share of full", "aim"):
        table.add_column(name, justify="left" if name == "run" else "right")
    for name, values in found["seconds"].items():
        share = found["shares"].get(name)
        table.add_row(
            name,
            f"{statistics.median(values):.1f} ({min(values):.1f}-{max(values):.1f})",
            "" if share is None else f"{share:.1%}",
            "5%" if name == "newest" else "",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
