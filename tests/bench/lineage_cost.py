"""``python -m tests.bench.lineage_cost``: what lineage costs a run, as a share of it.

Two ways. *Shares*: in one run, every function that only lineage needs is timed while it is on the
stack (events built and written, columns traced, what is looked up for an event alone, events sent on
to a receiver on this machine); wall and processor time, so that the machine's other work matters
little. *Pairs*: runs with lineage and runs whose emitter writes nothing and whose columns nobody
traces, in turns; the ratio has all the noise of two runs. A run of a few rows is measured beside.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import inspect
import json
import pkgutil
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from headgate.core import json as hjson
from tests.bench import logs
from tests.bench.incremental import BRONZE, project

AIM = 0.02
SMALL = 10_000
#: Where everything is for lineage, and what is besides.
MODULES = (
    "headgate.orchestration.column_lineage",
    "headgate.orchestration.frame_lineage",
    "headgate.orchestration.forwarding_lineage",
    "headgate.orchestration.told_changes",
    "headgate.quality.late",
)
PACKAGES = ("headgate.lineage.", "headgate.transforms.tracing")
LATE = ("headgate.lineage.columns", "headgate.transforms.tracing")
METHODS = (("headgate.orchestration.context", "RunContext", "_judged"),)


class Stopwatch:
    """Time during which any of its functions is on the stack of the thread that began first."""

    def __init__(self) -> None:
        self.by: dict[str, list[float]] = {}
        self._inside = threading.local()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        inside = self._inside

        @functools.wraps(function)
        def wrapped(*args: Any, **more: Any) -> Any:
            if getattr(inside, "yes", False):
                return function(*args, **more)
            inside.yes = True
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return function(*args, **more)
            finally:
                inside.yes = False
                told = self.by.setdefault(name, [0, 0.0, 0.0])
                told[0] += 1
                told[1] += time.perf_counter() - wall
                told[2] += time.process_time() - cpu

        return wrapped


def _modules() -> Iterator[Any]:
    """All that a run loads for lineage, also what it would only load later."""
    names = ["headgate.orchestration.run", *MODULES]
    for package in LATE:
        found = importlib.import_module(package)
        names += [m.name for m in pkgutil.walk_packages(found.__path__, f"{package}.")]
    for name in names:
        importlib.import_module(name)
    for name, module in list(sys.modules.items()):
        if name in MODULES or name.startswith(PACKAGES):
            yield module


def watch() -> Stopwatch:
    """Have every function that only lineage needs timed from now on, wherever it was imported to."""
    watched = Stopwatch()
    changed: dict[int, Any] = {}
    originals = []
    for module in _modules():
        for name, value in list(vars(module).items()):
            if getattr(value, "__module__", None) != module.__name__:
                continue
            short = module.__name__.removeprefix("headgate.")
            if inspect.isfunction(value) and not inspect.isgeneratorfunction(value):
                changed[id(value)] = watched.timed(f"{short}.{name}", value)
                originals.append(value)
            elif inspect.isclass(value):
                _watch_methods(watched, short, value)
    for module_name, owner, method in METHODS:
        found = getattr(importlib.import_module(module_name), owner)
        setattr(found, method, watched.timed(f"{owner}.{method}", getattr(found, method)))
    from headgate.orchestration.run import _RunEmitter

    _watch_methods(watched, "orchestration.run", _RunEmitter)
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("headgate."):
            for name, value in list(vars(module).items()):
                if inspect.isfunction(value) and id(value) in changed:
                    setattr(module, name, changed[id(value)])
    return watched


def _watch_methods(watched: Stopwatch, short: str, owner: type) -> None:
    for name, value in list(vars(owner).items()):
        plain = inspect.isfunction(value) and not inspect.isgeneratorfunction(value)
        wraps_block = hasattr(value, "__wrapped__")  # a context manager: its block is the run's
        if plain and not wraps_block and not name.startswith("__"):
            setattr(owner, name, watched.timed(f"{short}.{owner.__name__}.{name}", value))


def silence() -> None:
    """Have no event written and no column traced from now on."""
    from headgate.lineage.columns import ColumnLineage
    from headgate.lineage.emitter import Emitter
    from headgate.orchestration import column_lineage, frame_lineage

    nothing: Any = ColumnLineage({}, ())
    Emitter._tell = lambda *_: True  # type: ignore[method-assign]
    column_lineage.of_model = lambda *_: nothing  # type: ignore[assignment]
    frame_lineage.of_transform = lambda *_: nothing  # type: ignore[assignment]


def child(how: str, source: str) -> None:
    """One run in this process; prints what it took."""
    watched = watch() if how == "timed" else None
    if how == "off":
        silence()
    from headgate.orchestration.project import Project
    from headgate.orchestration.run import run

    opened = Project.open()
    wall, cpu = time.perf_counter(), _cpu()
    report = run(opened, sources={BRONZE: [source]})
    took = {"wall": time.perf_counter() - wall, "cpu": _cpu() - cpu}
    assert report.exit_code == 0, report.problems
    events = opened.settings.lake_path / opened.settings.lineage_file
    told = {
        **took, "notes": report.notes, "by": watched.by if watched else {},
        "events": sum(1 for _ in events.open("rb")) if events.exists() else 0,
        "bytes": events.stat().st_size if events.exists() else 0,
    }  # fmt: skip
    print(json.dumps(told))


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


class Bench:
    """A project to run again and again, from nothing each time."""

    def __init__(self, work: Path, source: Path) -> None:
        self.work, self.source = work, source
        _, self.env = project(work / "project")
        self.env = {**self.env, "no_proxy": "*"}

    def run(self, how: str, *, forward_to: str = "") -> dict[str, Any]:
        """What one run took. ``warm`` files come first: caches of the lake are part of it."""
        shutil.rmtree(self.work / "project" / "lake", ignore_errors=True)
        told = (
            f'[lineage_forward.here]\ntype = "http"\nurl = "{forward_to}"\n' if forward_to else ""
        )
        (self.work / "project" / "headgate.toml").write_text(told)
        command = [
            sys.executable,
            "-m",
            "tests.bench.lineage_cost",
            "--child",
            how,
            str(self.source),
        ]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        assert not found["notes"], found["notes"]
        return found


def measure(data: Path, rows: int, pairs: int) -> dict[str, Any]:
    """The share of lineage in runs over so many rows, and the ratios of pairs."""
    from tests.unit.lineage.forwarding.receivers import receiver

    work = data / "lineage_cost"
    bench = Bench(work, logs.make(data, rows)["all"])
    shares, ratios, cpu_ratios = [], [], []
    with receiver() as there:
        for _ in range(max(1, pairs)):
            shares.append(bench.run("timed", forward_to=there.url))
        assert len(there.taken) == sum(s["events"] for s in shares)
    for number in range(pairs):
        first, second = ("on", "off") if number % 2 == 0 else ("off", "on")
        took = {first: bench.run(first), second: bench.run(second)}
        ratios.append(took["on"]["wall"] / took["off"]["wall"])
        cpu_ratios.append(took["on"]["cpu"] / took["off"]["cpu"])
    shutil.rmtree(work, ignore_errors=True)
    found = sorted(share(s, "wall", 1) for s in shares)
    cpu = sorted(share(s, "cpu", 2) for s in shares)
    return {
        "rows": rows, "runs": len(shares), "events": shares[0]["events"], "bytes": shares[0]["bytes"],
        "seconds": statistics.median(s["wall"] for s in shares),
        "lineage_seconds": statistics.median(sum(b[1] for b in s["by"].values()) for s in shares),
        "share": statistics.median(found), "share_max": found[-1],
        "share_cpu": statistics.median(cpu), "share_cpu_max": cpu[-1],
        "pairs": {"wall": ratios, "cpu": cpu_ratios}, "by": shares[0]["by"],
    }  # fmt: skip


def share(one: dict[str, Any], of: str, column: int) -> float:
    """Lineage's part of a run's wall or processor time."""
    return float(sum(b[column] for b in one["by"].values()) / one[of])


def main() -> None:
    """Measure, print tables, write JSON."""
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:4])
        return
    parser = argparse.ArgumentParser(prog="bench.lineage_cost", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--data", type=Path, default=Path("bench_results/data"))
    parser.add_argument("--out", type=Path, default=Path("bench_results/lineage_cost.json"))
    args = parser.parse_args()
    found = [measure(args.data, rows, args.pairs) for rows in dict.fromkeys((SMALL, args.rows))]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(hjson.dumps(found, indent=2) + "\n")
    table = Table(title=f"Lineage's share of a run (aim at {args.rows:,} rows: {AIM:.0%})")
    for name in (
        "rows",
        "seconds",
        "events",
        "lineage s",
        "share",
        "of CPU",
        "on/off wall",
        "on/off CPU",
    ):
        table.add_column(name, justify="right")
    for one in found:
        table.add_row(
            f"{one['rows']:,}", f"{one['seconds']:.1f}", str(one["events"]),
            f"{one['lineage_seconds']:.3f}", f"{one['share']:.2%} (max {one['share_max']:.2%})",
            f"{one['share_cpu']:.2%}", *(_ratios(one["pairs"][k]) for k in ("wall", "cpu")),
        )  # fmt: skip
    Console().print(table)
    most = Table(title="Where the time goes")
    for name in ("function", "calls", "ms", "CPU ms"):
        most.add_column(name, justify="left" if name == "function" else "right")
    for name, (calls, wall, cpu) in sorted(found[-1]["by"].items(), key=lambda b: -b[1][1])[:12]:
        most.add_row(name, str(int(calls)), f"{wall * 1e3:.1f}", f"{cpu * 1e3:.1f}")
    Console().print(most)


def _ratios(found: list[float]) -> str:
    return f"{statistics.median(found):.3f} ({min(found):.3f}-{max(found):.3f})" if found else ""


if __name__ == "__main__":
    main()
