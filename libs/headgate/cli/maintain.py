"""`headgate maintain`: small files put together, logs cut short, and what nobody can read removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from headgate.cli import output

if TYPE_CHECKING:
    from headgate.orchestration.maintaining import MaintenanceReport

EXAMPLE = "Example: headgate maintain --dry-run"


def maintain(
    datasets: list[str] = typer.Argument(
        None, metavar="[DATASET]...", help="Only the tables of these datasets (default: all of the "
        "lake).",
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Change nothing; say what would be done."),
    as_json: bool = typer.Option(False, "--json", help="Print it as JSON."),
) -> int:  # fmt: skip
    """Put small files together, cut logs short, and remove what no kept version or release needs.

    No row changes, and nothing that a kept release or a recent version reads is touched; settings
    say how long things are kept. Exits 1 if something could not be read and was left alone.
    """
    from headgate.orchestration.maintaining import maintain as work
    from headgate.orchestration.project import Project

    found = work(Project.open(), datasets or (), dry_run=dry_run)
    if as_json:
        output.json({**output.plain(found), "freed": found.freed, "exit_code": found.exit_code})
    else:
        _show(found)
    return found.exit_code


def _show(found: MaintenanceReport) -> None:
    for note in found.notes:
        output.say(note)
    if found.works:
        output.table(
            ("where", "what", "files", "bytes", "detail"),
            [(w.where, w.what, w.files, w.bytes, w.detail) for w in found.works],
        )
    if not found.works:
        output.out("Nothing to do: the lake is in order.")
    elif found.dry_run:
        output.out(f"This would free {found.freed:,} bytes. Do it: headgate maintain")
    else:
        output.out(f"Freed {found.freed:,} bytes.")
    for problem in found.problems:
        output.say(f"Left alone: {problem}")
