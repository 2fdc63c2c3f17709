"""`headgate backfill`: the files of a range of dates, taken in one run and released once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import typer

from headgate.core.errors import UsageError

if TYPE_CHECKING:
    from headgate.orchestration.backfilling import Day

EXAMPLE = "Example: headgate backfill bronze.irc.messages 2009-05-01 2009-05-31"
_FILES = ("files", "known")
_COUNTS = (*_FILES, "failed", "read", "published", "quarantined", "deduplicated", "refused")


def backfill(
    dataset: str = typer.Argument(..., metavar="DATASET", help="The source's id."),
    first: str = typer.Argument(..., metavar="FIRST", help="The first date, such as 2009-05-01."),
    last: str = typer.Argument(..., metavar="LAST", help="The last date; it is taken as well."),
    parallel: int = typer.Option(
        0, "--parallel", metavar="N",
        help="How many files are read at once, 1 to 8; 0 leaves it to the settings. They are "
        "committed one by one, by their dates.",
    ),
    plan: bool = typer.Option(
        False, "--plan", help="Only tell which dates have files, and how many of them are known."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON."),
) -> int:  # fmt: skip
    """Take the files of a range of dates, build what follows from them, and release that once.

    For sources whose path has {date} in it. Files that were taken before are left alone, so running
    it again is safe: nothing changes.
    """
    from headgate.cli import output, progress, report
    from headgate.ingest.isolation import processes
    from headgate.orchestration import backfilling
    from headgate.orchestration.project import Project

    dates = (_date(first), _date(last))
    project = Project.open()
    if plan:
        days = backfilling.planned(project, dataset, *dates)
        if as_json:
            output.json({"days": output.plain([_told(d, _FILES) for d in days])})
        else:
            _show(days, dates, _FILES)
        return 0
    # What draws progress is a thread, and after it none can be forked.
    processes.begin_early(project.settings)
    with progress.watch(quiet=as_json) as watcher:
        found = backfilling.backfill(
            project, dataset, *dates, parallel=parallel, progress=watcher
        )  # fmt: skip
    if as_json:
        told = [_told(d, _COUNTS) for d in found.days]
        output.json({"days": output.plain(told), **report.plain(found.run)})
        return found.run.exit_code
    _show(found.days, dates, _COUNTS)
    return report.tell(found.run, as_json=False)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no date.", remedy="Write it as 2009-05-01.") from None


def _told(day: Day, names: Sequence[str]) -> dict[str, object]:
    return {"date": day.date.isoformat(), **{name: getattr(day, name) for name in names}}


def _show(days: Sequence[Day], dates: tuple[date, date], names: Sequence[str]) -> None:
    """The dates, one a line."""
    from headgate.cli import output

    output.table(("date", *names), [tuple(_told(d, names).values()) for d in days])
    without = (dates[1] - dates[0]).days + 1 - len(days)
    if without:
        output.out(f"{without:,} other dates have no files.")
