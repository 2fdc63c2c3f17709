"""``make bench``: what is governed against what is bare, in interleaved pairs, as ratios with spread.

Each side is a whole process, start and imports included. Figures: the bare command's time divided
by ours (median, minimum and maximum over the pairs), and the peak memory of ours.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from headgate.core import json as hjson
from tests.bench.cases import CASES


def _timed(command: list[str], env: dict[str, str]) -> tuple[float, float, int]:
    """Wall seconds, peak memory in MiB, and exit code of a command.

    Programs are compiled once and kept so, as they are wherever they are used twice.
    """
    env = {k: v for k, v in env.items() if k != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    with open(os.devnull, "w") as nothing:
        process = subprocess.Popen(command, env=env, stdout=nothing)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - started, usage.ru_maxrss / 1024, process.returncode


def measure(case: str, data: Path, work: Path, pairs: int, rows: int) -> dict[str, Any]:
    """One case's figures."""
    rows = int(rows * CASES[case].share)
    pair = CASES[case].prepare(data, work, rows)
    ratios, bare, governed, memory = [], [], [], []
    for number in range(pairs + 1):
        (work / "bare.parquet").unlink(missing_ok=True)
        a, _, code = _timed(pair.bare, dict(os.environ))
        assert code == 0, "the bare command failed"
        pair.fresh()
        b, peak, code = _timed(pair.governed, pair.env)
        assert code == pair.expected, f"the governed command ended with {code}"
        if number:  # the first warms the file cache
            ratios.append(a / b), bare.append(a), governed.append(b), memory.append(peak)
    return {
        "case": case, "rows": rows, "pairs": pairs, "aim": CASES[case].aim,
        "ratio": statistics.median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios),
        "bare_seconds": statistics.median(bare), "governed_seconds": statistics.median(governed),
        "peak_mib": max(memory),
    }  # fmt: skip


def main() -> None:
    """Measure every case, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--case", action="append", choices=sorted(CASES))
    parser.add_argument("--flat", type=int, default=0, metavar="ROWS",
                        help="also run ndjson-clean once at ROWS, to see that memory stays flat")  # fmt: skip
    parser.add_argument("--data", type=Path, default=Path("bench_results/data"))
    parser.add_argument("--out", type=Path, default=Path("bench_results/ingest.json"))
    args = parser.parse_args()
    work = args.data / "work"
    found = []
    wanted = [(case, args.rows, args.pairs) for case in args.case or CASES]
    if args.flat:
        wanted.append(("ndjson-clean", args.flat, 1))
    for case, rows, pairs in wanted:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        found.append(measure(case, args.data, work, pairs, rows))
        told = f"{case} at {found[-1]['rows']:,} rows: {found[-1]['ratio']:.2f}"
        print(f"{told} of the bare command's speed", file=sys.stderr)
    shutil.rmtree(work, ignore_errors=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(hjson.dumps(found, indent=2) + "\n")
    _show(found)


def _show(found: list[dict[str, Any]]) -> None:
    table = Table(title="Governed work as a share of the bare command's speed (higher is better)")
    for name in ("case", "rows", "ratio", "spread", "aim", "bare s", "governed s", "peak MiB"):
        table.add_column(name, justify="left" if name == "case" else "right")
    for f in found:
        table.add_row(
            f["case"], f"{f['rows']:,}", f"{f['ratio']:.2f}",
            f"{f['ratio_min']:.2f}-{f['ratio_max']:.2f}", f"{f['aim']:.2f}",
            f"{f['bare_seconds']:.1f}", f"{f['governed_seconds']:.1f}", f"{f['peak_mib']:.0f}",
        )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
