"""A backfill: the files of a range of dates taken in one run, with one release at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from headgate.core.errors import UsageError
from headgate.ingest.discover import was_taken
from headgate.ingest.readers.base import SourceFile
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.orchestration import curating, ingesting, waiting
from headgate.orchestration.context import Progress, RunContext
from headgate.orchestration.order import downstream
from headgate.orchestration.project import Project
from headgate.orchestration.report import RunReport
from headgate.orchestration.run import run_with
from headgate.quality.outcome import BatchOutcome

#: More files than that are not read at once: each takes memory, and commits are one by one.
MOST = 8


@dataclass(frozen=True)
class Day:
    """One date of a backfill: its files, and what became of their rows (``read = published +
    quarantined + deduplicated + refused``).

    ``known`` are files whose content was taken before, ``failed`` those that could not be taken.
    """

    date: date
    files: int
    known: int
    failed: int = 0
    read: int = 0
    published: int = 0
    quarantined: int = 0
    deduplicated: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Backfill:
    """What a backfill came to: each date that has files, and the run that took them."""

    days: tuple[Day, ...]
    run: RunReport


def planned(project: Project, dataset: str, first: date, last: date) -> tuple[Day, ...]:
    """The dates that a backfill would take, and how many of their files are known already.

    Raises:
        UsageError: see :func:`backfill`.
    """
    files = _files(project, dataset, first, last)
    project.lake.make()
    with connect(project.settings) as con:
        taken = ledger.taken(con, project.lake).get(dataset, {})
    return tuple(
        Day(day, len(found), sum(was_taken(f, taken) for f in found))
        for day, found in files.items()
    )


def backfill(
    project: Project,
    dataset: str,
    first: date,
    last: date,
    *,
    parallel: int = 0,
    progress: Progress | None = None,
) -> Backfill:
    """Take the files of a source for the dates from ``first`` to ``last``, build what follows from
    them, and release that, once.

    Files that were taken before are left alone, so that doing it again changes nothing. As many
    as ``parallel`` says are read at once; they are committed one by one, in order of their dates.

    Raises:
        UsageError: the files of the dataset have no dates, none lie there for these, or it is no
            source; nothing was touched.
        LakeBusyError: another run holds the lake.
    """
    if not 0 <= parallel <= MOST:
        raise UsageError(f"{parallel} files cannot be read at once.", remedy=f"Give 1 to {MOST}.")
    files = _files(project, dataset, first, last)
    in_order = {dataset: [f for found in files.values() for f in found]}
    ingesting.begin_early(project, in_order)
    concerned = waiting.concerned(project, dataset)
    days: list[Day] = []

    def work(context: RunContext) -> list[str]:
        context.reading_at_once = parallel
        problems = ingesting.ingest_all(context, in_order)
        taken = context.taken.get(dataset, {})
        days.extend(_day(day, found, context.outcomes, taken) for day, found in files.items())
        waiting.replay_waiting(context, [d for d in concerned if d not in context.blocked])
        return problems

    graph = curating.graph_of(project)
    report = run_with(
        project, work, selected={*concerned, *downstream(graph, concerned)}, progress=progress,
        command=f"backfill {dataset} {first} {last}",
    )  # fmt: skip
    return Backfill(tuple(days), report)


def _files(
    project: Project, dataset: str, first: date, last: date
) -> Mapping[date, Sequence[SourceFile]]:
    """The files from the first to the last date, by date."""
    if last < first:
        raise UsageError(
            f"{last} comes before {first}.", remedy="Give the first date, then the last."
        )
    contract = project.contracts[dataset]
    found = ingesting.dated_files(project, contract)
    files = {day: those for day, those in found.items() if first <= day <= last}
    if not files:
        there = f"Files lie there from {min(found)} to {max(found)}." if found else ""
        path = contract.source.path if contract.source else ""
        raise UsageError(
            f"no file of {dataset} lies at {path} from {first} to {last}.", remedy=there
        )
    return files


def _day(
    day: date,
    files: Sequence[SourceFile],
    outcomes: Sequence[BatchOutcome],
    taken: Mapping[str, tuple[str, int]],
) -> Day:
    names = {f.name for f in files}
    mine = [o for o in outcomes if o.source in names]
    left = [f for f in files if f.name not in {o.source for o in mine}]
    known = sum(was_taken(f, taken) for f in left)
    sums = (
        sum(getattr(o, name) for o in mine)
        for name in ("read", "published", "quarantined", "deduplicated", "refused")
    )
    return Day(day, len(files), known, len(left) - known, *sums)
