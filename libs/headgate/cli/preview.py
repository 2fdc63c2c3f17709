"""`headgate preview`: the first rows that a model gives as it stands in the working tree."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING

import typer

from headgate.cli import output
from headgate.core.errors import UsageError

if TYPE_CHECKING:
    from headgate.orchestration.previewing import Preview

EXAMPLE = 'Example: headgate preview fct_messages --where "words > 100" --limit 5'


def preview(
    model: str = typer.Argument(
        ..., help="A dbt model, private ones too, or the id of a dataset that is made from others."
    ),
    limit: int = typer.Option(20, "--limit", metavar="N", min=1, help="How many rows."),
    where: str | None = typer.Option(
        None, "--where", metavar="SQL", help="Only rows that satisfy this condition."
    ),
    release: int | None = typer.Option(
        None, "--release", metavar="ID",
        help="Read the tables of this release instead of the newest committed ones.",
    ),
    fresh: bool = typer.Option(
        False, "--fresh",
        help="What it reads that the working tree would build otherwise is built first, in memory.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print columns, rows and notes as JSON."),
    as_csv: bool = typer.Option(False, "--csv", help="Print the rows as CSV."),
) -> int:  # fmt: skip
    """Show what a model gives as its file stands now. Nothing is committed.

    The model needs no contract yet. It is built in full over the stored tables; what is read of a
    table that the working tree would build otherwise is told, or built too with --fresh.
    """
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other.", remedy="Give one of them.")
    from headgate.orchestration import previewing
    from headgate.orchestration.project import Project

    found = previewing.preview(
        Project.open(), model, where=where, limit=limit, release=release, fresh=fresh
    )
    if as_json:
        output.json(_document(found))
        return 0
    names = [name for name, _ in found.columns]
    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(names)
        writer.writerows(found.rows)
    else:
        output.table(names, found.rows)
        output.out("Columns: " + ", ".join(f"{n} {kind}" for n, kind in found.columns))
    for note in found.notes:
        output.say(note)
    return 0


def _document(found: Preview) -> dict[str, object]:
    names = [name for name, _ in found.columns]
    return {
        "model": found.model,
        "dataset": found.dataset,
        "columns": [{"name": n, "type": kind} for n, kind in found.columns],
        "rows": [dict(zip(names, row, strict=True)) for row in found.rows],
        "notes": list(found.notes),
    }
