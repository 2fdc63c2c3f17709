"""``make bench-lineage``: the lineage store at 10,000 datasets and 200,000 column edges, in SQLite and PostgreSQL.

Both databases are measured in turn by the same events and questions. What ran beside it is told by
the load average before and after, which is kept with the figures.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from headgate.core import collecting
from headgate.core import json as hjson
from tests.bench import lineage_foreign as foreign
from tests.bench import lineage_report as report
from tests.bench.lineage_asking import load_times, question_times, trace_times
from tests.bench.lineage_databases import KINDS, Place, forget, forget_all, places
from tests.bench.lineage_filling import copied, fill_by_two
from tests.bench.lineage_http import ask_times, post_rates, served
from tests.bench.lineage_platform import Platform, platform
from tests.bench.lineage_report import note
from tests.bench.lineage_sql import sql_times
from tests.bench.lineage_starts import starts
from tests.bench.lineage_stream import Event, stream
from tests.bench.lineage_taking import fill, rates

FULL = 1_000_000
SIZES = (100, 1_000, 10_000)
#: What is measured, in this order.
SECTIONS = ("take", "trace", "http", "questions", "sql")
#: So many events tell of every dataset once; they are posted by so many at a time.
WARM, _WARMING = 45_000, 5_000
#: Some events come twice and are taken once; with this share of those asked for a store is filled.
_FILLED = 0.995


def main() -> None:
    """Fill the stores, measure every section, print tables, write JSON."""
    args = _arguments()
    _clear(args)
    whole = platform(args.datasets, args.edges)
    found: dict[str, Any] = {
        "datasets": len(whole.datasets), "column_edges": whole.edges, "cores": os.cpu_count(),
        "load_before": os.getloadavg(),
    }  # fmt: skip
    with ExitStack() as stack:
        full = stack.enter_context(places(args.folder, "full", args.database))
        found |= _filled(args, whole, full)
        for place in full:
            place.settle()
        if args.fill_only:
            return
        if "take" in args.section:
            empty = stack.enter_context(places(args.folder, "empty", args.database))
            found |= _taking(whole, empty, full, args.warm)
        with collecting.seldom():  # as a server does
            found |= _asking(args, whole, full)
        found["stores"] = [
            {"database": p.kind, "events": p.events(), "bytes": p.size(), "tables": p.tables()}
            for p in full
        ]
    found["load_after"] = os.getloadavg()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(hjson.dumps(found, indent=2) + "\n")
    report.show(found)
    _clear(args)


def _filled(args: argparse.Namespace, whole: Platform, full: Sequence[Place]) -> dict[str, Any]:
    """Go on until each store has the events; PostgreSQL's, if it is empty, gets a copy of SQLite's."""
    found: dict[str, Any] = {}
    for place in full:
        there = place.events()
        if there == 0 and place is not full[0] and full[0].events():
            found[f"copy to {place.kind}"] = copied(full[0], place)
            there = place.events()
        if there < args.events * _FILLED:
            rest = islice(stream(whole), there, None)
            found[f"fill {place.kind}"] = fill_by_two([place], rest, args.events - there)
    return found


def _clear(args: argparse.Namespace) -> None:
    if args.keep:
        forget(args.folder, "empty")
    else:
        forget_all(args.folder)


def _taking(
    whole: Platform, empty: Sequence[Place], full: Sequence[Place], warm: int
) -> dict[str, Any]:
    """How fast events are taken, in the process and over HTTP.

    *Cold* is who takes them after its start: it has to look up what it is told of for the first
    time. *Warm* is who has been told of every dataset once, which the first ``warm`` events of any
    stream do.
    """
    taken, posted = [], []
    for name, stores in (("empty", empty), ("full", full)):
        events = stream(whole, 10) if name == "empty" else _later(whole, full)
        taken += _rates(stores, events, f"{name}, cold")
        if name == "full" and warm:
            fill(stores, events, warm)
            taken += _rates(stores, events, f"{name}, warm")
        events = events if name == "empty" else _later(whole, full)
        with ExitStack() as stack:
            at = {p.kind: stack.enter_context(served(p)) for p in stores}
            posted += _post_rates(at, events, f"{name}, cold")
            if name == "full" and warm:
                for begin in range(0, warm, _WARMING):
                    post_rates(at, events, 500, min(_WARMING, warm - begin) // 500, 2, "")
                posted += _post_rates(at, events, f"{name}, warm")
    light = _of_airflow(_later(whole, full))
    taken += _rates(full, light, "full, Airflow's alone")
    with ExitStack() as stack:
        at = {p.kind: stack.enter_context(served(p)) for p in full}
        posted += _post_rates(at, light, "full, Airflow's alone,")
    return {"take": taken, "post": posted}


def _of_airflow(events: Iterator[Event]) -> Iterator[Event]:
    """Those of Airflow's provider: 3 KB each, where the mean of all is 12."""
    return (event for event in events if event["producer"] == foreign.PRODUCERS[foreign.AIRFLOW])


def _rates(stores: Sequence[Place], events: Iterator[Event], name: str) -> list[dict[str, Any]]:
    found = note(rates(stores, events, 100, 40, f"{name}, batches of 100"))
    return [*found, *note(rates(stores, events, 1, 400, f"{name}, singly"))]


def _post_rates(at: Mapping[str, str], events: Iterator[Event], name: str) -> list[dict[str, Any]]:
    return [
        row
        for size, count in ((100, 40), (1, 600))
        for clients in (1, 8)
        for row in note(post_rates(at, events, size, count, clients, f"{name} server"))
    ]


def _asking(args: argparse.Namespace, whole: Platform, full: Sequence[Place]) -> dict[str, Any]:
    """How long questions take, of functions and over HTTP."""
    asked, found = _asked(whole), {}
    if "trace" in args.section:
        found["load"] = note(load_times(full, _later(whole, full), 3))
        found["trace"] = note(trace_times(full, asked, args.rounds))
    if "http" in args.section:
        with ExitStack() as stack:
            at = {p.kind: stack.enter_context(served(p)) for p in full}
            found["ask"] = [
                row
                for (direction, size), columns in asked.items()
                for row in ask_times(
                    at, _questions(direction, columns, args.rounds), f"trace {direction} {size:,}"
                )
            ]
    if "questions" in args.section:
        found["questions"] = note(question_times(full, asked, 10))
    if "sql" in args.section:
        found["sql"] = note(sql_times(full, asked, 5))
    return found


def _questions(
    direction: str, columns: Sequence[str], rounds: int
) -> list[tuple[str, dict[str, str]]]:
    """Traces as a client asks for them."""
    found = []
    for number in range(rounds):
        name, _, column = columns[number % len(columns)].rpartition(".")
        given = {"name": name, "column": column, "direction": direction, "depth": "10"}
        found.append(("/trace", given))
    return found


def _later(whole: Platform, full: Sequence[Place]) -> Iterator[Event]:
    """Events of runs that begin when the newest in the stores has ended; never the same again."""
    with full[0].store.reading() as connection:
        newest = connection.exec_driver_sql("SELECT max(told_at) FROM run").scalar_one()
    begin = datetime.fromtimestamp(int(newest) // 1_000_000, UTC) + timedelta(hours=1)
    count = full[0].events()
    return stream(whole, seed=count, begin=begin, before=count)


def _asked(whole: Platform) -> dict[tuple[str, int], list[str]]:
    """Columns to trace from, by direction and about how many nodes the answer has."""
    return {
        (direction, size): columns
        for direction in ("up", "down")
        for size, columns in starts(whole, direction, SIZES, 10).items()
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-lineage", description=__doc__)
    parser.add_argument("--events", type=int, default=60_000, help="run events in the store")
    parser.add_argument("--full", action="store_true", help=f"{FULL:,} events")
    parser.add_argument("--datasets", type=int, default=10_000)
    parser.add_argument("--edges", type=int, default=200_000, help="column edges")
    parser.add_argument("--database", action="append", choices=KINDS)
    parser.add_argument("--section", action="append", choices=SECTIONS, help="only these")
    parser.add_argument(
        "--rounds", type=int, default=200, help="times that each kind of trace is asked for"
    )
    parser.add_argument(
        "--warm", type=int, default=WARM, help="events taken before a warm process is measured"
    )
    parser.add_argument(
        "--fill-only", action="store_true", help="go on to fill the stores, keep them, and stop"
    )
    parser.add_argument("--folder", type=Path, default=Path("bench_results/lineage"))
    parser.add_argument(
        "--keep", action="store_true", help="use the stores that are there, and leave them"
    )
    parser.add_argument(
        "--json", dest="out", type=Path, default=Path("bench_results/lineage_store.json")
    )
    args = parser.parse_args()
    args.events = FULL if args.full else args.events
    args.keep = args.keep or args.fill_only
    args.database = args.database or list(KINDS)
    args.section = args.section or list(SECTIONS)
    return args


if __name__ == "__main__":
    main()
