"""`headgate run`: take what is new, judge it, build what depends on it, release it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from headgate.core import clock, ids
from headgate.core.errors import UsageError
from headgate.orchestration import forwarding_lineage, unchanged

if TYPE_CHECKING:
    from headgate.orchestration.project import Project
    from headgate.orchestration.report import RunReport

EXAMPLE = "Example: headgate run --source bronze.irc.messages=demo_data/day.jsonl"


def run(
    source: list[str] = typer.Option(
        [],
        "--source",
        metavar="DATASET=PATH",
        help="Take this file, folder or glob for the dataset, or for several at once where the "
        "name holds * (quote it); may be given again. Without it, every dataset's own path is "
        "looked at.",
    ),
    select: list[str] = typer.Option(
        [],
        "--select",
        metavar="DATASET",
        help="Only this dataset or dbt model; may hold *, and + before (with what it is made from) "
        "or after it (with what is made from it). May be given again.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON."),
) -> int:
    """Take new data through the gate, build the models that depend on it, and release the result.

    Running it again is safe: what was taken is known by its content, and nothing changes.
    """
    sources = parse_sources(source)
    from headgate.core import settings

    opened = settings.load()
    began = clock.monotonic()
    everything = not (sources or select)
    if everything and unchanged.nothing_to_do(opened):
        forwarding_lineage.in_passing(opened)
        return _nothing(clock.monotonic() - began, as_json=as_json)
    from headgate.cli import progress, report
    from headgate.ingest.isolation import processes
    from headgate.orchestration.project import Project
    from headgate.orchestration.run import run as run_project

    project = Project(opened)
    # What draws progress is a thread, and after it none can be forked.
    processes.begin_early(opened)
    with progress.watch(quiet=as_json) as watcher:
        found = run_project(project, sources=sources, select=select, progress=watcher)
    alert(project, found)
    if everything and not found.told:
        unchanged.note(opened, project.contracts, clock.monotonic() - began)
    return report.tell(found, as_json=as_json)


def alert(project: Project, found: RunReport) -> None:
    """Tell owners of what was refused or failed, where settings say how; who looks here is told."""
    from headgate.orchestration import alerts

    for one in alerts.of_run(project.contracts, found):
        alerts.send(project, one, log=False)


def _nothing(seconds: float, *, as_json: bool) -> int:
    """Tell of a run that found nothing to do without looking closer."""
    from headgate.cli import report
    from headgate.orchestration.report import RunReport

    return report.tell(RunReport(ids.new_id(), clock.now(), seconds), as_json=as_json)


def parse_sources(given: Sequence[str]) -> dict[str, list[str]]:
    """``DATASET=PATH`` texts as paths by dataset.

    Raises:
        UsageError: a text has another form.
    """
    sources: dict[str, list[str]] = {}
    for text in given:
        dataset, equals, path = text.partition("=")
        if not (dataset and equals and path):
            raise UsageError(
                f"--source {text!r} is not DATASET=PATH.",
                remedy="Write --source bronze.irc.messages=some/file.jsonl.",
            )
        sources.setdefault(dataset, []).append(path)
    return sources
