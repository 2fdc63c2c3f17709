"""`headgate --lake` and `headgate lake`: lakes of one's own, beside the project's."""

from __future__ import annotations

import typer

from headgate.cli import output
from headgate.core import settings as core_settings
from headgate.core.errors import UsageError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Private lakes: list them, begin one anew from its base, or drop it.",
    epilog="Example: headgate lake list",
)


def choose(named: str, base: str | None) -> None:
    """Work in the lake called ``named``; where it is new and ``base`` is given, make it of that.

    Raises:
        UsageError: the name is none, or ``base`` does not fit the lake.
    """
    core_settings.choose_lake(named)
    if base is None:
        return
    from headgate.orchestration import private_lakes
    from headgate.orchestration.project import Project

    project = Project.open()
    if not project.settings.is_private:
        raise UsageError(
            "--base is for private lakes.",
            remedy="Say --lake NAME as well: headgate --lake mine --base main run",
        )
    new = private_lakes.base_of(project) is None
    found = private_lakes.begin(project, base)
    if new:
        output.say(f"Lake {named} begins as release {found.release} of {found.lake}.")


@app.command("list", epilog="Example: headgate lake list --json")
def list_(as_json: bool = typer.Option(False, "--json", help="Print it as JSON.")) -> int:
    """Show the private lakes: what each began as, what was built in it, and what that takes."""
    from headgate.orchestration import private_lakes
    from headgate.orchestration.project import Project

    found = private_lakes.listed(Project.open())
    if as_json:
        output.json(found)
        return 0
    if not found:
        output.out("No private lakes. Next: headgate --lake mine --base main run")
        return 0
    output.table(
        ("lake", "base", "since", "releases behind", "built here", "bytes of its own"),
        [
            (
                one.name,
                f"{one.base.lake} release {one.base.release}" if one.base else "",
                one.base.since if one.base else "",
                one.behind,
                ", ".join(one.own),
                one.bytes,
            )
            for one in found
        ],
    )
    return 0


@app.command(epilog="Example: headgate lake refresh mine")
def refresh(
    name: str = typer.Argument(..., metavar="LAKE", help="The private lake."),
) -> int:
    """Begin anew from the base's newest release. What was built in the lake goes.

    The next run in it builds again what the working copy makes otherwise than the base.
    """
    from headgate.orchestration import private_lakes
    from headgate.orchestration.project import Project

    core_settings.choose_lake(name)
    found = private_lakes.refresh(Project.open())
    output.out(f"Lake {name} stands on release {found.release} of {found.lake}.")
    return 0


@app.command(epilog="Example: headgate lake drop mine")
def drop(
    name: str = typer.Argument(..., metavar="LAKE", help="The private lake."),
) -> int:
    """Remove a private lake. What its base has stays there."""
    from headgate.orchestration import private_lakes
    from headgate.orchestration.project import Project

    private_lakes.drop(Project.open(), name)
    output.out(f"Lake {name} is gone.")
    return 0
