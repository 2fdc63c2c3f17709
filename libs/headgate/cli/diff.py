"""`headgate diff`: what changed in contracts, and whether rows that are stored still fit them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from headgate.cli import output
from headgate.core.errors import UsageError

if TYPE_CHECKING:
    from headgate.orchestration.evolving import Difference
    from headgate.orchestration.project import Project

EXAMPLE = "Example: headgate diff bronze.irc.messages --against release"
_MARKS = {"compatible": "✅", "needs-backfill": "⚠️", "breaking": "❌"}


def diff(
    datasets: list[str] = typer.Argument(None, metavar="[DATASET]...", help="Default: all."),
    against: str = typer.Option(
        "commit", "--against", metavar="WHAT",
        help="What to compare with: commit (the contract under which each table was last "
        "committed), release (that of the version readers see), or the path of an older contract "
        "or of a folder of them.",
    ),
    as_markdown: bool = typer.Option(False, "--markdown", help="Print Markdown, for a review."),
    as_json: bool = typer.Option(False, "--json", help="Print the changes as JSON."),
) -> int:  # fmt: skip
    """Show what changed in contracts: compatible, needs-backfill or breaking.

    Compatible changes apply themselves. For others the command that makes stored rows fit is
    named; until somebody has run it, the next run refuses the dataset. Exits 1 if there are any.
    """
    from headgate.orchestration.project import Project

    project = Project.open()
    names = datasets or [d for d, c in project.contracts.items() if c.name.layer != "system"]
    found = [d for d in _found(project, names, against) if d.changes]
    if as_json:
        output.json(found)
    elif as_markdown:
        output.out(markdown(found))
    else:
        _show(found)
    return 1 if any(d.needs_action for d in found) else 0


def _found(project: Project, names: list[str], against: str) -> list[Difference]:
    from headgate.contracts.load import FILE_NAME, load
    from headgate.orchestration import evolving

    if against in ("commit", "release"):
        return evolving.differences(project, names, against)
    path = Path(against)
    if path.is_dir():
        old = {c.id: c for c in map(load, sorted(path.rglob(FILE_NAME)))}
    elif path.is_file():
        one = load(path)
        old = {one.id if len(names) > 1 else names[0]: one}
        names = [n for n in names if n in old]
    else:
        raise UsageError(
            f"--against {against!r} is no file and no folder.",
            remedy="Give commit, release, or a path.",
        )
    return [evolving.between(old[n], project.contracts[n]) for n in names if n in old]


def _show(found: list[Difference]) -> None:
    for one in found:
        output.out(f"{one.dataset}: {one.severity}")
        for change in one.changes:
            output.out(f"  {change.severity}: {change.what}")
        if one.remedy:
            output.out(f"  Next: {one.remedy}")
    if not found:
        output.out("No contract changed.")


def markdown(found: list[Difference]) -> str:
    """The changes as a Markdown page."""
    parts = ["# Contract changes"] + (["None."] if not found else [])
    for one in found:
        lines = [f"- **{c.severity}** {c.what}" for c in one.changes]
        parts += [f"## {_MARKS[one.severity]} `{one.dataset}`: {one.severity}", "\n".join(lines)]
        parts += [f"Next: {one.remedy}"] if one.remedy else []
    return "\n\n".join(parts) + "\n"
