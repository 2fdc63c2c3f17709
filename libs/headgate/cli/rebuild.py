"""`headgate rebuild`: a table made anew in the shape of today's contract."""

from __future__ import annotations

import typer

EXAMPLE = "Example: headgate rebuild bronze.irc.messages"


def rebuild(
    dataset: str = typer.Argument(..., metavar="DATASET", help="The dataset's id."),
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON."),
) -> int:
    """Make a table anew under a contract that changed its columns, types, key or grain.

    A source's rows are taken from the table itself: values are cast where nothing is lost by it,
    rows that do not fit are set aside. A model is built in full. The version before stays in the
    table's history.
    """
    from headgate.cli import progress, report
    from headgate.orchestration.project import Project
    from headgate.orchestration.rebuilding import rebuild as make_anew

    project = Project.open()
    with progress.watch(quiet=as_json) as watcher:
        found = make_anew(project, dataset, progress=watcher)
    return report.tell(found, as_json=as_json)
