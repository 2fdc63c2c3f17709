"""`headgate plan`: what a branch would change, for whom, and how the next run brings it about."""

from __future__ import annotations

import typer

EXAMPLE = "Example: headgate plan --against main --markdown"


def plan(
    against: str = typer.Option(
        None, "--against", metavar="WHAT",
        help="What to compare the working tree with: release (what the newest release was made "
        "by; the default), a git revision such as main, or the folder of another copy.",
    ),
    mine: list[str] = typer.Option(
        [], "--as", metavar="OWNER",
        help="You speak for this owner: what it must agree to is told apart, and asks for nobody "
        "else. May be given again.",
    ),
    as_markdown: bool = typer.Option(False, "--markdown", help="Print Markdown, for a review."),
    as_json: bool = typer.Option(False, "--json", help="Print the plan as JSON."),
) -> int:  # fmt: skip
    """Show what the working tree would change: tables, columns, rules, and whom it concerns.

    Nothing is built and nothing is written; without a lake the tables are taken to be as they were.
    Exits 1 if somebody must agree or act first, and 0 if nothing changed or only compatibly.
    """
    from headgate.cli import output, plan_text
    from headgate.orchestration.planning.making import make
    from headgate.orchestration.project import Project

    found = make(Project.open(), against, mine=mine)
    if as_json:
        told = {"severity": found.severity, "exit_code": found.exit_code}
        output.json({**output.plain(found), **told})
    elif as_markdown:
        output.out(plan_text.markdown(found))
    else:
        output.out(plan_text.text(found))
    return found.exit_code
