"""`headgate lineage rebuild`: the lineage store built anew from events."""

from __future__ import annotations

import typer

from headgate.cli import output

EXAMPLE = "Example: headgate lineage rebuild"


def rebuild(
    as_json: bool = typer.Option(False, "--json", help="Print what was taken as JSON."),
) -> int:
    """Build the lineage store anew from events: those of the lake's files, and those that others posted.

    Tokens stay. A server may go on meanwhile. Only for a store that is a file.
    """
    from headgate.cli.lineage_view import Catching
    from headgate.orchestration import lineage_store
    from headgate.orchestration.project import Project

    with Catching(quiet=as_json) as progress:
        done = lineage_store.rebuild(Project.open(), progress=progress)
    if as_json:
        output.json({"events": done.events, "posted": done.posted, "lost": done.lost})
        return 0
    output.out(f"Built anew from {done.events:,} events, {done.posted:,} of them posted.")
    if done.lost:
        output.out(f"What was in no file of the lake is lost: {done.lost}")
    return 0
