"""``make bench-portal``: the portal over a platform of 10,000 datasets with ledgers of a year.

Pages are asked in one process and of a server over HTTP. What ran beside it is told by the load
average before and after; where others work too, believe the processor's time and not the clock's.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import resource
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from starlette.testclient import TestClient

from headgate.core import clock, collecting, ids
from headgate.core import json as hjson
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.portal import opening
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.application import create_app
from headgate.portal.knowing.known import Known
from headgate.portal.limits import Limits
from headgate.portal.served import Served
from tests.bench import portal_contracts, portal_lake, portal_ledgers
from tests.bench.portal_pages import in_process, over_http, pages

#: Milliseconds of server time that 95 of 100 pages may take.
AIMS = {"home": 300.0, "": 150.0}


def main() -> None:
    """Make the platform, measure, print tables, write JSON."""
    args = _arguments()
    found: dict[str, Any] = {"cores": os.cpu_count(), "load_before": os.getloadavg()}
    if not (args.keep and (args.folder / "whole").exists()):
        make(args.folder, args.datasets, args.days, args.events)
    project = Project.open(args.folder)
    if args.maintain:
        portal_ledgers.maintained(project)
    with opening.opened(project) as parts, collecting.seldom():
        known, found["look"] = _look(parts)
        wanted = _wanted(project, known, args.page)
        free = dataclasses.replace(parts, limits=Limits(rate=1e6, burst=1e6))
        app = create_app(free, local=Person("local:bench", Role.ADMIN))
        client = TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000))
        with client:
            found["in process"] = in_process(client, wanted, args.rounds)
        found["look"] += _moved(project, parts)
    if not args.no_http:
        found["over HTTP"] = over_http(args.folder, wanted, args.rounds)
    found["load_after"] = os.getloadavg()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(hjson.dumps(found, indent=2) + "\n")
    _show(found)
    if not args.keep:
        shutil.rmtree(args.folder)


def make(folder: Path, datasets: int, days: int, events: int) -> None:
    """The platform in ``folder``: contracts, tables, ledgers, releases, lineage."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    whole = portal_contracts.whole(datasets)
    portal_lake.said("contracts", datasets)
    portal_contracts.write(folder, portal_contracts.described(whole, datasets))
    now = portal_lake.fill(folder, whole, events=events)
    portal_ledgers.fill(Project.open(folder), now, days)
    (folder / "whole").touch()


def _look(parts: Served) -> tuple[Known, list[dict[str, Any]]]:
    """The first look, and one at which nothing had moved."""
    known, first = _timed(parts.knowing.looked)
    _, again = _timed(parts.knowing.looked)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    found = [{"what": "first look", **first, "MB": round(memory, 1)}]
    found.append({"what": "a look at which nothing moved", **again})
    _, search = _timed(lambda: known.search("a", limit=50))
    return known, [*found, {"what": "a search that finds half of all", **search}]


def _moved(project: Project, parts: Served) -> list[dict[str, Any]]:
    """A look after one batch was entered."""
    meta = dataclasses.replace(
        portal_lake.meta_of(next(iter(project.contracts.sources))), batch_id=ids.new_id(),
        committed_at=clock.now() + timedelta(seconds=1),
    )  # fmt: skip
    with connect(project.settings) as con:
        ledger.record(con, project.lake, project.contracts, [(meta, 0)], ids.new_id())
    known, moved = _timed(parts.knowing.looked)
    assert any(b.id == meta.batch_id for b in known.batches), "the batch was not seen"
    return [{"what": "a look after one batch was entered", **moved}]


def _timed(act: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    began, worked = time.perf_counter(), time.process_time()
    found = act()
    spent = {"ms": time.perf_counter() - began, "cpu_ms": time.process_time() - worked}
    return found, {k: round(1000 * v, 1) for k, v in spent.items()}


def _wanted(project: Project, known: Known, chosen: list[str] | None) -> Any:
    opened = [d for d in portal_lake.opened(list(known.datasets)) if known.datasets[d].rows]
    runs = list(dict.fromkeys(b.run for b in known.batches))[:20]
    found = pages(known, opened, runs, next(iter(known.domains)))
    return {n: p for n, p in found.items() if p and (not chosen or any(c in n for c in chosen))}


def _show(found: dict[str, Any]) -> None:
    console = Console(width=140)
    before, after = (", ".join(f"{n:.1f}" for n in found[k]) for k in ("load_before", "load_after"))
    console.print(f"{found['cores']} cores; load average before {before}, after {after}")
    for title in ("look", "in process", "over HTTP"):
        rows = found.get(title, [])
        columns = list(dict.fromkeys(name for row in rows for name in row))
        table = Table(title=title, title_justify="left")
        for name in columns:
            table.add_column(
                name.replace("_", " "), justify="left" if name in ("page", "what") else "right"
            )
        for row in rows:
            table.add_row(*(str(row.get(name, "")) for name in columns), style=_style(row))
        console.print(table)
    console.print("Aims, p95: home 300 ms, every other page 150 ms; what misses one is red.")


def _style(row: dict[str, Any]) -> str:
    aim = AIMS.get(row.get("page", ""), AIMS[""])
    is_page = "kB" in row
    return "red" if is_page and (row["p95_ms"] > aim or "not 200" in row) else ""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-portal", description=__doc__)
    parser.add_argument("--datasets", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=365, help="days of ledgers")
    parser.add_argument("--events", type=int, default=60_000, help="events of lineage")
    parser.add_argument("--rounds", type=int, default=100, help="times that each page is asked for")
    parser.add_argument("--page", action="append", help="only pages with this in their names")
    parser.add_argument(
        "--maintain", action="store_true",
        help="have maintenance put the newest day to the rest first; else it lies beside it",
    )  # fmt: skip
    parser.add_argument("--no-http", action="store_true", help="in one process only")
    parser.add_argument("--folder", type=Path, default=Path("bench_results/portal"))
    parser.add_argument(
        "--keep", action="store_true", help="use the platform that is there; leave it"
    )
    parser.add_argument(
        "--json", dest="out", type=Path, default=Path("bench_results/portal_speed.json")
    )
    args = parser.parse_args()
    args.folder = args.folder.resolve()
    return args


if __name__ == "__main__":
    main()
