"""``python -m tests.bench.scale``: what a project of 200 or 2,500 models costs, beside its bare SQL.

Each figure is a whole process, start and imports included, with its processor seconds: on a shared
machine those are the ones to compare. A changed model is one that nothing is made from; the one in
the middle has all that follows from it built anew.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from headgate.core import json as hjson
from tests.bench.scale_project import (
    HERE,
    Model,
    Scaled,
    contract_path,
    generate,
    model_path,
    sql,
    staging_sql,
)

_REF = re.compile(r"\{\{ ref\('(\w+)'\) \}\}")
_SOURCE = re.compile(r"\{\{ source\('(\w+)', '(\w+)'\) \}\}")
Figure = dict[str, Any]


def timed(command: list[str], env: dict[str, str]) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak MiB of a command that must succeed."""
    env = {k: v for k, v in env.items() if k != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    with open(os.devnull, "w") as nothing:
        process = subprocess.Popen(command, env=env, stdout=nothing)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{' '.join(command)} ended with {process.returncode}"
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(work: Path, models: int, rounds: int, with_dbt: bool) -> list[Figure]:
    """The figures of a project of so many models."""
    project = generate(work / f"project_{models}", models)
    env = {**os.environ, "HEADGATE_ROOT": str(project.root)}
    command = [sys.executable, "-m", "headgate.cli.main", "run", "--json"]
    found: list[Figure] = []

    def told(what: str, times: int, run: list[str], before: Callable[[int], None] | None) -> None:
        figures = []
        for number in range(times):
            if before:
                before(number)
            figures.append(timed(run, env))
        walls, cpus, peaks = zip(*figures, strict=True)
        found.append(
            {"models": models, "what": what, "times": times, "seconds": statistics.median(walls),
             "least": min(walls), "most": max(walls), "cpu": statistics.median(cpus),
             "peak_mib": max(peaks)}
        )  # fmt: skip
        print(f"{models} models, {what}: {found[-1]['seconds']:.2f} s", file=sys.stderr)

    bare = write_bare(project)
    told(
        "bare SQL in order", rounds, [sys.executable, str(HERE / "bare_models.py"), str(bare)], None
    )
    told("full build", 1, command, None)
    told("nothing changed, first time", 1, command, None)
    told("nothing changed", rounds, command, None)
    leaves = [m for m in project.models if not project.readers(m) and m.kind != "union"]
    middle = _middle(project)
    told("one model changed", rounds, command, lambda n: change_model(project, leaves[0], n))
    follow = len(project.readers(middle))
    told(f"one model changed, {follow} made from it", 1, command,
         lambda n: change_model(project, middle, n))  # fmt: skip
    told("one contract changed", rounds, command, lambda n: tighten(project, leaves[-1], n))
    told("a description changed", rounds, command, lambda n: describe(project, leaves[1], n))
    if with_dbt:
        dbt = write_dbt(project)
        told("dbt run", 1, dbt, None)
        told("dbt run, nothing changed", rounds, dbt, None)
    return found


def _middle(project: Scaled) -> Model:
    """A model of the second layer that some, and not most, are made from."""
    joined = [m for m in project.models if m.layer == "joined"]
    return sorted(joined, key=lambda m: (abs(len(project.readers(m)) - 10), m.name))[0]


def change_model(project: Scaled, model: Model, number: int) -> None:
    """Change what the model's SQL gives."""
    changed = f"select * replace (score + {number + 1} as score) from (\n{sql(model)})\n"
    model_path(project.root, model).write_text(changed)


def tighten(project: Scaled, model: Model, number: int) -> None:
    """Ask more of a model's rows than its contract did, and what they hold."""
    path = contract_path(project.root, model.dataset)
    text = re.sub(r"quantity <= \d+", f"quantity <= {10_000_000 + number}", path.read_text())
    path.write_text(text)


def describe(project: Scaled, model: Model, number: int) -> None:
    """Say something else of a model, which changes no row."""
    path = contract_path(project.root, model.dataset)
    path.write_text(re.sub(r"purpose: .*", f"purpose: Said anew, {number}.", path.read_text()))


def write_bare(project: Scaled) -> Path:
    """The models' SQL in order, as a bare program takes it."""
    statements = [
        [f"stg_{s.replace('.', '_')}", "VIEW", _bare(project, staging_sql(s))]
        for s in project.sources
    ]
    statements += [[m.name, "TABLE", _bare(project, sql(m, plain=True))] for m in project.models]
    path = project.root.parent / "bare.json"
    path.write_text(hjson.dumps(statements))
    return path


def _bare(project: Scaled, text: str) -> str:
    return _REF.sub(r"\1", _of_files(project, text))


def _of_files(project: Scaled, text: str) -> str:
    """SQL over sources as SQL over their files, in which the row's id has another name."""

    def file(match: re.Match[str]) -> str:
        path = f"{project.root}/sources/{match[2]}.parquet"
        return f"(select *, id as row_id from read_parquet('{path}'))"

    return _SOURCE.sub(file, text)


def write_dbt(project: Scaled) -> list[str]:
    """The same models as a plain dbt project of tables on DuckDB; the command that runs it."""
    root = project.root.parent / f"dbt_{len(project.models)}"
    shutil.rmtree(root, ignore_errors=True)
    (root / "models").mkdir(parents=True)
    (root / "dbt_project.yml").write_text(
        "name: plain\nversion: 1.0.0\nconfig-version: 2\nprofile: plain\n"
        "flags: {send_anonymous_usage_stats: false}\n"
        "models: {plain: {+materialized: table}}\n"
    )
    (root / "profiles.yml").write_text(
        "plain:\n  target: it\n  outputs:\n    it:\n      type: duckdb\n"
        f"      path: {root}/it.duckdb\n      threads: 2\n"
    )
    for source in project.sources:
        name = f"stg_{source.replace('.', '_')}"
        text = "{{ config(materialized='view') }}\n" + _of_files(project, staging_sql(source))
        (root / "models" / f"{name}.sql").write_text(text)
    for model in project.models:
        (root / "models" / f"{model.name}.sql").write_text(sql(model, plain=True))
    return [sys.executable, "-m", "dbt.cli.main", "run", "--project-dir", str(root),
            "--profiles-dir", str(root)]  # fmt: skip


def show(found: list[Figure]) -> None:
    """The figures as a table."""
    table = Table(title="What a run costs, whole processes")
    for name in ("models", "what", "seconds", "spread", "cpu seconds", "peak MiB"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for f in found:
        table.add_row(
            f"{f['models']:,}", f["what"], f"{f['seconds']:.2f}",
            f"{f['least']:.2f}-{f['most']:.2f}" if f["times"] > 1 else "one pass",
            f"{f['cpu']:.2f}", f"{f['peak_mib']:.0f}",
        )  # fmt: skip
    Console().print(table)


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="scale", description=__doc__)
    parser.add_argument("--models", type=int, action="append", help="200 and 2,500, if not given")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dbt", action="store_true", help="also run the same models by plain dbt")
    parser.add_argument("--work", type=Path, default=Path("bench_results/scale"))
    parser.add_argument("--out", type=Path, default=Path("bench_results/scale.json"))
    args = parser.parse_args()
    work = args.work.resolve()
    found = []
    for models in args.models or (200, 2500):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        found += measure(work, models, args.rounds, args.dbt)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(hjson.dumps(found, indent=2) + "\n")
    shutil.rmtree(work, ignore_errors=True)
    show(found)


if __name__ == "__main__":
    main()
