"""``make bench``: governed ingest against a bare copy, in interleaved pairs, as ratios with spread.

Each side is a whole process, start and imports included. Figures: speed of governed ingest as a
share of the bare copy's (median, minimum and maximum over the pairs), and peak memory of both.
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
from tests.bench.generate import TYPES, make

HERE = Path(__file__).resolve().parent
#: case: (input, what it is held against, aim)
CASES = {
    "ndjson-clean": ("jsonl", "jsonl", 0.70),
    "ndjson-1%-faulty": ("faulty", "jsonl", 0.55),
    "parquet-clean": ("parquet", "parquet", 0.60),
}


def _timed(command: list[str], env: dict[str, str]) -> tuple[float, float, int]:
    """Wall seconds, peak memory in MiB, and exit code of a command."""
    started = time.perf_counter()
    with open(os.devnull, "w") as nothing:
        process = subprocess.Popen(command, env=env, stdout=nothing)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - started, usage.ru_maxrss / 1024, process.returncode


def _project(folder: Path, kind: str) -> Path:
    """A fresh project whose lake holds the channels and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE / "data_contracts", folder / "data_contracts")
    shutil.copytree(
        HERE.parent.parent / "data_contracts" / "ledger", folder / "data_contracts" / "ledger"
    )
    contract = folder / "data_contracts" / "messages" / "contract.odcs.yaml"
    if kind == "parquet":
        contract.write_text(contract.read_text().replace("format: jsonl", "format: parquet"))
    (folder / "headgate.toml").write_text("")
    return folder


def _headgate(folder: Path) -> tuple[list[str], dict[str, str]]:
    return [sys.executable, "-m", "headgate.cli.main"], {**os.environ, "HEADGATE_ROOT": str(folder)}


def measure(case: str, paths: dict[str, Path], work: Path, pairs: int, rows: int) -> dict[str, Any]:
    """One case's figures."""
    given, against, aim = CASES[case]
    base = _project(work / "project", given)
    command, env = _headgate(base)
    subprocess.run(
        [*command, "run", "--source", f"bronze.bench.channels={paths['channels']}"],
        env=env, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    shutil.copytree(base / "lake", work / "prepared", dirs_exist_ok=False)
    columns = "{" + ",".join(f"'{k}':'{v}'" for k, v in TYPES.items()) + "}"
    ratios, bare, governed, memory = [], [], [], []
    for pair in range(pairs + 1):
        target = work / "bare.parquet"
        target.unlink(missing_ok=True)
        a, _, code = _timed(
            [sys.executable, str(HERE / "bare_copy.py"), str(paths[against]), str(target), columns, "zstd"],
            dict(os.environ),
        )  # fmt: skip
        assert code == 0, "the bare copy failed"
        shutil.rmtree(base / "lake")
        shutil.copytree(work / "prepared", base / "lake")
        b, peak, code = _timed(
            [*command, "run", "--source", f"bronze.bench.messages={paths[given]}", "--json"], env
        )
        assert code == 0, f"governed ingest ended with {code}"
        if pair:  # the first warms the file cache
            ratios.append(a / b), bare.append(a), governed.append(b), memory.append(peak)
    shutil.rmtree(work / "prepared")
    return {
        "case": case, "rows": rows, "pairs": pairs, "aim": aim,
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
        found.append(measure(case, make(args.data, rows), work, pairs, rows))
        print(
            f"{case} at {rows:,} rows: {found[-1]['ratio']:.2f} of the bare copy", file=sys.stderr
        )
    shutil.rmtree(work, ignore_errors=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(hjson.dumps(found, indent=2) + "\n")
    _show(found)


def _show(found: list[dict[str, Any]]) -> None:
    table = Table(title="Governed ingest as a share of a bare copy's speed (higher is better)")
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
